import { describe, expect, test } from '@jest/globals';
import { bestSamples } from '../../src/stats/best.js';
import { pairedShareInterval, shareInterval } from '../../src/stats/share-interval.js';

describe("Wilson's interval of a share", () => {
  // The bounds are where (p - share)^2 = z^2 p (1 - p) / n. For 0 of n: z^2 / (n + z^2); for n of n: n / (n + z^2).
  test.each([
    [200, 200, 0.9812, 1],
    [0, 200, 0, 0.0188],
    [174, 200, 0.8163, 0.9097],
    [1, 1, 0.2065, 1],
  ])('%d of %d: [%d, %d]', (count, n, low, high) => {
    const interval = shareInterval(count, n);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
    expect(interval.estimate).toBe(count / n);
  });

  test('its bounds solve the equation that defines them', () => {
    const z = 1.959963984540054;
    for (let count = 1; count < 20; count++) {
      const { low, high } = shareInterval(count, 20);
      for (const p of [low, high]) {
        expect((p - count / 20) ** 2).toBeCloseTo((z ** 2 * p * (1 - p)) / 20, 12);
      }
    }
  });

  test('says the same of what happened and of what did not', () => {
    const some = shareInterval(3, 17);
    const others = shareInterval(14, 17);
    expect(some.low).toBeCloseTo(1 - others.high, 12);
    expect(some.high).toBeCloseTo(1 - others.low, 12);
  });

  test('there is none without runs', () => expect(() => shareInterval(0, 0)).toThrow(RangeError));
});

describe('the interval of two shares of the same runs', () => {
  const flags = (...counts: readonly (readonly [boolean, number])[]): boolean[] =>
    counts.flatMap(([flag, count]) => Array.from({ length: count }, () => flag));

  test('never against always has a width: -1 is certain for no number of runs', () => {
    const { estimate, low, high } = pairedShareInterval(flags([false, 200]), flags([true, 200]));
    expect(estimate).toBe(-1);
    expect(low).toBe(-1);
    // Both intervals reach 0.0188 inwards: sqrt(2) times that.
    expect(high).toBeCloseTo(-1 + Math.SQRT2 * (1 - 200 / (200 + 1.959964 ** 2)), 6);
  });

  test('is the published one of Newcombe (1998): 36, 12, 2 and 0 of 50 give [0.0569, 0.3404] around 0.2', () => {
    // Method 10: both, first only, second only, neither.
    const first = flags([true, 36], [true, 12], [false, 2]);
    const second = flags([true, 36], [false, 12], [true, 2]);
    const { estimate, low, high } = pairedShareInterval(first, second);
    expect(estimate).toBeCloseTo(0.2, 12);
    expect(low).toBeCloseTo(0.0569, 4);
    expect(high).toBeCloseTo(0.3404, 4);
  });

  test('turns around with its sides', () => {
    const a = flags([true, 9], [false, 6]);
    const b = flags([true, 4], [false, 3], [true, 6], [false, 2]);
    const one = pairedShareInterval(a, b);
    const other = pairedShareInterval(b, a);
    expect(one.low).toBeCloseTo(-other.high, 12);
    expect(one.high).toBeCloseTo(-other.low, 12);
  });

  test('needs pairs', () => expect(() => pairedShareInterval([true], [])).toThrow(RangeError));
});

describe('who is best', () => {
  test('is marked where every paired run says so, however much the guests differ', () => {
    // Differences of 1, 1.1 and 0.9: mean 1, sd 0.1, t(0.975, 2) = 4.30, so the interval is 1 +- 0.25.
    expect(
      bestSamples(
        [
          [10, 50, 90],
          [11, 51.1, 90.9],
        ],
        'lower',
      ),
    ).toEqual([true, false]);
    expect(
      bestSamples(
        [
          [10, 50, 90],
          [11, 51.1, 90.9],
        ],
        'higher',
      ),
    ).toEqual([false, true]);
  });

  test('is nobody where the paired interval has 0 in it, however small one mean is', () => {
    expect(
      bestSamples(
        [
          [10, 50, 90],
          [12, 49, 95],
        ],
        'lower',
      ),
    ).toEqual([false, false]);
  });

  test('are several that cannot be told apart, where a third can', () => {
    const samples = [
      [10, 11, 12],
      [11, 10, 12.5],
      [20, 21, 22.5],
    ];
    expect(bestSamples(samples, 'lower')).toEqual([true, true, false]);
  });

  test('of single runs needs 2 %', () => {
    expect(bestSamples([[268], [271]], 'lower')).toEqual([false, false]);
    expect(bestSamples([[268], [271], [290]], 'lower')).toEqual([true, true, false]);
    expect(bestSamples([[24.8], [21.6]], 'lower')).toEqual([false, true]);
  });

  test('takes no part: who is null', () => {
    expect(bestSamples([null, [3], [2]], 'lower')).toEqual([false, false, true]);
    expect(bestSamples([null, [3]], 'lower')).toEqual([false, false]);
  });
});
