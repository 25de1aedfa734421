/**
 * Prediction bands that hold as often as they say: split-conformal prediction (Vovk, Gammerman and Shafer, "Algorithmic
 * Learning in a Random World", 2005), with scores normalised by the spread of the draws (Papadopoulos and Haralambous,
 * "Reliable prediction intervals with regression neural networks", 2011). Nothing is assumed of the errors but that those of
 * a new migration are like those of the measured ones.
 */
import { nth } from '../lists.js';
import { quantileOfSorted } from './summary.js';

const { abs, exp, hypot, log, max, min, floor } = Math;

/** Bands hold this share of migrations. */
export const BAND_LEVEL = 0.9;
/** Relative standard error that a model has of its own, before recordings say how much it is: what very sure draws are scaled by. */
const OWN_ERROR = 0.05;
/** From the median to the 95th percentile of a normal distribution, in standard deviations. */
const Z95 = 1.6448536269514722;

/** What a model says of one figure. */
export interface Draws {
  /** The prediction: the figure where everything uncertain is at its median. */
  readonly point: number;
  /** 5th and 95th percentile of what is drawn. */
  readonly p5: number;
  readonly p95: number;
}

export interface Band {
  readonly low: number;
  readonly high: number;
}

/** Errors are relative for values far above `offset` and absolute far below it. */
function scaled(value: number, offset: number): number {
  return log(max(value, 0) + offset);
}

/**
 * The spread on one side of the prediction: that of the draws and the model's own, in quadrature. Draws that all lie on the
 * other side of it add nothing to this one.
 */
function spreadOf({ point, p5, p95 }: Draws, offset: number, above: boolean): number {
  const middle = scaled(point, offset);
  const reach = above ? scaled(p95, offset) - middle : middle - scaled(p5, offset);
  return hypot(max(0, reach) / Z95, OWN_ERROR);
}

/** How far a measured value lies from what was predicted, in units of the spread on its side of the prediction. */
export function nonconformity(draws: Draws, measured: number, offset: number): number {
  const distance = scaled(measured, offset) - scaled(draws.point, offset);
  return abs(distance) / spreadOf(draws, offset, distance > 0);
}

/**
 * The factor by which spreads must be taken to hold a further migration with probability `level`: the score of rank
 * (n + 1) · level, interpolated between neighbouring ranks, and at most the largest. `RangeError` without scores.
 */
export function conformalFactor(scores: readonly number[], level = BAND_LEVEL): number {
  const sorted = new Float64Array(scores).sort();
  if (sorted.length === 0) throw new RangeError('no scores of which to take a rank');
  const rank = min(sorted.length, max(1, (sorted.length + 1) * level));
  const below = nth(sorted, floor(rank) - 1);
  const above = nth(sorted, min(sorted.length, floor(rank) + 1) - 1);
  return rank === floor(rank) ? below : below + (rank - floor(rank)) * (above - below);
}

/** How many scores lie within the factor that all others give: coverage on migrations that were not looked at. */
export function heldLeavingOneOut(scores: readonly number[], level = BAND_LEVEL): number {
  if (scores.length < 2) return 0;
  return scores.filter(
    (score, left) =>
      score <=
      conformalFactor(
        scores.filter((_, i) => i !== left),
        level,
      ),
  ).length;
}

/** The band of a figure that is never negative. What is 0 in every draw stays 0: nothing asks for it. */
export function predictionBand(draws: Draws, factor: number, offset: number): Band {
  if (draws.point === 0 && draws.p5 === 0 && draws.p95 === 0) return { low: 0, high: 0 };
  const middle = scaled(draws.point, offset);
  const end = (sign: 1 | -1): number =>
    max(0, exp(middle + sign * factor * spreadOf(draws, offset, sign > 0)) - offset);
  return { low: end(-1), high: end(1) };
}

/** By how much the ends of a band are moved outwards, as factors: at most 1, and at least 1. */
export interface Stretch {
  readonly below: number;
  readonly above: number;
}

/** What has a band hold a value that was seen: a prediction of what a log shows must not deny the log. */
export function stretchTo({ low, high }: Band, seen: number | null): Stretch {
  if (seen === null || !(high > 0)) return { below: 1, above: 1 };
  return { below: low > 0 ? min(1, seen / low) : 1, above: max(1, seen / high) };
}

/** Predictions of the same guest under other settings can miss by as much. */
export function stretched({ low, high }: Band, { below, above }: Stretch): Band {
  return { low: low * below, high: high * above };
}

/** The draws of one figure; `point`: their median where nothing else is predicted. `RangeError` without values. */
export function drawsOf(values: readonly number[], point?: number): Draws {
  const sorted = new Float64Array(values).sort();
  return {
    point: point ?? quantileOfSorted(sorted, 0.5),
    p5: quantileOfSorted(sorted, 0.05),
    p95: quantileOfSorted(sorted, 0.95),
  };
}
