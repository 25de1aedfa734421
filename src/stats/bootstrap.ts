/** Intervals for statistics of paired samples that have no formula, such as a ratio of medians. */
import type { Generator } from '../random/generator.js';
import type { Interval } from './interval.js';
import { requirePairs } from './interval.js';
import { quantileOfSorted } from './summary.js';

/** Computed from two samples whose i-th values belong together. Must not keep or change the arrays. */
export type PairedStatistic = (first: Float64Array, second: Float64Array) => number;

/**
 * The statistic of the samples, and the percentile interval of its values over `resamples` resamplings of the pairs with
 * replacement (Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979). `RangeError` without pairs.
 */
export function pairedBootstrap(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  statistic: PairedStatistic,
  generator: Generator,
  { resamples = 10_000, confidence = 0.95 } = {},
): Interval {
  requirePairs(first, second);
  const count = first.length;
  if (count === 0) throw new RangeError('no pairs to resample');
  const estimate = statistic(Float64Array.from(first), Float64Array.from(second));
  const firstDrawn = new Float64Array(count);
  const secondDrawn = new Float64Array(count);
  const found = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    for (let index = 0; index < count; index++) {
      const drawn = generator.nextBelow(count);
      firstDrawn[index] = first[drawn]!;
      secondDrawn[index] = second[drawn]!;
    }
    found[resample] = statistic(firstDrawn, secondDrawn);
  }
  found.sort();
  const outside = (1 - confidence) / 2;
  return {
    estimate,
    low: quantileOfSorted(found, outside),
    high: quantileOfSorted(found, 1 - outside),
    confidence,
  };
}
