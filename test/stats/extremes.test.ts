import { describe, expect, test } from '@jest/globals';
import { largest, smallest } from '../../src/stats/extremes.js';

describe('the largest and smallest value', () => {
  test('of a list that is longer than the stack', () => {
    const values = Array.from({ length: 500_000 }, (_, index) => (index * 7919) % 500_000);
    expect(largest(values)).toBe(499_999);
    expect(smallest(values)).toBe(0);
    expect(() => Math.max(...values)).toThrow(RangeError);
  });

  test('is what Math.max and Math.min say of short ones', () => {
    for (const values of [[], [3], [-1, -2], [0, -0], [1, NaN, 2]]) {
      expect(largest(values)).toBe(Math.max(...values));
      expect(smallest(values)).toBe(Math.min(...values));
    }
  });
});
