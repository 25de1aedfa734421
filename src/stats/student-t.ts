/** Student's t distribution: its CDF by the incomplete beta function, its quantiles by Newton's method. */

const { abs, exp, log, log1p, sqrt, PI } = Math;

/** log of Gamma(a + 1/2) / Gamma(a): the asymptotic series (DLMF 5.11.13), good to 1e-14 from `SERIES_FROM` on. */
function logGammaHalfStep(a: number): number {
  const SERIES_FROM = 20;
  let shift = 0;
  let x = a;
  // Gamma(x + 1) = x Gamma(x), above and below the fraction line.
  for (; x < SERIES_FROM; x++) shift += log(x / (x + 0.5));
  const square = x * x;
  const series = (-1 / 8 + (1 / 192 + (-1 / 640 + 17 / 14336 / square) / square) / square) / x;
  return 0.5 * log(x) + series + shift;
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method as Thompson and Barnett gave it. */
function betaFraction(x: number, a: number, b: number): number {
  const TINY = 1e-300;
  const away = (value: number): number => (abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}

/** P(T > t) for t >= 0. */
function upperTail(t: number, degrees: number): number {
  if (t === Infinity) return 0;
  const a = degrees / 2;
  const square = t * t;
  // I_x(a, 1/2) / 2 with x = degrees / (degrees + t^2); 1 - x is computed by itself, as it may be tiny.
  const x = degrees / (degrees + square);
  const complement = square / (degrees + square);
  const front = 0.5 * sqrt(complement / PI) * exp(logGammaHalfStep(a) - a * log1p(square / degrees));
  if (x < (a + 1) / (a + 2.5)) return (front / a) * betaFraction(x, a, 0.5);
  return 0.5 - (front / 0.5) * betaFraction(complement, 0.5, a);
}

function density(t: number, degrees: number): number {
  const height = exp(logGammaHalfStep(degrees / 2)) / sqrt(degrees * PI);
  return height * exp(-((degrees + 1) / 2) * log1p((t * t) / degrees));
}

function requireDegrees(degrees: number): void {
  if (!(degrees > 0 && degrees < Infinity))
    throw new RangeError(`degrees of freedom must be positive, not ${degrees}`);
}

/** The t with P(T <= t) = p, for p in 0 .. 1; relative error below 1e-8 (see the tables in the tests). */
export function studentTQuantile(p: number, degrees: number): number {
  requireDegrees(degrees);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`a quantile needs a probability of 0 to 1, not ${p}`);
  if (p === 0.5) return 0;
  const tail = p < 0.5 ? p : 1 - p;
  const size = tail === 0 ? Infinity : tailQuantile(tail, degrees);
  return p < 0.5 ? -size : size;
}

/** The t > 0 with P(T > t) = `tail` < 1/2: Newton's steps, halved intervals where they would leave the bracket. */
function tailQuantile(tail: number, degrees: number): number {
  let low = 0;
  let high = 1;
  while (upperTail(high, degrees) > tail) {
    low = high;
    high *= 2;
  }
  let t = (low + high) / 2;
  for (let step = 0; step < 200; step++) {
    const excess = upperTail(t, degrees) - tail;
    if (excess > 0) low = t;
    else high = t;
    const newton = t + excess / density(t, degrees);
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (abs(next - t) <= 1e-15 * t) return next;
    t = next;
  }
  return t;
}
