/**
 * Where pre-copy settles. In time τ a guest dirties D(τ) = c·τ^β distinct bytes, with β < 1 in every measured trace; a pass
 * that sends them at B bytes/s takes D(τ)/B. Passes therefore shrink towards τ* = (c/B)^(1/(1−β)) and no further.
 */
const { log } = Math;

/** One pass over the dirty memory: how long it took, and what had become dirty when it was over. */
export interface Pass {
  readonly seconds: number;
  readonly dirtiedBytes: number;
}

/** A pass of nearly the length of the one before it has settled. */
const SETTLED = 0.95;

/** The exponent β of the power law through two passes. */
export function dirtyCurveExponent(before: Pass, last: Pass): number {
  return log(last.dirtiedBytes / before.dirtiedBytes) / log(last.seconds / before.seconds);
}

/**
 * Bytes left after each pass when all have become alike, by the power law through the last two. 0: there is no plateau, passes
 * shrink to nothing.
 */
export function plateauBytes(before: Pass, last: Pass, bytesPerSecond: number): number {
  if (last.dirtiedBytes === 0) return 0;
  if (last.seconds >= before.seconds * SETTLED) return last.dirtiedBytes;
  const exponent = dirtyCurveExponent(before, last);
  // As much or more in less time: the set is saturated and no shorter pass will see less of it.
  if (exponent <= 0) return last.dirtiedBytes;
  if (exponent >= 1) return 0;
  const c = last.dirtiedBytes / last.seconds ** exponent;
  return bytesPerSecond * (c / bytesPerSecond) ** (1 / (1 - exponent));
}
