import { describe, expect, test } from '@jest/globals';
import { nextMinimum, throttleFor } from '../../src/strategies/aggression.js';
import { migrate } from '../migration/setups.js';
import { smallGuest } from './small-guest.js';

/** The minimum after so many samples of a guest that dirties `rate` times the bandwidth at full speed, at aggression `a`. */
function settle(rate: number, a: number, samples: number): number {
  let minimum = 1;
  for (let i = 0; i < samples; i += 1) {
    const share = 1 - throttleFor(minimum, a) / 100;
    minimum = nextMinimum(minimum, rate * share, 1, share);
  }
  return minimum;
}

describe('the running average', () => {
  // A guest whose rate follows its CPU time: bandwidth/(rate·share)·share = 1/rate, whatever the share. The distance to it
  // shrinks by 1 % a sample: to a percent of itself in 459.
  test('comes to the share at which dirtying keeps pace with sending', () => {
    expect(settle(4, 0, 459)).toBeCloseTo(0.25 + 0.75 * 0.99 ** 459, 10);
    expect(settle(4, 0.5, 3000)).toBeCloseTo(0.25, 6);
  });

  test('never asks for more than the whole guest', () => {
    expect(settle(0.1, 0, 500)).toBe(1);
  });

  // Where the measured rate is the bandwidth whatever the guest does, a sample is the share that the guest has: at 0 nothing
  // moves, above it each turn aims (1 − a) lower, down to the 1 % that the throttle leaves.
  test('stands still at aggression 0 when dirty-pages-rate is bounded by what was sent, and sinks above it', () => {
    let still = 1;
    let sinking = 1;
    for (let i = 0; i < 3000; i += 1) {
      still = nextMinimum(still, 1, 1, 1 - throttleFor(still, 0) / 100);
      sinking = nextMinimum(sinking, 1, 1, 1 - throttleFor(sinking, 0.5) / 100);
    }
    expect(still).toBe(1);
    expect(sinking).toBeCloseTo(0.01, 6);
  });
});

test('the throttle leaves (1 − aggression) of the minimum, and never passes 99 %', () => {
  expect(throttleFor(1, 0)).toBe(0);
  expect(throttleFor(0.5, 0.5)).toBe(75);
  expect(throttleFor(1, 1)).toBe(99);
});

test('a higher level ends a migration sooner', () => {
  const times = [30, 60, 90].map(
    (aggression) => migrate(smallGuest(), 'aggression', { aggression }).totalTimeMs,
  );
  expect(times[1]).toBeLessThan(times[0]!);
  expect(times[2]).toBeLessThan(times[1]!);
});
