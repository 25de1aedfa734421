/** Distributions of an uncertain number, by their quantiles, and their moments by formula. */
import { nth } from '../lists.js';
import { normalQuantile } from './normal-quantile.js';

const { exp, floor, min } = Math;

/**
 * P(Z <= 3). A bell has no ends; uncertain values do: draws are cut at 3 standard deviations, where a normal distribution
 * keeps 99.7 % of them.
 */
const BELOW_CUT = 0.9986501019683699;

export type Distribution =
  /** Every value from `low` to `high` is equally likely; `whole`: whole numbers only, both ends among them. */
  | { readonly kind: 'even'; readonly low: number; readonly high: number; readonly whole?: boolean }
  /** Cut at three standard deviations. */
  | { readonly kind: 'normal'; readonly mean: number; readonly sd: number }
  /** `sigma`: standard deviation of the natural logarithm; cut at three of them. */
  | { readonly kind: 'lognormal'; readonly median: number; readonly sigma: number }
  /** Each value with its weight; in rising order, as the median asks for. */
  | { readonly kind: 'any-of'; readonly values: readonly number[]; readonly weights: readonly number[] };

/** The value below which a share `p` (0 .. 1) of the draws lies: `p` drawn evenly gives the distribution. */
export function distributionQuantile(distribution: Distribution, p: number): number {
  switch (distribution.kind) {
    case 'even': {
      const { low, high, whole = false } = distribution;
      return whole ? min(high, low + floor(p * (high - low + 1))) : low + p * (high - low);
    }
    case 'normal':
      return distribution.mean + distribution.sd * cutNormal(p);
    case 'lognormal':
      return distribution.median * exp(distribution.sigma * cutNormal(p));
    case 'any-of':
      return nth(distribution.values, pick(distribution.weights, p));
  }
}

/** A standard normal, cut at three standard deviations: the quantile at `p`. */
export function cutNormal(p: number): number {
  if (p === 0.5) return 0;
  return normalQuantile(1 - BELOW_CUT + p * (2 * BELOW_CUT - 1));
}

/** The first entry at which the weights so far reach the share `p` of all of them. */
export function pick(weights: readonly number[], p: number): number {
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const found = weights.findIndex((weight) => {
    sum += weight;
    return weight > 0 && sum >= p * all;
  });
  return found === -1 ? weights.findLastIndex((weight) => weight > 0) : found;
}
