import { describe, expect, test } from '@jest/globals';
import { zipfClasses } from '../../src/random/zipf.js';

const { abs, pow } = Math;

describe('rank classes', () => {
  test.each([
    [1, 0.99, 256],
    [10, 1, 256],
    [1000, 1, 16],
    [1000, 0, 7],
    [8_388_608, 0.99, 256],
    [2 ** 31, 1.2, 64],
  ])(
    'cover %d ranks (exponent %d, at most %d classes) once each, and their shares sum to 1',
    (ranks, exponent, most) => {
      const classes = zipfClasses(ranks, exponent, most);
      expect(classes.length).toBeLessThanOrEqual(most);
      let next = 0;
      for (const { firstRank, ranks: count } of classes) {
        expect(firstRank).toBe(next);
        expect(count).toBeGreaterThanOrEqual(1);
        next += count;
      }
      expect(next).toBe(ranks);
      expect(classes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    },
  );

  test.each([0, 0.5, 0.99, 1, 1 + 1e-12, 1.5, 3])(
    'have the shares that summing r^-%d over their ranks gives',
    (exponent) => {
      const RANKS = 200_000;
      const sumOver = (first: number, count: number): number => {
        let sum = 0;
        // From the small terms to the large ones, which keeps their digits.
        for (let rank = first + count; rank > first; rank--) sum += pow(rank, -exponent);
        return sum;
      };
      const total = sumOver(0, RANKS);
      for (const { firstRank, ranks, share } of zipfClasses(RANKS, exponent, 40)) {
        const exact = sumOver(firstRank, ranks) / total;
        expect(abs(share / exact - 1)).toBeLessThan(1e-8);
      }
    },
  );

  test('are narrow: with 256 classes over 8 Mi ranks no weight within a class differs by more than an eighth', () => {
    // The borders grow by a factor of (2^23)^(1/256) or by single ranks where that is less, and 16/15 at most where
    // rounding up to whole ranks makes it more; weights go with the power 0.99 of ranks.
    for (const { firstRank, ranks } of zipfClasses(2 ** 23, 0.99, 256)) {
      expect(pow((firstRank + ranks) / (firstRank + 1), 0.99)).toBeLessThan(9 / 8);
    }
  });
});
