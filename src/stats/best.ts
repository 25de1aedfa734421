/** Which of several samples is best, and whether that is more than noise. */
import { nth } from '../lists.js';
import { pairedInterval } from './interval.js';
import { mean } from './summary.js';

const { abs } = Math;

/**
 * Of a single run there is no interval. Values that differ by less than this share of the best are taken for the same:
 * simulated and measured times differ by that much (docs/fidelity.md).
 */
export const SINGLE_RUN_NOISE = 0.02;

/**
 * Marks the sample with the best mean and those that do not differ from it measurably: the 95 % interval of their paired
 * difference has 0 in it. Value i of every sample is of run i; null takes no part. Nothing is marked where fewer than
 * two samples take part, and where all of them would be.
 */
export function bestSamples(
  samples: readonly (readonly number[] | null)[],
  better: 'lower' | 'higher',
): boolean[] {
  const nobody = samples.map(() => false);
  const contenders = samples.filter((values): values is readonly number[] => values !== null);
  if (contenders.length < 2) return nobody;
  const sign = better === 'lower' ? 1 : -1;
  const best = contenders.reduce((a, b) => (sign * (mean(b) - mean(a)) < 0 ? b : a));
  const marks = samples.map((values) => values !== null && (values === best || alike(values, best)));
  return marks.filter(Boolean).length === contenders.length ? nobody : marks;
}

function alike(values: readonly number[], best: readonly number[]): boolean {
  if (values.length === 1 && best.length === 1)
    return abs(nth(values, 0) - nth(best, 0)) <= SINGLE_RUN_NOISE * abs(nth(best, 0));
  // A value that some runs lack has no pairs.
  if (values.length !== best.length) return false;
  const { low, high } = pairedInterval(values, best);
  return low <= 0 && high >= 0;
}
