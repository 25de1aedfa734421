import { describe, expect, test } from '@jest/globals';
import { firstStep } from '../../src/strategies/computed-start.js';
import { migrate } from '../migration/setups.js';
import { smallGuest } from './small-guest.js';

const LADDER = { initial: 20, increment: 10, max: 99 };

describe('the first step', () => {
  // Half of 1000 is 500: (1 − 0.2)·600 = 480 fits, (1 − 0.2)·700 = 560 does not, (1 − 0.3)·700 = 490 does.
  test('is the first rung on which the guest dirties less than half of the bandwidth', () => {
    expect(firstStep(LADDER, 600, 1000, 50)).toBe(20);
    expect(firstStep(LADDER, 700, 1000, 50)).toBe(30);
    expect(firstStep(LADDER, 4900, 1000, 50)).toBe(90);
  });

  test('is the end of the ladder when no rung will do, though 99 is not a rung', () => {
    expect(firstStep(LADDER, 5001, 1000, 50)).toBe(99);
    expect(firstStep({ ...LADDER, max: 80 }, 5001, 1000, 50)).toBe(80);
  });

  test('is cpu-throttle-initial while no rate is known', () => {
    expect(firstStep(LADDER, 0, 1000, 50)).toBe(20);
  });

  test('follows the threshold', () => {
    expect(firstStep(LADDER, 700, 1000, 80)).toBe(20);
    expect(firstStep(LADDER, 700, 1000, 10)).toBe(90);
  });
});

// The writers write 192 MiB/s, and 64 are sent: (1 − p)·192 < 33.5 first holds at 90 %. A page that is written twice before
// its ring is full counts once: of 48 MiB, 13.75 are in a ring of 4096 after 48·ln(48/34.25)/96 = 0.17 s, 163 MiB/s in all.
test.each([
  [1024, 90],
  [4096, 80],
])('a migration begins at the computed rung and not at 20 % (ring of %d)', (dirtyRingSize, percent) => {
  const setup = smallGuest({ dirtyRingSize });
  const computed = migrate(setup, 'computed-start');
  const stepwise = migrate(setup, 'auto-converge');
  expect(computed.decisions[0]!.text).toMatch(new RegExp(`throttle 0 -> ${percent} %$`));
  expect(stepwise.decisions[0]!.text).toMatch(/throttle 0 -> 20 %$/);
  expect(computed.totalTimeMs).toBeLessThan(stepwise.totalTimeMs);
});

// Without a ring the rate is dirty-pages-rate, at most what was sent: 64 MiB/s at (1 − p) < 0.52 asks for 50 %.
test("without a ring it knows the bitmap's rate only", () => {
  const result = migrate(smallGuest({ dirtyRingSize: 0 }), 'computed-start');
  expect(result.decisions[0]!.text).toMatch(/throttle 0 -> [2-5]0 %$/);
});
