/** Quantiles of the standard normal distribution. */
const { abs, log, sqrt } = Math;

/** A polynomial of the third degree, highest power first. */
function cubic(x: number, a: number, b: number, c: number, d: number): number {
  return ((a * x + b) * x + c) * x + d;
}

/** Of the second degree. */
function square(x: number, a: number, b: number, c: number): number {
  return (a * x + b) * x + c;
}

/**
 * The z with P(Z <= z) = p, for p in 0 .. 1: algorithm AS 241, PPND7, of Wichura ("The Percentage Points of the Normal
 * Distribution", 1988); about seven digits. `RangeError` for other p.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`a quantile needs a probability of 0 to 1, not ${p}`);
  if (p === 0 || p === 1) return p === 0 ? -Infinity : Infinity;
  const q = p - 0.5;
  if (abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q * cubic(r, 59.109374720127, 159.29113202, 50.434271938, 3.3871327179)) /
      cubic(r, 67.18756362, 78.757757664, 17.895169469, 1)
    );
  }
  const tail = sqrt(-log(q < 0 ? p : 1 - p));
  const z =
    tail <= 5
      ? cubic(tail - 1.6, 0.17023821103, 1.3067284816, 2.75681539, 1.4234372777) /
        square(tail - 1.6, 0.12021132975, 0.7370016425, 1)
      : cubic(tail - 5, 0.017337203997, 0.42868294337, 3.081226386, 6.657905115) /
        square(tail - 5, 0.012258202635, 0.24197894225, 1);
  return q < 0 ? -z : z;
}
