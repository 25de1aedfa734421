/** Draws from the distributions that a simulated machine needs. All exact up to rounding, none approximated by a normal. */
import type { Generator } from './generator.js';

const { abs, exp, floor, log, log1p, sqrt, PI } = Math;

/** An exponential with this mean (>= 0): times between independent events. */
export function exponential(generator: Generator, mean: number): number {
  return -mean * log1p(-generator.nextFloat());
}

// The ziggurat of Marsaglia and Tsang ("The Ziggurat Method for Generating Random Variables", 2000): the half bell is
// covered by layers of equal area LAYER_AREA, the lowest of which holds the tail beyond TAIL_START. Layer and position
// come from separate draws, as Doornik (2005) showed that sharing their bits correlates the results.
const LAYERS = 128;
const TAIL_START = 3.442619855899;
const LAYER_AREA = 9.91256303526217e-3;
const TWO_POW_31 = 2 ** 31;

const bell = (x: number): number => exp(-0.5 * x * x);
/** Right edge of each layer, from the lowest (drawn as wide as its area is) to the top, and the peak's 0. */
const edges = new Float64Array(LAYERS + 1);
/** Height of the bell at each edge. */
const heights = new Float64Array(LAYERS + 1);
/** Edge / 2^31: what a signed 32-bit draw is multiplied by. */
const scales = new Float64Array(LAYERS);
/** A draw below this lies under the bell at once. */
const cores = new Float64Array(LAYERS);

function buildZiggurat(): void {
  edges[0] = LAYER_AREA / bell(TAIL_START);
  edges[1] = TAIL_START;
  for (let layer = 2; layer < LAYERS; layer++) {
    const below = edges[layer - 1]!;
    edges[layer] = sqrt(-2 * log(LAYER_AREA / below + bell(below)));
  }
  edges[LAYERS] = 0;
  for (let layer = 0; layer <= LAYERS; layer++) heights[layer] = bell(edges[layer]!);
  for (let layer = 0; layer < LAYERS; layer++) {
    scales[layer] = edges[layer]! / TWO_POW_31;
    cores[layer] = (edges[layer + 1]! / edges[layer]!) * TWO_POW_31;
  }
}
buildZiggurat();

/** A standard normal: mean 0, standard deviation 1. */
export function normal(generator: Generator): number {
  for (;;) {
    const layer = generator.nextUint32() & (LAYERS - 1);
    const draw = generator.nextUint32() | 0;
    const x = draw * scales[layer]!;
    if (abs(draw) < cores[layer]!) return x;
    if (layer === 0) return draw < 0 ? -normalTail(generator) : normalTail(generator);
    const low = heights[layer]!;
    if (low + generator.nextFloat() * (heights[layer + 1]! - low) < bell(x)) return x;
  }
}

/** Beyond `TAIL_START` (Marsaglia, "Generating a Variable from the Tail of the Normal Distribution", 1964). */
function normalTail(generator: Generator): number {
  for (;;) {
    const x = exponential(generator, 1 / TAIL_START);
    const y = exponential(generator, 1);
    if (y + y > x * x) return TAIL_START + x;
  }
}

/** From this mean on, rejection is cheaper than walking up the distribution; also where its constants begin to hold. */
const REJECTION_FROM = 10;
/** With a mean below `REJECTION_FROM` a larger count has no measurable probability: rounding ate the rest. */
const WALK_LIMIT = 200;

/** How many of `n` independent trials (an integer, 0 .. 2^31) succeed, each with probability `p` in 0 .. 1. */
export function binomial(generator: Generator, n: number, p: number): number {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomialOfRare(generator, n, 1 - p);
  return binomialOfRare(generator, n, p);
}

function binomialOfRare(generator: Generator, n: number, p: number): number {
  return n * p < REJECTION_FROM ? binomialByWalking(generator, n, p) : binomialByRejection(generator, n, p);
}

function binomialByWalking(generator: Generator, n: number, p: number): number {
  const odds = p / (1 - p);
  const none = exp(n * log1p(-p));
  for (;;) {
    let left = generator.nextFloat();
    let probability = none;
    for (let count = 0; count <= n && count < WALK_LIMIT; count++) {
      if (left < probability) return count;
      left -= probability;
      probability *= ((n - count) / (count + 1)) * odds;
    }
  }
}

