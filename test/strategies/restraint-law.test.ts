import { describe, expect, test } from '@jest/globals';
import {
  dirtiedIn,
  drainSeconds,
  hastened,
  hasteOf,
  leastHold,
  lowestPending,
  plateau,
  resized,
  shortestDrain,
  spread,
  type DirtyClass,
} from '../../src/strategies/kit/restraint-law.js';

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** `pages` written uniformly, `writes` a second by each vCPU. */
function set(pages: number, ...writes: number[]): DirtyClass {
  return { pages, touches: writes.map((w) => w / pages) };
}

/** 1000 pages, of which 1000 pages/s are sent and 100 may be left. */
const SENDING = { pagesPerSecond: 1000, limitPages: 100 };

describe('the plateau', () => {
  // Dirtying w·(1 − U/W) balances sending B at U = W·(1 − B/w).
  test.each([
    [1500, 1000 / 3],
    [3000, 2000 / 3],
    [8000, 875],
  ])('of one set of 1000 pages written %d times a second is W·(1 − B/w)', (writes, expected) => {
    expect(plateau([set(1000, writes)], 1000)).toBeCloseTo(expected, 6);
  });

  test('is nothing when no more is written than sent', () => {
    expect(plateau([set(1000, 1000)], 1000)).toBe(0);
    expect(plateau([], 1000)).toBe(0);
  });

  test('does not care who writes, nor into how many like sets memory is cut', () => {
    const whole = plateau([set(1000, 3000)], 1000);
    expect(plateau([set(1000, 1000, 2000)], 1000)).toBeCloseTo(whole, 6);
    expect(plateau([set(400, 1200, 0), set(600, 0, 1800)], 1000)).toBeCloseTo(whole, 6);
  });

  test('puts the law right: touched so many times as often, the guest settles where it was seen', () => {
    const classes = [set(700, 900), set(300, 800)];
    const haste = hasteOf(classes, 1000, 640);
    expect(haste).toBeGreaterThan(1);
    expect(plateau(hastened(classes, haste), 1000)).toBeCloseTo(640, 3);
  });
});

describe('what is pending', () => {
  test('spreads so that each class is in balance with one rate of sending', () => {
    const classes = [set(200, 4000), set(800, 1000)];
    const total = plateau(classes, 1000);
    const parts = spread(classes, total);
    expect(sum(parts)).toBeCloseTo(total, 4);
    classes.forEach(({ pages, touches }, j) => {
      const dirtied = touches[0]! * (pages - parts[j]!);
      expect(dirtied).toBeCloseTo((1000 * parts[j]!) / total, 3);
    });
  });

  test('of more than anybody writes is pages that nobody writes', () => {
    expect(spread([set(200, 400), set(300, 0)], 700)).toEqual([200, 300, 200]);
  });
});

describe('a drain', () => {
  const classes = [set(1000, 3000)];

  test('of a frozen guest takes what sending takes', () => {
    expect(drainSeconds(classes, [667, 0], [0], SENDING)).toBeCloseTo(0.567, 6);
    expect(shortestDrain(667, SENDING)).toBeCloseTo(0.567, 12);
  });

  // U' = −B + s·w·(1 − U/W) has the solution U − V = (U0 − V)·e^(−s·w·t/W) around V = W·(1 − B/(s·w)).
  test.each([0.05, 0.1, 0.2, 0.3])('at a share of %d follows the closed form', (share) => {
    const rate = (share * 3000) / 1000;
    const centre = 1000 * (1 - 1000 / (share * 3000));
    const expected = Math.log((667 - centre) / (100 - centre)) / rate;
    const seconds = drainSeconds(classes, [667, 0], [share], SENDING);
    expect(Math.abs(seconds / expected - 1)).toBeLessThan(0.03);
  });

  test('never ends above the plateau of what still runs', () => {
    expect(drainSeconds(classes, [667, 0], [0.5], SENDING)).toBe(Infinity);
  });
});

