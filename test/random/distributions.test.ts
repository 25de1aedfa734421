import { describe, expect, test } from '@jest/globals';
import type { Generator } from '../../src/random/generator.js';
import { exponential, normal } from '../../src/random/distributions.js';
import { stream } from '../../src/random/streams.js';
import { chiSquare, chiSquareLimit } from './chi-square.js';

const { abs, exp, floor, max, min, sqrt } = Math;

const DRAWS = 400_000;

function draws(name: string, draw: (generator: Generator) => number): Float64Array {
  const generator = stream(11, 0, name);
  const values = new Float64Array(DRAWS);
  for (let index = 0; index < DRAWS; index++) values[index] = draw(generator);
  return values;
}

/** Mean and the second to fourth central moments, the latter two in units of the standard deviation. */
function moments(values: Float64Array): {
  mean: number;
  variance: number;
  skewness: number;
  kurtosis: number;
} {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  const about = (power: number): number => {
    let sum = 0;
    for (const value of values) sum += (value - mean) ** power;
    return sum / values.length;
  };
  const variance = about(2);
  return { mean, variance, skewness: about(3) / variance ** 1.5, kurtosis: about(4) / variance ** 2 };
}

/** Four standard errors of a mean of DRAWS values with this variance. */
const within = (variance: number): number => 4 * sqrt(variance / DRAWS);

describe('exponential', () => {
  const values = draws('exponential', (generator) => exponential(generator, 3));

  test('has the moments of its mean 3: variance 9, skewness 2', () => {
    const { mean, variance, skewness } = moments(values);
    expect(abs(mean - 3)).toBeLessThan(within(9));
    // The squared deviation of an exponential of mean m has a variance of (9 - 1) m^4.
    expect(abs(variance - 9)).toBeLessThan(within(8 * 81));
    expect(abs(skewness - 2)).toBeLessThan(0.2);
  });

  test('falls as e^(-x/3) does: its distribution function is uniform', () => {
    const counts = new Array<number>(100).fill(0);
    for (const value of values) counts[floor((1 - exp(-value / 3)) * 100)]! += 1;
    const { statistic, degrees } = chiSquare(counts, new Array<number>(100).fill(DRAWS / 100));
    expect(statistic).toBeLessThan(chiSquareLimit(degrees));
  });

  test('a mean of 0 is no wait at all', () => expect(exponential(stream(1, 0, 'x'), 0)).toBeCloseTo(0, 15));
});

/** Standard normal distribution function by the series of Marsaglia ("Evaluating the Normal Distribution", 2004). */
function normalCdf(x: number): number {
  let sum = x;
  let term = x;
  for (let k = 3; abs(term) > 1e-17 * abs(sum); k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + sum * exp(-0.5 * x * x - 0.918938533204672741780329736406);
}

describe('normal', () => {
  const values = draws('normal', normal);

  test('has mean 0, variance 1, skewness 0, kurtosis 3', () => {
    const { mean, variance, skewness, kurtosis } = moments(values);
    // Standard errors of the four: sqrt of 1, 2, 6 and 24 over n.
    expect(abs(mean)).toBeLessThan(within(1));
    expect(abs(variance - 1)).toBeLessThan(within(2));
    expect(abs(skewness)).toBeLessThan(within(6));
    expect(abs(kurtosis - 3)).toBeLessThan(within(24));
  });

  test('follows the bell, its tails beyond the lowest layer (3.44) included', () => {
    const CELLS = 180;
    const LOW = -4.5;
    const counts = new Array<number>(CELLS + 2).fill(0);
    for (const value of values) counts[min(CELLS + 1, max(0, floor((value - LOW) / 0.05) + 1))]! += 1;
    const edges = Array.from({ length: CELLS + 1 }, (_, cell) => normalCdf(LOW + cell * 0.05));
    const expected = [0, ...edges].map((edge, cell) => DRAWS * ((edges[cell] ?? 1) - edge));
    const { statistic, degrees } = chiSquare(counts, expected);
    expect(degrees).toBeGreaterThan(120);
    expect(statistic).toBeLessThan(chiSquareLimit(degrees));
  });
});

test('the tails of the normal, which are drawn by themselves, are as heavy and as long as they must be', () => {
  const generator = stream(12, 0, 'tails');
  const MANY = 8_000_000;
  const START = 3.442619855899;
  let above = 0;
  let below = 0;
  let excess = 0;
  for (let draw = 0; draw < MANY; draw++) {
    const size = normal(generator);
    if (size > START) above += 1;
    if (size < -START) below += 1;
    if (abs(size) > START) excess += abs(size) - START;
  }
  // P(X > 3.4426) = 2.88054e-4 on each side, so 2304.4 of 8 million with a deviation of 48.
  expect(abs(above - 2304.4)).toBeLessThan(192);
  expect(abs(below - 2304.4)).toBeLessThan(192);
  // The mean excess is density / P - 3.4426 = 0.2547, its deviation below 0.26 / sqrt(4609) = 0.0038; a plain
  // exponential would have 0.2905.
  expect(abs(excess / (above + below) - 0.2547)).toBeLessThan(0.0152);
});
