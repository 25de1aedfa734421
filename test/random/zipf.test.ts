import { describe, expect, test } from '@jest/globals';
import { AliasTable } from '../../src/random/alias.js';
import { stream } from '../../src/random/streams.js';
import { Scatter, Zipf, zipfClasses } from '../../src/random/zipf.js';
import { chiSquare, chiSquareLimit } from './chi-square.js';

const { abs, floor, pow } = Math;

describe('alias table', () => {
  test.each([
    ['even', [1, 1, 1, 1]],
    ['one', [5]],
    ['steep', [1000, 100, 10, 1, 0.1]],
    ['with zeros', [0, 3, 0, 1, 0]],
    ['not summing to one', [0.2, 0.7, 0.4]],
  ])('%s: draws each index by its weight', (name, weights) => {
    const DRAWS = 60_000;
    const table = new AliasTable(weights);
    const generator = stream(21, 0, name);
    const counts = new Array<number>(weights.length).fill(0);
    for (let draw = 0; draw < DRAWS; draw++) counts[table.draw(generator)]! += 1;
    const sum = weights.reduce((total, weight) => total + weight, 0);
    weights.forEach((weight, index) => {
      if (weight === 0) expect(counts[index]).toBe(0);
    });
    const possible = weights.map((_, index) => index).filter((index) => weights[index]! > 0);
    const { statistic, degrees } = chiSquare(
      possible.map((index) => counts[index]!),
      possible.map((index) => (DRAWS * weights[index]!) / sum),
    );
    expect(statistic).toBeLessThanOrEqual(degrees === 0 ? 0 : chiSquareLimit(degrees));
  });

  test.each([[[]], [[0, 0]], [[1, -1]], [[NaN]], [[Infinity, 1]]])('refuses the weights %j', (weights) => {
    expect(() => new AliasTable(weights)).toThrow(RangeError);
  });
});

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

test('Zipf draws ranks by r^-exponent', () => {
  const RANKS = 1000;
  const DRAWS = 200_000;
  // With a class for each rank nothing is shared within classes, so the law is exact.
  const zipf = new Zipf(RANKS, 0.99, RANKS);
  const generator = stream(22, 0, 'zipf');
  const counts = new Float64Array(RANKS);
  for (let draw = 0; draw < DRAWS; draw++) counts[zipf.draw(generator)]! += 1;
  const weights = Array.from({ length: RANKS }, (_, rank) => pow(rank + 1, -0.99));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const { statistic, degrees } = chiSquare(
    counts,
    weights.map((weight) => (DRAWS * weight) / sum),
  );
  expect(degrees).toBe(RANKS - 1);
  expect(statistic).toBeLessThan(chiSquareLimit(degrees));
});

test('Zipf stays within its ranks, and reaches the last class of very many', () => {
  const ranks = 2 ** 31;
  const zipf = new Zipf(ranks, 0.5);
  const generator = stream(23, 0, 'wide');
  let highest = 0;
  for (let draw = 0; draw < 10_000; draw++) highest = Math.max(highest, zipf.draw(generator));
  // With exponent 1/2 half of the weight lies above a quarter of the ranks.
  expect(highest).toBeGreaterThan(ranks / 4);
  expect(highest).toBeLessThan(ranks);
});

describe('scatter', () => {
  test.each([1, 2, 3, 5, 64, 100, 1000, 4096, 6000])('permutes 0 .. %d - 1', (size) => {
    const scatter = new Scatter(size);
    const met = new Uint8Array(size);
    for (let rank = 0; rank < size; rank++) met[scatter.at(rank)]! += 1;
    expect(met.every((times) => times === 1)).toBe(true);
  });

  test.each([2 ** 20, 1_500_000, 2 ** 31])('spreads the first ranks over all of %d positions', (size) => {
    // Evenly spread, 256 ranks put 4 into each of 64 equal parts; at least one and at most twelve are asked for.
    const scatter = new Scatter(size);
    const parts = new Array<number>(64).fill(0);
    for (let rank = 0; rank < 256; rank++) parts[floor((scatter.at(rank) / size) * 64)]! += 1;
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...parts)).toBeLessThanOrEqual(12);
  });
});