describe('the hold that loses least', () => {
  const options = { heldShare: 0.01, vcpuCount: 3 };
  /** One that writes three times what is sent, one that writes a third of it, one that reads. */
  const classes = [set(800, 3000, 0, 0), set(200, 0, 333, 0)];

  test('holds the one that dirties most, and no reader', () => {
    const hold = leastHold(classes, plateau(classes, 1000), SENDING, options)!;
    expect(hold.vcpus).toEqual([0]);
    expect(hold.lostSeconds).toBeCloseTo(0.99 * hold.seconds, 12);
  });

  test('holds nobody when the guest comes under the limit by itself', () => {
    expect(leastHold([set(1000, 500)], 600, SENDING, options)).toMatchObject({ vcpus: [], lostSeconds: 0 });
  });

  test('is none when even held writers dirty more than is sent', () => {
    expect(leastHold([set(100_000, 150_000, 0, 0)], 90_000, SENDING, options)).toBeNull();
  });

  test('keeps whom it is told to keep, and adds more when it must', () => {
    expect(leastHold(classes, 600, SENDING, { ...options, keep: [1] })!.vcpus).toEqual([0, 1]);
    expect(leastHold([set(1000, 500, 100, 0)], 600, SENDING, { ...options, more: 1 })!.vcpus).toEqual([0]);
  });

  test('is the cheapest that is over in time, or the fastest when none is', () => {
    const cheap = leastHold(classes, 900, SENDING, options)!;
    const fast = leastHold(classes, 900, SENDING, { ...options, withinSeconds: 0.99 * cheap.seconds })!;
    expect(fast.seconds).toBeLessThan(cheap.seconds);
    expect(fast.lostSeconds).toBeGreaterThan(cheap.lostSeconds);
    expect(leastHold(classes, 900, SENDING, { ...options, withinSeconds: 0.01 })).toEqual(fast);
  });

  // The loss Σ(1 − s_i) over the drain B − Σ s_i·w_i is linear-fractional in the shares: no share in between is cheaper.
  test.each([
    [3000, 400],
    [1500, 1500],
    [900, 700],
    [5000, 1200],
  ])('loses no more than any shares in between, for writers of %d and %d', (a, b) => {
    const two = [set(600, a, 0), set(400, 0, b)];
    const start = plateau(two, 1000);
    const parts = spread(two, start);
    const best = leastHold(two, start, SENDING, { heldShare: 0.01, vcpuCount: 2 })!;
    for (let i = 1; i <= 100; i += 9) {
      for (let k = 1; k <= 100; k += 9) {
        const shares = [i / 100, k / 100];
        const lost = drainSeconds(two, parts, shares, SENDING) * (2 - sum(shares));
        if (lost < Infinity) expect(best.lostSeconds).toBeLessThanOrEqual(lost * 1.03 + 1e-9);
      }
    }
  });
});

describe('what was learned', () => {
  // Two rings gave 1000 and 500 writes a second, over sets far too large; 900 pages were dirty again after 2 s.
  test('is put to the size that was seen, at the rates that were seen', () => {
    const learned = [set(50_000, 1000, 0), set(40_000, 0, 500), set(64, 5000, 0)];
    const sized = resized(learned, [true, true, false], 900, 2);
    expect(dirtiedIn(sized, 2)).toBeCloseTo(900, 3);
    expect(sized[2]).toEqual(learned[2]);
    sized.forEach(({ pages, touches }, j) => {
      expect(pages * sum(touches)).toBeCloseTo(learned[j]!.pages * sum(learned[j]!.touches), 6);
    });
  });

  test('is left alone when more was dirtied than it says', () => {
    const learned = [set(500, 1000)];
    expect(resized(learned, [true], 900, 2)).toEqual(learned);
  });
});

describe('the forecast', () => {
  const classes = [set(1000, 3000)];

  test('of a guest without phases ends at the plateau', () => {
    expect(lowestPending(classes, 990, 1000, 60, () => 1)).toBeCloseTo(1000 * (2 / 3), 0);
  });

  // A second without any writes sends 1000 pages: all of them.
  test('of one that pauses for a second is nothing, and of one that pauses later than asked is the plateau', () => {
    const pause = (_vcpu: number, from: number): number => (from >= 9.999 && from < 11.5 ? 0 : 1);
    expect(lowestPending(classes, 990, 1000, 20, pause)).toBeLessThan(1);
    expect(lowestPending(classes, 990, 1000, 9, pause)).toBeGreaterThan(650);
  });
});
