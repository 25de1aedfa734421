/** Zipf's law over up to 2^31 ranks: rank r (from 1) has a weight of r^-exponent. */

const { ceil, expm1, max, min, pow, log } = Math;

/** Neighbouring ranks that share their weight evenly. */
export interface RankClass {
  /** From 0. */
  readonly firstRank: number;
  readonly ranks: number;
  /** Of all draws, 0 .. 1. */
  readonly share: number;
}

/** Number of ranks that are summed one by one. */
const SUMMED = 64;

/** Sum of r^-exponent over r = first .. last, counted from 1; long sums by the Euler-Maclaurin formula. */
function weightOf(first: number, last: number, exponent: number): number {
  let sum = 0;
  const summedTo = min(last, first + SUMMED - 1);
  for (let rank = first; rank <= summedTo; rank++) sum += pow(rank, -exponent);
  if (summedTo === last) return sum;
  const from = summedTo + 1;
  // The integral of x^(power - 1), in a form that keeps its digits near power 0, where it becomes a logarithm.
  const power = 1 - exponent;
  const growth = log(last / from);
  const integral = power === 0 ? growth : (pow(from, power) * expm1(power * growth)) / power;
  const atEnds = pow(from, -exponent) + pow(last, -exponent);
  const slopes = exponent * (pow(from, -exponent - 1) - pow(last, -exponent - 1));
  return sum + integral + atEnds / 2 + slopes / 12;
}

/**
 * Cuts `ranks` (1 .. 2^31) into at most `classes` classes whose borders grow geometrically, so that the first ranks stand
 * alone and the ratio of weights within a class is about the same everywhere. `exponent` >= 0.
 */
export function zipfClasses(ranks: number, exponent: number, classes: number): RankClass[] {
  const cuts: number[] = [0];
  for (let left = classes; left > 0; left--) {
    const done = cuts[cuts.length - 1]!;
    if (done >= ranks) break;
    // Steps of one rank use up classes; what they leave is shared out again over the ranks that remain.
    const next = done === 0 ? 1 : ceil(done * pow(ranks / done, 1 / left) - 1e-9);
    cuts.push(left === 1 ? ranks : min(ranks, max(done + 1, next)));
  }
  const weights = cuts.slice(1).map((end, index) => weightOf(cuts[index]! + 1, end, exponent));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight, index) => ({
    firstRank: cuts[index]!,
    ranks: cuts[index + 1]! - cuts[index]!,
    share: weight / total,
  }));
}