/** BTRS of Hörmann, "The Generation of Binomial Random Variates", 1993. */
function binomialByRejection(generator: Generator, n: number, p: number): number {
  const spread = sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const centre = n * p + 0.5;
  const squeeze = 0.92 - 4.2 / b;
  for (;;) {
    const u = generator.nextFloat() - 0.5;
    const v = generator.nextFloat();
    const edge = 0.5 - abs(u);
    const count = floor(((2 * a) / edge + b) * u + centre);
    if (edge >= 0.07 && v <= squeeze) return count;
    if (!(count >= 0 && count <= n)) continue;
    const alpha = (2.83 + 5.1 / b) * spread;
    const height = log((v * alpha) / (a / (edge * edge) + b));
    if (height <= logBinomialRatio(n, p, count)) return count;
  }
}

/** log of the probability of `count` over that of the mode. */
function logBinomialRatio(n: number, p: number, count: number): number {
  const mode = floor((n + 1) * p);
  const odds = p / (1 - p);
  return (
    (mode + 0.5) * log((mode + 1) / (odds * (n - mode + 1))) +
    (n + 1) * log((n - mode + 1) / (n - count + 1)) +
    (count + 0.5) * log((odds * (n - count + 1)) / (count + 1)) +
    stirlingRest(mode) +
    stirlingRest(n - mode) -
    stirlingRest(count) -
    stirlingRest(n - count)
  );
}

/** Number of independent events where `mean` (>= 0) are expected. */
export function poisson(generator: Generator, mean: number): number {
  if (mean <= 0) return 0;
  return mean < REJECTION_FROM ? poissonByWalking(generator, mean) : poissonByRejection(generator, mean);
}

function poissonByWalking(generator: Generator, mean: number): number {
  const none = exp(-mean);
  for (;;) {
    let left = generator.nextFloat();
    let probability = none;
    for (let count = 0; count < WALK_LIMIT; count++) {
      if (left < probability) return count;
      left -= probability;
      probability *= mean / (count + 1);
    }
  }
}

/** PTRS of Hörmann, "The Transformed Rejection Method for Generating Poisson Random Variables", 1993. */
function poissonByRejection(generator: Generator, mean: number): number {
  const b = 0.931 + 2.53 * sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = generator.nextFloat() - 0.5;
    const v = generator.nextFloat();
    const edge = 0.5 - abs(u);
    const count = floor(((2 * a) / edge + b) * u + mean + 0.43);
    if (edge >= 0.07 && v <= squeeze) return count;
    if (!(count >= 0) || (edge < 0.013 && v > edge)) continue;
    const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
    const height = log((v * inverseAlpha) / (a / (edge * edge) + b));
    if (height <= count * log(mean) - mean - logFactorial(count)) return count;
  }
}

const HALF_LOG_TWO_PI = 0.5 * log(2 * PI);

function logFactorial(count: number): number {
  return HALF_LOG_TWO_PI + (count + 0.5) * log(count + 1) - (count + 1) + stirlingRest(count);
}

const STIRLING_TABLE = 10;
const stirlingTable = new Float64Array(STIRLING_TABLE);

/** The series behind Stirling's formula for (k + 1)!/(k + 1), good to 1e-10 from k = 10 on. */
function stirlingSeries(k: number): number {
  const square = (k + 1) * (k + 1);
  return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / (k + 1);
}

/** Downwards from the series: rest(k) = rest(k + 1) + what the main part of the formula lacks from k to k + 1. */
function fillStirlingTable(): void {
  let rest = stirlingSeries(STIRLING_TABLE);
  for (let k = STIRLING_TABLE - 1; k >= 0; k--) {
    rest += (k + 1.5) * log1p(1 / (k + 1)) - 1;
    stirlingTable[k] = rest;
  }
}
fillStirlingTable();

/** log k! less (k + 1/2) log(k + 1) - (k + 1) + log(2 pi)/2. */
function stirlingRest(k: number): number {
  return k < STIRLING_TABLE ? stirlingTable[k]! : stirlingSeries(k);
}
