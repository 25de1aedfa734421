import { describe, expect } from '@jest/globals';
import { fc, test } from '@fast-check/jest';
import { nnls } from '../../src/stats/nnls.js';

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function residual(
  columns: readonly (readonly number[])[],
  target: readonly number[],
  x: readonly number[],
): number[] {
  return target.map(
    (value, row) => value - columns.reduce((sum, column, j) => sum + column[row]! * x[j]!, 0),
  );
}

const entry = fc.double({ min: -10, max: 10, noNaN: true }).map((value) => Math.round(value * 1000) / 1000);
const problem = fc
  .record({ rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 12 }) })
  .chain(({ rows, columns }) =>
    fc.record({
      columns: fc.array(fc.array(entry, { minLength: rows, maxLength: rows }), {
        minLength: columns,
        maxLength: columns,
      }),
      target: fc.array(entry, { minLength: rows, maxLength: rows }),
    }),
  );

describe('non-negative least squares', () => {
  // |Ax - b|² is convex, so the Karush-Kuhn-Tucker conditions are not only necessary but prove the minimum: going up with
  // any entry must not help (slope of the residual along its column at most 0), going down with a positive one neither.
  test.prop([problem], { seed: 1974 })('fulfils the conditions of the minimum', ({ columns, target }) => {
    const x = nnls(columns, target);
    const r = residual(columns, target, x);
    columns.forEach((column, j) => {
      const slope = dot(column, r);
      expect(x[j]).toBeGreaterThanOrEqual(0);
      expect(slope).toBeLessThan(1e-6);
      if (x[j]! > 1e-9) expect(slope).toBeGreaterThan(-1e-6);
    });
  });

  test('finds the exact solution when it is non-negative', () => {
    // 2·(1,1,0) + 3·(0,1,1) = (2,5,3)
    const x = nnls(
      [
        [1, 1, 0],
        [0, 1, 1],
      ],
      [2, 5, 3],
    );
    expect(x[0]).toBeCloseTo(2, 12);
    expect(x[1]).toBeCloseTo(3, 12);
  });

  test('stays at 0 where only a negative amount would help', () => {
    expect(nnls([[1, 2]], [-1, -1])).toEqual([0]);
    expect(nnls([[1, 1]], [0, 0])).toEqual([0]);
  });

  test('copes with columns that are the same', () => {
    const x = nnls(
      [
        [1, 2],
        [1, 2],
        [2, 4],
      ],
      [3, 6],
    );
    expect(x[0]! + x[1]! + 2 * x[2]!).toBeCloseTo(3, 12);
  });
});
