import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { mean, median, quantile, standardDeviation } from '../../src/stats/summary.js';

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const sample = fc.array(finite, { minLength: 1, maxLength: 30 });

describe('mean and standard deviation', () => {
  test('of 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 32, so the deviation is sqrt(32/7)', () => {
    const values = [2, 4, 4, 4, 5, 5, 7, 9];
    expect(mean(values)).toBe(5);
    expect(standardDeviation(values)).toBeCloseTo(Math.sqrt(32 / 7), 14);
  });

  test('keep their digits on top of a large offset', () => {
    // NIST's StRD set NumAcc4: 10^7 + 0.2, then 500 times 0.1 and 0.3 about it. Certified: mean 10000000.2, sd 0.1.
    const values = [1e7 + 0.2];
    for (let pair = 0; pair < 500; pair++) values.push(1e7 + 0.1, 1e7 + 0.3);
    expect(mean(values)).toBeCloseTo(10_000_000.2, 8);
    expect(standardDeviation(values)).toBeCloseTo(0.1, 8);
  });

  test('one value has itself as mean and no known spread', () => {
    expect(mean([3])).toBe(3);
    expect(standardDeviation([3])).toBeNaN();
  });

  property.prop([sample, finite], { seed: 1 })(
    'a shift moves the mean and leaves the deviation',
    (values, by) => {
      fc.pre(values.length > 1);
      const moved = values.map((value) => value + by);
      expect(mean(moved)).toBeCloseTo(mean(values) + by, 6);
      expect(standardDeviation(moved)).toBeCloseTo(standardDeviation(values), 4);
    },
  );
});

describe('quantile', () => {
  test('type 7: of 1 .. 10 at p it is 1 + 9 p', () => {
    const values = [7, 3, 10, 1, 9, 2, 8, 4, 6, 5];
    for (const p of [0, 0.1, 0.25, 0.5, 0.9, 1]) expect(quantile(values, p)).toBeCloseTo(1 + 9 * p, 12);
  });

  test('sorts by size, not by text, and leaves the sample as it was', () => {
    const values = [10, 9, 100, -1];
    expect(quantile(values, 0)).toBe(-1);
    expect(quantile(values, 1)).toBe(100);
    expect(values).toEqual([10, 9, 100, -1]);
  });

  test('the median is the middle value, or half-way between the two', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([5, 1, 3, 4])).toBe(3.5);
  });

  test('an infinite value does not spoil those below it', () => expect(median([1, 2, Infinity])).toBe(2));

  property.prop(
    [sample, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })],
    { seed: 1 },
  )('never falls as p rises, and lies within the sample', (values, p, q) => {
    const [low, high] = [quantile(values, Math.min(p, q)), quantile(values, Math.max(p, q))];
    expect(low).toBeLessThanOrEqual(high + 1e-9);
    expect(low).toBeGreaterThanOrEqual(Math.min(...values));
    expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
  });

  test.each([-0.1, 1.1, NaN])('refuses the share %d', (p) =>
    expect(() => quantile([1], p)).toThrow(RangeError),
  );
});

test('nothing can be said of no values', () => {
  expect(() => mean([])).toThrow(RangeError);
  expect(() => standardDeviation([])).toThrow(RangeError);
  expect(() => median([])).toThrow(RangeError);
});
