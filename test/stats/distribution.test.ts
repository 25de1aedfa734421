import { describe, expect, test } from '@jest/globals';
import { distributionQuantile, type Distribution } from '../../src/stats/distribution.js';
import { normalQuantile } from '../../src/stats/normal-quantile.js';

const { abs, exp, sqrt } = Math;

/** Mean and variance over quantiles at the middles of N equal shares: what draws tend to. */
function moments(distribution: Distribution): { mean: number; variance: number } {
  const N = 200_000;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < N; i++) {
    const value = distributionQuantile(distribution, (i + 0.5) / N);
    sum += value;
    squares += value * value;
  }
  const mean = sum / N;
  return { mean, variance: squares / N - mean * mean };
}

/** P(Z <= z), by the midpoint rule over the density from -12 on. */
function normalCdf(z: number): number {
  const N = 200_000;
  let sum = 0;
  for (let i = 0; i < N; i++) sum += exp(-0.5 * (-12 + ((z + 12) * (i + 0.5)) / N) ** 2);
  return (sum * (z + 12)) / N / sqrt(2 * Math.PI);
}

/** Of a standard normal cut at 3: 1 - 2·3·φ(3) / (2Φ(3) - 1). */
const CUT_VARIANCE = 1 - (6 * exp(-4.5)) / sqrt(2 * Math.PI) / 0.9973002039367398;

function expectClose(value: number, wanted: number, relative = 1e-3): void {
  expect(abs(value - wanted) / abs(wanted)).toBeLessThan(relative);
}

describe('the moments of a distribution', () => {
  test('even: (a + b) / 2 and (b - a)² / 12', () => {
    const { mean, variance } = moments({ kind: 'even', low: 500, high: 700 });
    expectClose(mean, 600);
    expectClose(variance, 200 ** 2 / 12);
  });

  test('even over whole numbers: both ends as likely as the rest, variance (n² - 1) / 12', () => {
    const { mean, variance } = moments({ kind: 'even', low: 2, high: 5, whole: true });
    expectClose(mean, 3.5);
    expectClose(variance, (4 ** 2 - 1) / 12);
  });

  test('normal: the mean, and the variance of a bell that is cut at three standard deviations', () => {
    const { mean, variance } = moments({ kind: 'normal', mean: 600, sd: 60 });
    expectClose(mean, 600);
    expectClose(variance, 60 ** 2 * CUT_VARIANCE);
  });

  test('lognormal: half of it below its median, its logarithm is normal', () => {
    const sigma = 0.2;
    const { mean } = moments({ kind: 'lognormal', median: 600, sigma });
    // E[e^(σZ) | |Z| <= 3] = e^(σ²/2) · (Φ(3 - σ) - Φ(-3 - σ)) / (Φ(3) - Φ(-3))
    const wanted =
      (600 * exp(sigma ** 2 / 2) * (normalCdf(3 - sigma) - normalCdf(-3 - sigma))) / 0.9973002039367398;
    expectClose(mean, wanted);
    expect(distributionQuantile({ kind: 'lognormal', median: 600, sigma }, 0.5)).toBe(600);
  });

  test('any-of: the weighted mean and variance', () => {
    const { mean, variance } = moments({ kind: 'any-of', values: [4, 8, 16], weights: [3, 0, 1] });
    expectClose(mean, 7);
    expectClose(variance, (3 * 16 + 256) / 4 - 49);
  });
});

test.each([
  [0.975, 1.959963984540054],
  [0.9, 1.2815515655446004],
  [0.001, -3.090232306167813],
  [1e-10, -6.361340902404056],
])('the normal quantile at %s', (p, z) => {
  expect(normalQuantile(p)).toBeCloseTo(z, 5);
});
