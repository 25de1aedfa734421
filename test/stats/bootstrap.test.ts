import { describe, expect, test } from '@jest/globals';
import { normal } from '../../src/random/distributions.js';
import { stream } from '../../src/random/streams.js';
import { pairedBootstrap } from '../../src/stats/bootstrap.js';
import { pairedInterval } from '../../src/stats/interval.js';
import { mean, median } from '../../src/stats/summary.js';

const meanDifference = (first: Float64Array, second: Float64Array): number => mean(first) - mean(second);

const generator = stream(41, 0, 'samples');
const base = Array.from({ length: 40 }, () => 50 * normal(generator));
const first = base.map((value) => value + 3 + normal(generator));
const second = base.map((value) => value + normal(generator));

describe('paired bootstrap', () => {
  test('of a mean difference agrees with the t interval, as theory says it does for a normal sample', () => {
    const byT = pairedInterval(first, second);
    const resampled = pairedBootstrap(first, second, meanDifference, stream(42, 0, 'bootstrap'), {
      resamples: 4000,
    });
    expect(resampled.estimate).toBeCloseTo(byT.estimate, 10);
    // The percentile interval lacks the factor t/z sqrt(n/(n-1)), 4.6 % at n = 40; as much again for 4000 resamples.
    const width = byT.high - byT.low;
    expect(Math.abs(resampled.low - byT.low)).toBeLessThan(0.1 * width);
    expect(Math.abs(resampled.high - byT.high)).toBeLessThan(0.1 * width);
  });

  test('keeps pairs together: a statistic that is the same for every pair has an interval of no width', () => {
    const doubled = first.map((value) => 2 * value);
    const ratio = (a: Float64Array, b: Float64Array): number => mean(a) / mean(b);
    const { estimate, low, high } = pairedBootstrap(doubled, first, ratio, stream(1, 0, 'x'), {
      resamples: 200,
    });
    for (const value of [estimate, low, high]) expect(value).toBeCloseTo(2, 12);
  });

  test('serves statistics without a formula, and widens with confidence', () => {
    const difference = (a: Float64Array, b: Float64Array): number =>
      median(a.map((value, index) => value - b[index]!));
    const at = (confidence: number) =>
      pairedBootstrap(first, second, difference, stream(43, 0, 'x'), { resamples: 500, confidence });
    const [narrow, wide] = [at(0.5), at(0.99)];
    expect(wide.low).toBeLessThan(narrow.low);
    expect(wide.high).toBeGreaterThan(narrow.high);
    expect(wide.low).toBeLessThan(3);
    expect(wide.high).toBeGreaterThan(3);
  });

  test('depends on its generator alone', () => {
    const once = () => pairedBootstrap(first, second, meanDifference, stream(44, 0, 'x'), { resamples: 100 });
    expect(once()).toEqual(once());
  });

  test('refuses samples that are no pairs', () => {
    expect(() => pairedBootstrap([1], [1, 2], meanDifference, stream(1, 0, 'x'))).toThrow(RangeError);
    expect(() => pairedBootstrap([], [], meanDifference, stream(1, 0, 'x'))).toThrow(RangeError);
  });
});
