import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { studentTQuantile } from '../../src/stats/student-t.js';

const degreesOfFreedom = fc.double({ min: 0.5, max: 5000, noNaN: true });

/** Relative error, which is what a width scales with. */
const error = (found: number, exact: number): number => Math.abs(found / exact - 1);

describe("quantiles of Student's t", () => {
  // Table of the t distribution in the NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
  test.each([
    [1, [3.078, 6.314, 12.706, 31.821, 63.657]],
    [2, [1.886, 2.92, 4.303, 6.965, 9.925]],
    [3, [1.638, 2.353, 3.182, 4.541, 5.841]],
    [5, [1.476, 2.015, 2.571, 3.365, 4.032]],
    [10, [1.372, 1.812, 2.228, 2.764, 3.169]],
    [20, [1.325, 1.725, 2.086, 2.528, 2.845]],
    [30, [1.31, 1.697, 2.042, 2.457, 2.75]],
    [100, [1.29, 1.66, 1.984, 2.364, 2.626]],
  ])('with %d degrees of freedom are those of the published table', (degrees, row) => {
    const found = [0.9, 0.95, 0.975, 0.99, 0.995].map((p) => Number(studentTQuantile(p, degrees).toFixed(3)));
    expect(found).toEqual(row);
  });

  // The same in 40-digit arithmetic: the incomplete beta function solved for t.
  test.each([
    [0.6, 1, 0.324919696232906],
    [0.975, 1, 12.7062047361747],
    [0.9995, 1, 636.61924876872],
    [0.975, 2, 4.30265272974946],
    [0.975, 2.5, 3.57465484200368],
    [0.95, 4, 2.13184678632665],
    [0.975, 4, 2.77644510519779],
    [0.975, 9, 2.26215716279821],
    [0.99, 19, 2.53948319062396],
    [0.975, 29, 2.0452296421327],
    [0.995, 60, 2.66028302885504],
    [0.975, 120, 1.97993040508244],
    [0.9999999, 7, 19.9339022479239],
    [0.975, 1000, 1.96233908082641],
    [0.975, 1e6, 1.95996635681411],
    [0.51, 15, 0.0254901860260462],
    [0.975, 0.5, 164.557673480489],
  ])('at %d with %d degrees of freedom are exact to 1e-8', (p, degrees, exact) => {
    expect(error(studentTQuantile(p, degrees), exact)).toBeLessThan(1e-9);
  });

  test('have a closed form for one and two degrees of freedom', () => {
    for (const p of [0.001, 0.3, 0.75, 0.975, 0.9999]) {
      expect(error(studentTQuantile(p, 1), Math.tan(Math.PI * (p - 0.5)))).toBeLessThan(1e-11);
      expect(error(studentTQuantile(p, 2), (2 * p - 1) / Math.sqrt(2 * p * (1 - p)))).toBeLessThan(1e-11);
    }
  });

  test('approach those of the normal distribution: 1.959963984540054 at 97.5 %', () => {
    // Cornish-Fisher: t = z + (z^3 + z) / (4 degrees) + O(degrees^-2).
    const z = 1.959963984540054;
    expect(studentTQuantile(0.975, 1e6)).toBeCloseTo(z + (z ** 3 + z) / 4e6, 9);
  });

  test('are 0 in the middle and infinite at the ends', () => {
    expect(studentTQuantile(0.5, 3)).toBe(0);
    expect(studentTQuantile(0, 3)).toBe(-Infinity);
    expect(studentTQuantile(1, 3)).toBe(Infinity);
  });

  property.prop([fc.double({ min: 1e-6, max: 0.4999, noNaN: true }), degreesOfFreedom], { seed: 1 })(
    'are symmetric',
    (p, degrees) => {
      const t = studentTQuantile(p, degrees);
      expect(t).toBeLessThan(0);
      expect(error(studentTQuantile(1 - p, degrees), -t)).toBeLessThan(1e-7);
    },
  );
});

test('degrees of freedom that are none, and probabilities beyond 0 .. 1, are refused', () => {
  for (const degrees of [0, -1, NaN, Infinity])
    expect(() => studentTQuantile(0.9, degrees)).toThrow(RangeError);
  for (const p of [-0.1, 1.1, NaN]) expect(() => studentTQuantile(p, 5)).toThrow(RangeError);
});
