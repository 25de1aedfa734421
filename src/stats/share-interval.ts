/** Confidence intervals of shares: how often something happened in a number of runs, and how two shares of the same runs differ. */
import { nth } from '../lists.js';
import type { Interval } from './interval.js';

const { sqrt, min, max } = Math;

/** The 97.5th percentile of the standard normal distribution: the intervals here are those of 95 %. */
const Z = 1.959963984540054;

/**
 * `count` of `n` as a share (0 .. 1) with the 95 % interval of Wilson ("Probable Inference, the Law of Succession, and
 * Statistical Inference", 1927). It holds for few runs, and where none or all did: 200 of 200 is [0.981, 1].
 * `RangeError` without runs.
 */
export function shareInterval(count: number, n: number): Interval {
  if (n === 0) throw new RangeError('no runs of which to take a share');
  const estimate = count / n;
  const middle = (estimate + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const half = (Z / (1 + Z ** 2 / n)) * sqrt((estimate * (1 - estimate)) / n + Z ** 2 / (4 * n ** 2));
  // All or none are certain to be possible; rounding must not say otherwise.
  const low = count === 0 ? 0 : max(0, middle - half);
  const high = count === n ? 1 : min(1, middle + half);
  return { estimate, low, high, confidence: 0.95 };
}

/**
 * The share of `first` less that of `second`, both of the same runs, with its 95 % interval: method 10 of Newcombe
 * ("Improved confidence intervals for the difference between binomial proportions based on paired data", 1998), which
 * combines the intervals of Wilson by the correlation of the pairs. `RangeError` for no pairs, and for other lengths.
 */
export function pairedShareInterval(first: readonly boolean[], second: readonly boolean[]): Interval {
  if (first.length !== second.length)
    throw new RangeError(`paired samples must be of one length, not ${first.length} and ${second.length}`);
  const n = first.length;
  const count = (of: (a: boolean, b: boolean) => boolean): number =>
    first.filter((a, run) => of(a, nth(second, run))).length;
  const both = count((a, b) => a && b);
  const neither = count((a, b) => !a && !b);
  const one = shareInterval(
    count((a) => a),
    n,
  );
  const other = shareInterval(
    count((_, b) => b),
    n,
  );
  const correlation = pairCorrelation(
    both,
    count((a, b) => a && !b),
    count((a, b) => !a && b),
    neither,
  );
  const estimate = one.estimate - other.estimate;
  const distance = (a: number, b: number): number => sqrt(max(0, a * a - 2 * correlation * a * b + b * b));
  return {
    estimate,
    low: max(-1, estimate - distance(one.estimate - one.low, other.high - other.estimate)),
    high: min(1, estimate + distance(other.estimate - other.low, one.high - one.estimate)),
    confidence: 0.95,
  };
}

/** Newcombe's estimate of the correlation of pairs, corrected for continuity; 0 where a share is 0 or 1. */
function pairCorrelation(both: number, firstOnly: number, secondOnly: number, neither: number): number {
  const n = both + firstOnly + secondOnly + neither;
  const square = (both + firstOnly) * (secondOnly + neither) * (both + secondOnly) * (firstOnly + neither);
  if (square === 0) return 0;
  const cross = both * neither - firstOnly * secondOnly;
  const corrected = cross > 0 ? max(0, cross - n / 2) : cross;
  return corrected / sqrt(square);
}
