import { describe, expect } from '@jest/globals';
import { fc, test } from '@fast-check/jest';
import { UsageError } from '../../src/errors.js';
import { dirtyPagesIn, fitDirtyCurve, type UniformSet } from '../../src/guest/dirty-curve.js';

const SECOND = 1e6;

/** Points of the curve of known sets, evenly spread over the logarithm of time. */
function pointsOf(sets: readonly UniformSet[], fromSeconds: number, toSeconds: number, count: number) {
  return Array.from({ length: count }, (_, i) => {
    const durationUs = Math.round(fromSeconds * (toSeconds / fromSeconds) ** (i / (count - 1)) * SECOND);
    return { durationUs, pages: dirtyPagesIn(sets, durationUs) };
  });
}

describe('the dirty curve of a uniformly written set', () => {
  // Each of w·τ writes misses a given page with probability 1 - 1/N, so N·(1 - (1 - 1/N)^(wτ)) are dirty on average.
  test.each([
    [1000, 500, 1],
    [1000, 5000, 1],
    [250_000, 100_000, 3],
  ])('%d pages, %d writes/s, %d s: as many as balls in bins', (pages, writesPerSecond, seconds) => {
    const exact = pages * (1 - (1 - 1 / pages) ** (writesPerSecond * seconds));
    const relative = dirtyPagesIn([{ pages, writesPerSecond }], seconds * SECOND) / exact;
    expect(Math.abs(relative - 1)).toBeLessThan(1 / pages);
  });
});

describe('fitting a dirty curve', () => {
  test('finds one set again: its size, and its rate to the spacing of the candidates', () => {
    const { classes, residual } = fitDirtyCurve(
      pointsOf([{ pages: 50_000, writesPerSecond: 20_000 }], 0.2, 20, 8),
    );
    expect(classes.length).toBe(1);
    expect(classes[0]!.pages / 50_000).toBeCloseTo(1, 2);
    expect(classes[0]!.writesPerSecond / 20_000).toBeCloseTo(1, 1);
    expect(residual).toBeLessThan(0.01);
  });

  test.prop(
    [
      fc.array(
        fc.record({
          pages: fc.integer({ min: 1000, max: 1_000_000 }),
          secondsPerPage: fc.double({ min: 0.3, max: 30, noNaN: true }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    ],
    { seed: 2021 },
  )('is right between the points as well', (sets) => {
    const known = sets.map(({ pages, secondsPerPage }) => ({
      pages,
      writesPerSecond: pages / secondsPerPage,
    }));
    const { classes, residual } = fitDirtyCurve(pointsOf(known, 0.1, 100, 9));
    expect(residual).toBeLessThan(0.02);
    for (const { durationUs, pages } of pointsOf(known, 0.12, 80, 7)) {
      expect(Math.abs(dirtyPagesIn(classes, durationUs) / pages - 1)).toBeLessThan(0.05);
    }
  });

  test('comes hottest first, with whole pages', () => {
    const { classes } = fitDirtyCurve(
      pointsOf(
        [
          { pages: 10_000, writesPerSecond: 100_000 },
          { pages: 500_000, writesPerSecond: 20_000 },
        ],
        0.1,
        60,
        10,
      ),
    );
    const heats = classes.map(({ pages, writesPerSecond }) => writesPerSecond / pages);
    expect(heats).toEqual([...heats].sort((a, b) => b - a));
    expect(classes.every(({ pages }) => Number.isInteger(pages) && pages >= 1)).toBe(true);
  });

  test('says how far off it is: no set gives a convex curve', () => {
    const convex = [
      { durationUs: SECOND, pages: 100 },
      { durationUs: 2 * SECOND, pages: 1000 },
    ];
    const { classes, residual } = fitDirtyCurve(convex);
    const errors = convex.map(({ durationUs, pages }) => dirtyPagesIn(classes, durationUs) / pages - 1);
    expect(residual).toBeCloseTo(Math.sqrt((errors[0]! ** 2 + errors[1]! ** 2) / 2), 9);
    expect(residual).toBeGreaterThan(0.3);
  });

  test('takes a single point as a hot set of that size', () => {
    const { classes } = fitDirtyCurve([{ durationUs: 2 * SECOND, pages: 1000 }]);
    expect(classes.length).toBe(1);
    expect(classes[0]!.pages).toBe(1000);
    expect(dirtyPagesIn(classes, 2 * SECOND)).toBeCloseTo(1000, 0);
  });

  test('refuses what is no curve', () => {
    expect(() => fitDirtyCurve([])).toThrow(UsageError);
    expect(() => fitDirtyCurve([{ durationUs: 0, pages: 1 }])).toThrow(UsageError);
    expect(() => fitDirtyCurve([{ durationUs: 1, pages: 0 }])).toThrow(UsageError);
  });
});
