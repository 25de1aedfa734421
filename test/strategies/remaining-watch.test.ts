import { describe, expect, test } from '@jest/globals';
import { RemainingWatch } from '../../src/strategies/kit/remaining-watch.js';

/** Every 100 ms for `seconds`, in windows of a second: the first time at which it is low, s; null if never. */
function firstLow(pendingAt: (seconds: number) => number, seconds = 60): number | null {
  const watch = new RemainingWatch();
  watch.begin(0, 1e6);
  for (let tick = 1; tick <= seconds * 10; tick += 1) {
    const pending = pendingAt(tick / 10);
    watch.see(pending, tick * 1e5, 20);
    if (watch.isLow(pending)) return tick / 10;
  }
  return null;
}

describe('the remaining is low', () => {
  // 1000·e^(−t/2) + 500 falls by less than 20 a second from t = 2·ln(1000·(1 − e^(−0.5))/20) = 5.96 s on.
  test('once it falls by less than it is worth', () => {
    const low = firstLow((t) => 500 + 1000 * Math.exp(-t / 2))!;
    expect(low).toBeGreaterThan(5.9);
    expect(low).toBeLessThan(9);
  });

  test('never while it falls', () => {
    expect(firstLow((t) => 10_000 - 30 * t)).toBeNull();
  });

  test('at the bottom of a wave, not on its way up or down', () => {
    const wave = (t: number): number => 800 + 200 * Math.cos((2 * Math.PI * t) / 1.4);
    expect(wave(firstLow(wave)!)).toBeLessThan(625);
  });

  test('not before two windows could be compared', () => {
    expect(firstLow(() => 500)).toBeGreaterThanOrEqual(2);
  });
});

test('it remembers the lowest ever, and when it was reached', () => {
  const watch = new RemainingWatch();
  watch.begin(0, 1e6);
  [900, 500, 495, 700].forEach((pending, i) => watch.see(pending, i, 0));
  // 495 is not 2 % lower than 500.
  expect([watch.lowestEver, watch.lowestEverUs]).toEqual([500, 1]);
});
