import { describe, expect, test } from '@jest/globals';
import { normal } from '../../src/random/distributions.js';
import { stream } from '../../src/random/streams.js';
import {
  conformalFactor,
  drawsOf,
  heldLeavingOneOut,
  nonconformity,
  predictionBand,
} from '../../src/stats/conformal.js';

const { exp } = Math;

describe('the conformal factor', () => {
  test('is the score of rank (n + 1) · level', () => {
    expect(conformalFactor([5, 1, 2, 4, 3, 6, 7, 9, 8])).toBe(9);
    expect(conformalFactor([1, 2, 3], 0.5)).toBe(2);
    // Rank 4.5 of four scores lies beyond them: no more is known than the largest.
    expect(conformalFactor([1, 2, 3, 4], 0.9)).toBe(4);
    expect(conformalFactor([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(() => conformalFactor([])).toThrow(RangeError);
  });

  test('leaving one out, all scores but the largest tenth are held', () => {
    const scores = Array.from({ length: 99 }, (_, i) => i);
    // The score of rank r of 99 is held where r <= rank 89.1 of the 98 others.
    expect(heldLeavingOneOut(scores)).toBe(89);
    expect(heldLeavingOneOut([1])).toBe(0);
  });
});

describe('a prediction band', () => {
  const draws = { point: 100, p5: 90, p95: 130 };

  test('reaches just to a measured value at its own score, above and below the point', () => {
    for (const measured of [60, 95, 110, 200]) {
      const band = predictionBand(draws, nonconformity(draws, measured, 5), 5);
      expect(measured > 100 ? band.high : band.low).toBeCloseTo(measured, 9);
    }
  });

  test('is never negative, grows with the factor, and stays at 0 where every draw is', () => {
    expect(predictionBand({ point: 1, p5: 0, p95: 9 }, 50, 3).low).toBe(0);
    expect(predictionBand(draws, 2, 0).high).toBeGreaterThan(predictionBand(draws, 1, 0).high);
    expect(predictionBand({ point: 0, p5: 0, p95: 0 }, 3, 50)).toEqual({ low: 0, high: 0 });
  });

  test('on a side to which no draw reaches is that of the model alone', () => {
    // Draws of 70 to 100, and of 70 to 90, around a prediction of 100: above it both say nothing.
    const [high, other] = [100, 90].map((p95) => predictionBand({ point: 100, p5: 70, p95 }, 1, 0).high);
    expect(high).toBe(other);
    expect(high).toBeCloseTo(100 * exp(0.05), 9);
    expect(predictionBand({ point: 100, p5: 70, p95: 90 }, 1, 0).low).toBeLessThan(85);
  });

  test('holds nine of ten new values, whatever the draws miss: here a third of the spread, and a shift', () => {
    const generator = stream(7, 1, 'conformal');
    const sample = () => {
      // What is drawn varies by 4 %, what happens by 12 % about something 5 % higher; each migration has a size of its own.
      const size = exp(3 + 2 * normal(generator));
      const model = Array.from({ length: 20 }, () => size * exp(0.04 * normal(generator)));
      return { draws: drawsOf(model), measured: 1.05 * size * exp(0.12 * normal(generator)) };
    };
    let held = 0;
    const rounds = 400;
    for (let round = 0; round < rounds; round++) {
      const scores = Array.from({ length: 29 }, sample).map((one) =>
        nonconformity(one.draws, one.measured, 0),
      );
      const fresh = sample();
      const { low, high } = predictionBand(fresh.draws, conformalFactor(scores), 0);
      if (low <= fresh.measured && fresh.measured <= high) held += 1;
    }
    // (n + 1) · 0.9 = 27 is a whole rank: exactly 90 % are held in the mean; the standard error here is 1.5 %.
    expect(held / rounds).toBeGreaterThan(0.855);
    expect(held / rounds).toBeLessThan(0.945);
  });
});
