/**
 * The largest and smallest of numbers, however many there are. A spread into Math.max puts each value on the stack, which
 * overflows at some 100,000. NaN where one of the values is.
 */

const INFINITY = Infinity;
const { max, min } = Math;

/** -Infinity without values. */
export function largest(values: Iterable<number>): number {
  let most = -INFINITY;
  for (const value of values) most = max(most, value);
  return most;
}

/** Infinity without values. */
export function smallest(values: Iterable<number>): number {
  let least = INFINITY;
  for (const value of values) least = min(least, value);
  return least;
}
