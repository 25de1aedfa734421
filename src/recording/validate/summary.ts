/** How far off predictions are, as the literature sums it up: errors over what completed in both, verdicts over all. */
import { mapOf } from '../../lists.js';
import { mean, median, quantile } from '../../stats/summary.js';
import { OUTCOME_NAMES, type Outcome, type OutcomeName, type Prediction, type Verdict } from './outcome.js';

import type { ResidualFigure } from '../../guest/host-profiles/residuals.js';
import { coverageOf, RESIDUAL_FIGURES, type Coverage } from './bands.js';

const { abs, max } = Math;

/** One recording: what was measured and what was predicted. */
export interface ValidatedRecording {
  readonly id: string;
  readonly file: string;
  readonly strategy: string;
  readonly measured: Outcome & { readonly status: Verdict };
  /** `p5` and `p95` of its figures are the ends of the 90 % band of a migration. */
  readonly predicted: Prediction;
  /** What the runs drew: the same figures with their 5th and 95th percentile. */
  readonly drawn: Prediction['figures'];
  /** |predicted - measured| / measured of the total time (0.1 = 10 %); null unless both completed. */
  readonly totalTimeError: number | null;
}

/** How far off the predictions of all recordings are. */
export interface ValidationSummary {
  readonly recordings: number;
  /** Share (0..1) of recordings whose verdict was predicted. */
  readonly rightVerdicts: number;
  /** Recordings that completed and were predicted to: the errors are over these. */
  readonly completed: number;
  readonly medianTotalTimeError: number | null;
  readonly meanTotalTimeError: number | null;
  readonly p90TotalTimeError: number | null;
  /** Of the bytes sent, over all recordings. */
  readonly medianTransferredError: number | null;
  /** Recordings with a CPU throttle whose every step was predicted at its sync, or at the one before or after. */
  readonly throttleSteps: Tally;
  /** Recordings with sleeps at full rings whose longest was predicted within 15 %. */
  readonly ringSleeps: Tally;
  /** vCPUs whose accesses were predicted within 10 %. */
  readonly vcpuAccesses: Tally;
  readonly medianAccessesError: number | null;
  /** How often the 90 % bands hold, of each figure that has one; null where no recording has it. */
  readonly coverage: Readonly<Record<ResidualFigure, Coverage | null>>;
  /** Of every figure, over the recordings that have it and whose verdict was predicted. */
  readonly errors: Readonly<Record<OutcomeName, FigureErrors>>;
}

/** |predicted - measured| / measured (0.1 = 10 %) over `of` recordings; null where none has the figure. */
export interface FigureErrors {
  readonly of: number;
  readonly median: number | null;
  readonly p90: number | null;
}

/** How many of how many were predicted within the stated bounds. */
export interface Tally {
  readonly right: number;
  readonly of: number;
}

/** Syncs by which a step of the throttle may come earlier or later. */
const SYNC_SLACK = 1;
const RING_SLEEP_TOLERANCE = 0.15;
const ACCESSES_TOLERANCE = 0.1;

/** Whether every step of the throttle was predicted at its sync, one of slack; null where there was no throttle. */
export function throttleStepsRight({ measured, predicted }: ValidatedRecording): boolean | null {
  if (measured.throttleSteps.length === 0) return null;
  return measured.throttleSteps.every(({ sync, percent }) =>
    predicted.throttleSteps.some((step) => step.percent === percent && abs(step.sync - sync) <= SYNC_SLACK),
  );
}

/** Whether the longest sleep at a full ring was predicted within 15 %; null where no vCPU slept or nothing shows it. */
export function ringSleepRight({ measured, predicted }: ValidatedRecording): boolean | null {
  const sleepUs = measured.maxDirtyLimitThrottleUsPerRound ?? 0;
  if (sleepUs === 0) return null;
  const { median: found } = predicted.figures.maxDirtyLimitThrottleUsPerRound;
  return relativeError(found, sleepUs) <= RING_SLEEP_TOLERANCE;
}

/** |predicted - measured| / measured of each vCPU's accesses (0.1 = 10 %), without vCPUs of which none were seen. */
export function accessErrors({ measured, predicted }: ValidatedRecording): number[] {
  return measured.vcpuAccesses.flatMap((count, id) =>
    count === 0 ? [] : [relativeError(predicted.vcpuAccesses[id]?.median, count)],
  );
}

/** Of one figure, over the recordings that have it and whose verdict was predicted. */
export function figureErrors(validated: readonly ValidatedRecording[], name: OutcomeName): FigureErrors {
  const errors = validated.flatMap(({ measured, predicted }) => {
    const value = measured[name];
    const isComparable = value !== null && value > 0 && measured.status === predicted.status;
    return isComparable ? [relativeError(predicted.figures[name].median, value)] : [];
  });
  if (errors.length === 0) return { of: 0, median: null, p90: null };
  return { of: errors.length, median: median(errors), p90: quantile(errors, 0.9) };
}

/** Nothing predicted is all wrong. */
export function relativeError(predicted: number | null | undefined, measured: number): number {
  return abs((predicted ?? 0) - measured) / measured;
}

function tally(verdicts: readonly (boolean | null)[]): Tally {
  const judged = verdicts.filter((verdict) => verdict !== null);
  return { right: judged.filter(Boolean).length, of: judged.length };
}

export function summarise(validated: readonly ValidatedRecording[]): ValidationSummary {
  const accesses = validated.flatMap(accessErrors);
  const sent = validated.flatMap(({ measured, predicted }) =>
    measured.transferredBytes === null || measured.transferredBytes === 0
      ? []
      : [relativeError(predicted.figures.transferredBytes.median, measured.transferredBytes)],
  );
  const errors = validated.flatMap(({ totalTimeError }) => (totalTimeError === null ? [] : [totalTimeError]));
  const right = validated.filter(({ measured, predicted }) => measured.status === predicted.status).length;
  return {
    recordings: validated.length,
    rightVerdicts: right / max(1, validated.length),
    completed: errors.length,
    medianTotalTimeError: errors.length === 0 ? null : median(errors),
    meanTotalTimeError: errors.length === 0 ? null : mean(errors),
    p90TotalTimeError: errors.length === 0 ? null : quantile(errors, 0.9),
    medianTransferredError: sent.length === 0 ? null : median(sent),
    throttleSteps: tally(validated.map(throttleStepsRight)),
    ringSleeps: tally(validated.map(ringSleepRight)),
    vcpuAccesses: tally(accesses.map((error) => error <= ACCESSES_TOLERANCE)),
    medianAccessesError: accesses.length === 0 ? null : median(accesses),
    coverage: mapOf(RESIDUAL_FIGURES, (figure) => coverageOf(validated, figure)),
    errors: mapOf(OUTCOME_NAMES, (name) => figureErrors(validated, name)),
  };
}
