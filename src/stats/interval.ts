/** Confidence intervals of means by Student's t. */
import { mean, standardDeviation } from './summary.js';
import { studentTQuantile } from './student-t.js';

const { sqrt } = Math;

/** An estimate and the interval that covers the true value in `confidence` (0 .. 1) of all experiments. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

/**
 * The mean of a sample and its interval. A single value says nothing about its spread: the interval is then infinite.
 * Values that are all the same give an interval of no width. `RangeError` without values.
 */
export function meanInterval(values: ArrayLike<number>, confidence = 0.95): Interval {
  const estimate = mean(values);
  if (values.length === 1) return { estimate, low: -Infinity, high: Infinity, confidence };
  const standardError = standardDeviation(values) / sqrt(values.length);
  const half = standardError * studentTQuantile((1 + confidence) / 2, values.length - 1);
  return { estimate, low: estimate - half, high: estimate + half, confidence };
}

/** `first[i] - second[i]`, for samples whose i-th values belong together (the same seed). */
export function pairedDifferences(first: ArrayLike<number>, second: ArrayLike<number>): Float64Array {
  requirePairs(first, second);
  const differences = new Float64Array(first.length);
  for (let index = 0; index < differences.length; index++)
    differences[index] = first[index]! - second[index]!;
  return differences;
}

/** The mean of the paired differences and its interval: much narrower than that of unpaired means when pairs vary alike. */
export function pairedInterval(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  confidence = 0.95,
): Interval {
  return meanInterval(pairedDifferences(first, second), confidence);
}

export function requirePairs(first: ArrayLike<number>, second: ArrayLike<number>): void {
  if (first.length !== second.length) {
    throw new RangeError(`paired samples must be of one length, not ${first.length} and ${second.length}`);
  }
}
