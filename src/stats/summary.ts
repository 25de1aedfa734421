/** What a sample of numbers is like. Samples must not be empty: `RangeError` otherwise. */

const { floor, sqrt } = Math;

function requireValues(values: ArrayLike<number>): void {
  if (values.length === 0) throw new RangeError('no values to summarise');
}

/** The arithmetic mean. */
export function mean(values: ArrayLike<number>): number {
  requireValues(values);
  const first = sumFrom(values, 0) / values.length;
  // A second pass over the deviations takes back most of what rounding cost the first.
  return first + sumFrom(values, first) / values.length;
}

/** The loops stand alone: with arithmetic behind them, V8 compiled them again for nearly every sample. */
function sumFrom(values: ArrayLike<number>, origin: number): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]! - origin;
  return sum;
}

/** Standard deviation of a sample (over n - 1); NaN for a single value, which says nothing about spread. */
export function standardDeviation(values: ArrayLike<number>): number {
  return sqrt(squaresFrom(values, mean(values)) / (values.length - 1));
}

function squaresFrom(values: ArrayLike<number>, origin: number): number {
  let squares = 0;
  for (let index = 0; index < values.length; index++) {
    const deviation = values[index]! - origin;
    squares += deviation * deviation;
  }
  return squares;
}

/**
 * The value below which a share `p` (0 .. 1) of the sample lies, interpolated between neighbours: type 7 of Hyndman and
 * Fan ("Sample Quantiles in Statistical Packages", 1996), the default of R and NumPy.
 */
export function quantile(values: ArrayLike<number>, p: number): number {
  requireValues(values);
  return quantileOfSorted(new Float64Array(values).sort(), p);
}

/** The same for values already in rising order. */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  requireValues(sorted);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`a quantile needs a share of 0 to 1, not ${p}`);
  const position = (sorted.length - 1) * p;
  const index = floor(position);
  const below = sorted[index]!;
  // The last value has no neighbour above, and an infinite one must not meet a factor of 0.
  if (position === index) return below;
  return below + (position - index) * (sorted[index + 1]! - below);
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}
