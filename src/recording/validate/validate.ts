/** Predicted beside measured: every recording simulated over several seeds, and what the literature sums up about it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../errors.js';
import type { HostProfile } from '../../guest/spec.js';
import { runMigration } from '../../migration/engine.js';
import type { MigrationResult, SyncRecord } from '../../migration/result.js';
import { mean, median, quantile } from '../../stats/summary.js';
import { accessesOf, predictionOf } from './predict.js';
import { readRecording, type Recording } from '../recording.js';

const { abs, max, round } = Math;

/** How recordings are predicted; all have defaults. */
export interface ValidateOptions {
  /** Runs of each recording; default 10. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
  /** Default `page`. */
  readonly memory?: 'page' | 'fluid';
  /** Default: recordings-host. */
  readonly host?: HostProfile;
  /** Called after each recording. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** What is compared, with the names of a recording's `result`. null: not measured, or there was none. */
export interface Outcome {
  readonly totalTimeMs: number | null;
  readonly downtimeMs: number | null;
  readonly setupTimeMs: number | null;
  readonly dirtySyncCount: number | null;
  readonly transferredBytes: number | null;
  readonly normalPages: number | null;
  readonly zeroPages: number | null;
  readonly downtimeBytes: number | null;
  /** The first sync after which a throttle step or a sleep at full rings was seen: its number, and when. */
  readonly firstThrottleSync: number | null;
  readonly firstThrottleMs: number | null;
  readonly maxThrottlePercent: number | null;
  /** Longest sleep at a full ring, µs. */
  readonly maxDirtyLimitThrottleUsPerRound: number | null;
  /** Each percentage of a throttle and the first sync that saw it, in order of the syncs; empty where there was none. */
  readonly throttleSteps: readonly ThrottleStep[];
  /** Accesses of each vCPU during the migration. */
  readonly vcpuAccesses: readonly number[];
}
/** The figures of an `Outcome`. */
export type OutcomeName = Exclude<keyof Outcome, 'vcpuAccesses' | 'throttleSteps'>;

/** A CPU throttle and the number of the first sync that saw it. */
export interface ThrottleStep {
  readonly sync: number;
  readonly percent: number;
}

/** How a recorded migration ended. */
export type Verdict = 'completed' | 'not-converged';

/** A predicted figure over the seeds: its median (of the seeds that have one), and its 5th and 95th percentile. */
export interface Spread {
  readonly median: number | null;
  readonly p5: number | null;
  readonly p95: number | null;
}

/** What the runs of one recording predict. */
export interface Prediction {
  /** What most seeds say. */
  readonly status: Verdict;
  /** Share of seeds (0..1) that complete. */
  readonly completedShare: number;
  readonly figures: Readonly<Record<OutcomeName, Spread>>;
  /** Percentages that most seeds come to, each at the median of its syncs. */
  readonly throttleSteps: readonly ThrottleStep[];
  readonly vcpuAccesses: readonly Spread[];
}

/** One recording: what was measured and what was predicted. */
export interface ValidatedRecording {
  readonly id: string;
  readonly file: string;
  readonly strategy: string;
  readonly measured: Outcome & { readonly status: Verdict };
  readonly predicted: Prediction;
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
}

/** How many of how many were predicted within the stated bounds. */
export interface Tally {
  readonly right: number;
  readonly of: number;
}

/** Predictions beside measurements, and how far off they are. */
export interface Validation {
  readonly recordings: readonly ValidatedRecording[];
  readonly summary: ValidationSummary;
}

/**
 * Reads recordings from files and folders (every `.json` in them) and predicts each.
 * @throws UsageError for a file that is no recording, or when there is none
 */
export function validateRecordings(paths: readonly string[], options: ValidateOptions = {}): Validation {
  const recordings = readRecordings(paths);
  const validated = recordings.map((recording, at) => {
    const done = validateRecording(recording, options);
    options.onProgress?.(at + 1, recordings.length);
    return done;
  });
  return { recordings: validated, summary: summarise(validated) };
}

/** In the order of the paths; within a folder by name. */
export function readRecordings(paths: readonly string[]): Recording[] {
  const files = paths.flatMap((given) => {
    const stat = statSync(given, { throwIfNoEntry: false });
    if (stat === undefined) throw new UsageError('no such file or folder', { file: given });
    if (!stat.isDirectory()) return [given];
    const names = readdirSync(given).filter((name) => name.endsWith('.json'));
    if (names.length === 0)
      throw new UsageError('no .json file in this folder; expected recordings', { file: given });
    return names.sort().map((name) => path.join(given, name));
  });
  return files.map((file) => readRecording(readFileSync(file, 'utf8'), file));
}

export function validateRecording(recording: Recording, options: ValidateOptions = {}): ValidatedRecording {
  const { runs = 10, seed = 1, memory = 'page', host } = options;
  const results: MigrationResult[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const prediction = predictionOf(recording, {
      seed,
      run,
      memory,
      ...(host === undefined ? {} : { host }),
    });
    const names = { strategy: recording.strategy, policy: 'wait' };
    results.push(runMigration(prediction.setup, names, (controls) => prediction.attach(controls)));
  }
  const measured = measuredOutcome(recording);
  const predicted = predictionFrom(results);
  const bothCompleted = measured.status === 'completed' && predicted.status === 'completed';
  const total = predicted.figures.totalTimeMs.median;
  const totalTimeError =
    bothCompleted && total !== null && measured.totalTimeMs !== null
      ? relativeError(total, measured.totalTimeMs)
      : null;
  return {
    id: recording.id,
    file: recording.file,
    strategy: recording.strategy,
    measured,
    predicted,
    totalTimeError,
  };
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

/** Whether the longest sleep at a full ring was predicted within 15 %; null where nobody slept or nothing shows it. */
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

/** Nothing predicted is all wrong. */
function relativeError(predicted: number | null | undefined, measured: number): number {
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
  };
}

// -------------------------------------------------------------------------------------------------------- measured

/** From `result`, and from the samples what it does not say. */
function measuredOutcome(recording: Recording): ValidatedRecording['measured'] {
  const { result, syncs, samples, guest } = recording;
  const status: Verdict = result.status === 'completed' ? 'completed' : 'not-converged';
  const totalTimeMs = result.totalTimeMs ?? result.gaveUpAfterMs ?? null;
  const throttled = syncs.find(
    (sync) => sync.throttlePercent > 0 || (sync.dirtyLimitThrottleUsPerRound ?? 0) > 0,
  );
  const throttleColumn = samples.columns.indexOf('throttlePercent');
  const sampled = samples.rows.find((row) => (row[throttleColumn] ?? 0) > 0);
  const firstThrottle = throttled === undefined ? null : Math.min(throttled.t, sampled?.[0] ?? Infinity);
  return {
    status,
    totalTimeMs,
    downtimeMs: result.downtimeMs ?? null,
    setupTimeMs: result.setupTimeMs,
    dirtySyncCount: result.dirtySyncCount,
    transferredBytes: result.transferredBytes,
    normalPages: result.normalPages,
    zeroPages: result.zeroPages,
    downtimeBytes: status === 'completed' ? result.downtimeBytes : null,
    firstThrottleSync: throttled?.n ?? null,
    firstThrottleMs: firstThrottle === null ? null : round(firstThrottle * 1000),
    maxThrottlePercent: syncs.reduce((most, sync) => max(most, sync.throttlePercent), 0),
    maxDirtyLimitThrottleUsPerRound: syncs.reduce<number | null>(
      (most, { dirtyLimitThrottleUsPerRound: sleep }) => (sleep === null ? most : max(most ?? 0, sleep)),
      null,
    ),
    throttleSteps: stepsOf(syncs),
    vcpuAccesses: guest.vcpus.map((_, id) => accessesDuring(recording, id, totalTimeMs ?? 0)),
  };
}

/** A throttle only rises until the migration ends and lifts it. */
function stepsOf(syncs: readonly { readonly n: number; readonly throttlePercent: number }[]): ThrottleStep[] {
  const steps: ThrottleStep[] = [];
  for (const { n, throttlePercent } of syncs) {
    if (throttlePercent > (steps.at(-1)?.percent ?? 0)) steps.push({ sync: n, percent: throttlePercent });
  }
  return steps;
}

/** The samples begin a little after the migration and end a little before: scaled to the whole of it. */
function accessesDuring({ samples }: Recording, vcpu: number, totalTimeMs: number): number {
  const column = samples.columns.indexOf(`vcpu${vcpu}Pages`);
  const first = samples.rows[0];
  const last = samples.rows.at(-1);
  if (first === undefined || last === undefined || last === first) return 0;
  const seconds = (last[0] ?? 0) - (first[0] ?? 0);
  return round((((last[column] ?? 0) - (first[column] ?? 0)) / seconds) * (totalTimeMs / 1000));
}

// -------------------------------------------------------------------------------------------------------- predicted

/** How each figure is read from a run. Where only some seeds have a value, the spread is over those. */
const FIGURES: Readonly<Record<OutcomeName, (result: MigrationResult) => number | null>> = {
  totalTimeMs: (r) => r.totalTimeMs,
  downtimeMs: (r) => r.downtimeMs,
  setupTimeMs: (r) => r.setupTimeMs,
  dirtySyncCount: (r) => r.dirtySyncCount,
  transferredBytes: (r) => r.sentBytes,
  normalPages: (r) => r.normalPages,
  zeroPages: (r) => r.zeroPages,
  downtimeBytes: (r) => (r.converged ? r.downtimeBytes : null),
  firstThrottleSync: (r) => firstThrottled(r)?.n ?? null,
  firstThrottleMs: (r) => firstThrottled(r)?.timeMs ?? null,
  maxThrottlePercent: (r) => r.maxThrottlePercent,
  maxDirtyLimitThrottleUsPerRound: (r) => (r.maxRingFullSleepUs > 0 ? r.maxRingFullSleepUs : null),
};

/** A recording shows a sleep at full rings at the syncs only: the first sync that saw a restraint, here as there. */
function firstThrottled(result: MigrationResult): SyncRecord | undefined {
  return result.syncs.find(
    (sync) => sync.throttlePercent > 0 || sync.vcpuSleepUs.some((sleepUs) => sleepUs > 0),
  );
}

export const OUTCOME_NAMES = Object.keys(FIGURES) as OutcomeName[];

function predictionFrom(results: readonly MigrationResult[]): Prediction {
  const completed = results.filter((result) => result.converged);
  const status: Verdict =
    completed.length * 2 >= results.length && completed.length > 0 ? 'completed' : 'not-converged';
  // Figures of a verdict come from the runs that ended so: a mean of both kinds would be of neither.
  const alike = results.filter((result) => result.converged === (status === 'completed'));
  const figures = Object.fromEntries(
    OUTCOME_NAMES.map((name) => [name, spread(alike.map(FIGURES[name]).filter((value) => value !== null))]),
  ) as Record<OutcomeName, Spread>;
  const vcpus = alike[0]?.vcpus ?? [];
  return {
    status,
    completedShare: completed.length / max(1, results.length),
    figures,
    throttleSteps: commonSteps(alike.map(({ syncs }) => stepsOf(syncs))),
    vcpuAccesses: vcpus.map((_, id) => spread(alike.map((result) => accessesOf(result, id)))),
  };
}

function commonSteps(ladders: readonly (readonly ThrottleStep[])[]): ThrottleStep[] {
  const syncsOf = new Map<number, number[]>();
  for (const { sync, percent } of ladders.flat())
    syncsOf.set(percent, [...(syncsOf.get(percent) ?? []), sync]);
  return [...syncsOf]
    .filter(([, syncs]) => syncs.length * 2 > ladders.length)
    .map(([percent, syncs]) => ({ sync: round(median(syncs)), percent }))
    .sort((a, b) => a.percent - b.percent);
}

function spread(values: readonly number[]): Spread {
  if (values.length === 0) return { median: null, p5: null, p95: null };
  return {
    median: round(median(values)),
    p5: round(quantile(values, 0.05)),
    p95: round(quantile(values, 0.95)),
  };
}

// ------------------------------------------------------------------------------------------------------- as records

export type ValidationRecord = Readonly<
  Record<string, string | number | boolean | null | readonly (number | null)[] | readonly ThrottleStep[]>
>;

/** One object a recording for `--json`: `measured` and `predicted` with the same names, percentiles as `…P5` and `…P95`. */
export function validationJson(validation: Validation): {
  readonly id: string;
  readonly strategy: string;
  readonly measured: ValidationRecord;
  readonly predicted: ValidationRecord;
  readonly totalTimeError: number | null;
}[] {
  return validation.recordings.map(({ id, strategy, measured, predicted, totalTimeError }) => {
    const figures: Record<string, number | null> = {};
    for (const name of OUTCOME_NAMES) {
      const { median: middle, p5, p95 } = predicted.figures[name];
      figures[name] = middle;
      figures[`${name}P5`] = p5;
      figures[`${name}P95`] = p95;
    }
    return {
      id,
      strategy,
      measured: { ...measured },
      predicted: {
        status: predicted.status,
        completedShare: predicted.completedShare,
        ...figures,
        throttleSteps: predicted.throttleSteps,
        vcpuAccesses: predicted.vcpuAccesses.map((accesses) => accesses.median),
        vcpuAccessesP5: predicted.vcpuAccesses.map((accesses) => accesses.p5),
        vcpuAccessesP95: predicted.vcpuAccesses.map((accesses) => accesses.p95),
      },
      totalTimeError,
    };
  });
}

/**
 * One flat row a recording for `--csv`; columns `measured_…` and `predicted_…`, accesses summed over the vCPUs, throttle
 * steps as `4:20 6:30` (20 % from sync 4 on, 30 % from sync 6 on).
 */
export function validationRows(validation: Validation): Record<string, string | number | null>[] {
  return validationJson(validation).map(({ id, strategy, measured, predicted, totalTimeError }) => {
    const row: Record<string, string | number | null> = { id, strategy };
    for (const [side, figures] of Object.entries({ measured, predicted })) {
      for (const [name, value] of Object.entries(figures)) {
        row[`${side}_${name}`] = cellOf(name, value);
      }
    }
    row['totalTimeError'] = totalTimeError;
    return row;
  });
}

function cellOf(name: string, value: ValidationRecord[string] | undefined): string | number | null {
  if (name === 'throttleSteps') {
    return (value as readonly ThrottleStep[]).map(({ sync, percent }) => `${sync}:${percent}`).join(' ');
  }
  const plain = Array.isArray(value) ? (value as number[]).reduce((sum, one) => sum + one, 0) : value;
  return plain as string | number | null;
}
