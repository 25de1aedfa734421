import { describe, expect, test } from '@jest/globals';
import { normal } from '../../src/random/distributions.js';
import { stream } from '../../src/random/streams.js';
import { meanInterval, pairedDifferences, pairedInterval } from '../../src/stats/interval.js';

describe('interval of a mean', () => {
  test('of 1 .. 5: mean 3, standard error sqrt(2.5 / 5), t(0.975, 4) = 2.776445', () => {
    const { estimate, low, high, confidence } = meanInterval([1, 2, 3, 4, 5]);
    const half = 2.77644510519779 * Math.sqrt(0.5);
    expect(estimate).toBe(3);
    expect(low).toBeCloseTo(3 - half, 12);
    expect(high).toBeCloseTo(3 + half, 12);
    expect(confidence).toBe(0.95);
  });

  test('is wider the more it has to be sure', () => {
    const values = [3, 1, 4, 1, 5, 9];
    const width = (confidence: number): number => {
      const { low, high } = meanInterval(values, confidence);
      return high - low;
    };
    expect(width(0.5)).toBeLessThan(width(0.95));
    expect(width(0.95)).toBeLessThan(width(0.99));
  });

  test('covers the true mean in 95 of 100 experiments, of only five normal values each', () => {
    const generator = stream(31, 0, 'coverage');
    const EXPERIMENTS = 4000;
    let covered = 0;
    for (let experiment = 0; experiment < EXPERIMENTS; experiment++) {
      const { low, high } = meanInterval([0, 0, 0, 0, 0].map(() => 10 + 2 * normal(generator)));
      if (low <= 10 && 10 <= high) covered += 1;
    }
    // Standard deviation of the share: sqrt(0.95 * 0.05 / 4000) = 0.0034; four of them. The normal's 1.96 would cover 88 %.
    expect(Math.abs(covered / EXPERIMENTS - 0.95)).toBeLessThan(0.0138);
  });

  test('has no width when all values are the same, and no bounds when there is one', () => {
    expect(meanInterval([7, 7, 7])).toMatchObject({ estimate: 7, low: 7, high: 7 });
    expect(meanInterval([7])).toMatchObject({ estimate: 7, low: -Infinity, high: Infinity });
    expect(() => meanInterval([])).toThrow(RangeError);
  });
});

describe('paired samples', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => 100 * normal(stream(32, seed, 'workload')));
  const noise = (name: string): number[] => seeds.map((_, seed) => normal(stream(32, seed, name)));
  const first = noise('first').map((value, seed) => seeds[seed]! + value + 5);
  const second = noise('second').map((value, seed) => seeds[seed]! + value);

  test('differ by their own noise only: what a seed adds to both drops out', () => {
    const { estimate, low, high } = pairedInterval(first, second);
    // True difference 5; standard error sqrt(2 / 20) = 0.32, against 32 for the means themselves.
    expect(low).toBeLessThan(5);
    expect(high).toBeGreaterThan(5);
    expect(high - low).toBeLessThan(3);
    expect(estimate).toBeCloseTo((low + high) / 2, 10);
    const unpaired = meanInterval(first);
    expect(unpaired.high - unpaired.low).toBeGreaterThan(30);
  });

  test('are subtracted in order, first less second', () => {
    expect([...pairedDifferences([5, 7], [1, 10])]).toEqual([4, -3]);
  });

  test('of different lengths are refused', () => {
    expect(() => pairedInterval([1, 2], [1])).toThrow('2 and 1');
  });
});
