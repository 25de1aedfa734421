/**
 * What the predictions of the shipped recordings reach, so that no change loses it unnoticed. Nothing here is fitted to one
 * recording: limits hold for all of them; which recordings miss a limit, and why, stands in docs/fidelity.md.
 */
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  accessErrors,
  ringSleepRight,
  throttleStepsRight,
  type ValidatedRecording,
} from '../../src/recording/validate/summary.js';
import { validateRecordings, type Validation } from '../../src/recording/validate/validate.js';

const SHIPPED = path.resolve(import.meta.dirname, '../../recordings');
/** As docs/fidelity.md has them: every run draws how the host varies, and fewer leave the median to chance. */
const RUNS = 10;

/** Explained in docs/fidelity.md, "What misses". */
const ELSEWHERE = {
  steps: ['T07', 'T10'],
  ringSleep: ['T21'],
  accesses: ['T03', 'T04', 'T06', 'T08', 'T12', 'T16', 'T17', 'T18', 'T22', 'T23'],
};

let validation: Validation;
beforeAll(() => {
  validation = validateRecordings([SHIPPED], { runs: RUNS });
});

const all = (): readonly ValidatedRecording[] => validation.recordings;

/** Recordings for which a check finds a fault. */
function faulty(check: (one: ValidatedRecording) => boolean): string[] {
  return all()
    .filter((one) => !check(one))
    .map(({ id }) => id);
}

describe('of the 24 recordings that come with migsim', () => {
  test('every verdict is right', () => {
    expect(faulty(({ measured, predicted }) => measured.status === predicted.status)).toEqual([]);
  });

  test('total times are within 4 % in the median and 10 % at the 90th percentile', () => {
    const { summary } = validation;
    expect(summary.completed).toBeGreaterThanOrEqual(12);
    expect(summary.medianTotalTimeError).toBeLessThanOrEqual(0.04);
    expect(summary.p90TotalTimeError).toBeLessThanOrEqual(0.1);
  });

  test('downtimes are within 15 % in the median and 35 % at the 90th percentile', () => {
    const { downtimeMs } = validation.summary.errors;
    expect(downtimeMs.of).toBeGreaterThanOrEqual(12);
    expect(downtimeMs.median).toBeLessThanOrEqual(0.15);
    expect(downtimeMs.p90).toBeLessThanOrEqual(0.35);
  });

  test('every auto-converge step comes at the sync where it really came, or at the one before or after', () => {
    const misses = faulty((one) => throttleStepsRight(one) ?? true);
    expect(misses.filter((id) => !ELSEWHERE.steps.includes(id))).toEqual([]);
    // At least these climb far enough for the check to mean something.
    expect(all().filter(({ measured }) => measured.throttleSteps.length >= 3).length).toBeGreaterThanOrEqual(
      6,
    );
  });

  test('the sleep at full rings is within 15 %', () => {
    const limited = all().filter(({ measured }) => (measured.maxDirtyLimitThrottleUsPerRound ?? 0) > 0);
    expect(limited.length).toBeGreaterThanOrEqual(9);
    const misses = faulty((one) => ringSleepRight(one) ?? true);
    expect(misses.filter((id) => !ELSEWHERE.ringSleep.includes(id))).toEqual([]);
  });

  test('the accesses of each vCPU are within 10 %', () => {
    const misses = faulty((one) => accessErrors(one).every((error) => error <= 0.1));
    expect(misses.filter((id) => !ELSEWHERE.accesses.includes(id))).toEqual([]);
    expect(validation.summary.medianAccessesError).toBeLessThanOrEqual(0.09);
    expect(validation.summary.vcpuAccesses.right).toBeGreaterThanOrEqual(20);
  });
});
