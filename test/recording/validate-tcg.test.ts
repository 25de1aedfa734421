/**
 * What the predictions of the recordings under TCG reach, so that no change loses it unnoticed: one host profile for all of
 * them, nothing for a single one. What misses a limit, and why, stands in docs/fidelity.md.
 */
import path from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { throttleStepsRight } from '../../src/recording/validate/summary.js';
import { validateRecordings, type Validation } from '../../src/recording/validate/validate.js';

const SHIPPED = path.resolve(import.meta.dirname, '../../recordings/tcg');

/** Explained in docs/fidelity.md. */
const ELSEWHERE = { verdicts: ['X02b'], steps: ['A03a', 'A07a', 'A08b', 'X07b'] };

let validation: Validation;
beforeAll(() => {
  validation = validateRecordings([SHIPPED], { runs: 5 });
});

test('verdicts are right, cancelled ones as well', () => {
  const wrong = validation.recordings.filter(
    ({ measured, predicted }) => measured.status !== predicted.status,
  );
  expect(wrong.map(({ id }) => id).filter((id) => !ELSEWHERE.verdicts.includes(id))).toEqual([]);
  expect(validation.recordings.filter(({ predicted }) => predicted.status === 'cancelled')).toHaveLength(3);
});

test('total times are within 5 % in the median and 12 % at the 90th percentile', () => {
  const { summary } = validation;
  expect(summary.completed).toBeGreaterThanOrEqual(36);
  expect(summary.medianTotalTimeError).toBeLessThanOrEqual(0.05);
  expect(summary.p90TotalTimeError).toBeLessThanOrEqual(0.12);
});

test('throttle steps come at their sync, one of slack', () => {
  const misses = validation.recordings.filter((one) => throttleStepsRight(one) === false).map(({ id }) => id);
  expect(misses.filter((id) => !ELSEWHERE.steps.includes(id))).toEqual([]);
});

test('multifd bytes, post-copy and downtime', () => {
  const { errors } = validation.summary;
  expect(errors.multifdBytes.of).toBe(7);
  expect(errors.multifdBytes.median).toBeLessThanOrEqual(0.05);
  expect(errors.postcopyMs.of).toBe(5);
  expect(errors.postcopyMs.p90).toBeLessThanOrEqual(0.1);
  expect(errors.postcopyBytes.p90).toBeLessThanOrEqual(0.02);
  // Repeats of one run differ by 20 to 40 % in downtime.
  expect(errors.downtimeMs.median).toBeLessThanOrEqual(0.15);
  expect(errors.blackoutMs.median).toBeLessThanOrEqual(0.18);
});

test('XBZRLE: each page misses once, and a page that was not rewritten takes nothing', () => {
  const { errors } = validation.summary;
  expect(errors.xbzrleCacheMiss.median).toBeLessThanOrEqual(0.01);
  expect(errors.xbzrleBytes.median).toBeLessThanOrEqual(0.2);
});
