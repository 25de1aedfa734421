import { parseOptions } from '../../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import { type PiState, piStep, piThrottle, rateError, sharedOut } from '../../src/strategies/pi-throttle.js';
import { migrate } from '../migration/setups.js';
import { smallGuest } from './small-guest.js';
import { setupWith } from './setups.js';

/** The defaults. */
const GAINS = { proportional: 0.02, integral: 0.05 };
const SECONDS = 0.5;
const WANTED = 0.7;

/** `seconds` of a guest that writes `gain(t)` times the bandwidth at full speed, in proportion to its run time. */
function control(gain: (seconds: number) => number, seconds: number): { state: PiState; rates: number[] } {
  let state: PiState = { throttle: 0, error: 0 };
  const rates: number[] = [];
  for (let t = 0; t < seconds; t += SECONDS) {
    const rate = gain(t) * (1 - state.throttle);
    rates.push(rate);
    state = piStep(state, rateError(rate, 1, WANTED), GAINS, SECONDS);
  }
  return { state, rates };
}

describe('the controller', () => {
  test.each([1.2, 2, 5, 10, 25])(
    'brings a guest that writes %d times the bandwidth to the wanted rate',
    (gain) => {
      const { rates } = control(() => gain, 240);
      for (const rate of rates.slice(-20)) expect(Math.abs(rate - WANTED)).toBeLessThan(0.02);
    },
  );

  test('leaves a guest alone that writes less than wanted', () => {
    expect(control(() => 0.6, 60).state.throttle).toBe(0);
  });

  // 300 times the bandwidth: even 99 % leave more than wanted, so the throttle stands at its end for a minute. When the
  // guest falls quiet, an integral that had gone on would have to be undone first.
  test('lets go in the very step in which the guest falls quiet', () => {
    const loud = control(() => 300, 60).state;
    expect(loud.throttle).toBe(0.99);
    const quiet = piStep(loud, rateError(0.01, 1, WANTED), GAINS, SECONDS);
    expect(quiet.throttle).toBeLessThan(0.99 - GAINS.integral * 0.6 * SECONDS);
  });

  test('is not thrown to its end by the first measurement, however large', () => {
    expect(control(() => 1e6, SECONDS).state.throttle).toBeCloseTo(2 * (0.02 + 0.05 * SECONDS), 12);
  });
});

describe('the throttle shared out', () => {
  test('is borne by whoever writes most, by the others in proportion, by readers not at all', () => {
    expect(sharedOut(0.8, [400, 100, 0])).toEqual([0.8, 0.2, 0]);
  });

  test('is borne by nobody when nobody writes', () => {
    expect(sharedOut(0.8, [0, 0])).toEqual([0, 0]);
  });
});

test('per vCPU it converges and leaves the readers alone, which the global mode does not', () => {
  const own = migrate(smallGuest(), 'pi-throttle');
  const all = migrate(smallGuest(), 'pi-throttle', { mode: 'global' });
  expect([own.status, all.status]).toEqual(['completed', 'completed']);
  for (const vcpu of own.vcpus.slice(2)) expect(vcpu.throttledMs).toBe(0);
  for (const vcpu of all.vcpus.slice(2)) expect(vcpu.throttledMs).toBeGreaterThan(1000);
});

test('it refuses to run without a dirty ring', () => {
  expect(piThrottle.refuses!(parseOptions(piThrottle.options, {}), setupWith({ dirtyRingSize: 0 }))).toMatch(
    /dirty ring/,
  );
});
