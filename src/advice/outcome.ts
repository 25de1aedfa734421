/** What came of the runs of one remedy, and which goals it keeps. */
import type { PredictedFrom } from '../experiment/predicted.js';
import { lostWorkSeconds } from '../experiment/regret.js';
import { predictedFigure } from '../guest/host-profiles/residuals.js';
import { type MigrationResult, workDoneOf } from '../migration/result.js';
import { largest } from '../stats/extremes.js';
import { type Stretch, stretched } from '../stats/conformal.js';
import { studentTQuantile } from '../stats/student-t.js';
import { mean, quantile, standardDeviation } from '../stats/summary.js';
import { formatDurationMs } from '../units.js';
import type { Goals } from './goals.js';

const { max } = Math;

/** What is predicted, and its 90 % band: as `compare --runs` and `learn` make it, percentiles of the runs where nothing is drawn. */
export interface Band {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /**
   * What the next run stays below with the probability that is wanted: mean and standard deviation of so few runs, by
   * Student's t. Few runs that all keep a goal by a hair would promise more than the next ones hold.
   */
  readonly reach: number;
}

/** What a change comes to over the runs. */
export interface Outcome {
  readonly runs: number;
  /** Runs that converged, and runs that keep all goals, as shares (0..1). */
  readonly converged: number;
  readonly kept: number;
  /** Of the runs that converged, ms; null where none did. */
  readonly totalTimeMs: Band | null;
  readonly blackoutMs: Band | null;
  /** Mean work done, as shares (0..1); null where the guest has no such vCPUs. */
  readonly writers: number | null;
  readonly readers: number | null;
  /** Guest work lost, s of a vCPU at full speed: the mean. */
  readonly lostSeconds: number;
  /** The same as a share (0..1) of the vCPUs' time. */
  readonly lostShare: number;
  /** Mean time in post-copy, ms. */
  readonly postcopyMs: number;
}

/** How a migration ends that is not over by the deadline. */
export interface Late {
  readonly totalTimeMs: number;
  readonly blackoutMs: number;
}

/** Later and longer goals, ms, under which what was tried keeps all of them. */
export type Within = Pick<Goals, 'deadlineMs' | 'maxDowntimeMs'>;

/** What was predicted may be exceeded by this factor and still be kept. */
const SPARE = 1.2;

/** The goals under which it would do, no lower than those that are wanted; null where no such goal is known. */
export function withinOf(outcome: Outcome, goals: Goals, late: Late | null = null): Within | null {
  const { converged, totalTimeMs, blackoutMs, readers } = outcome;
  const isDone = converged >= goals.probability && (readers === null || readers >= goals.keepReaders);
  const total = late?.totalTimeMs ?? (isDone ? totalTimeMs?.reach : undefined);
  const stopped = late?.blackoutMs ?? (isDone ? (blackoutMs?.reach ?? 0) : undefined);
  if (total === undefined || stopped === undefined) return null;
  const atLeast = (ms: number, wanted: number): number =>
    ms <= wanted / SPARE ? wanted : max(wanted, SPARE * ms);
  return {
    deadlineMs: atLeast(total, goals.deadlineMs),
    maxDowntimeMs: atLeast(stopped, goals.maxDowntimeMs),
  };
}

/** `from`: what the bands of a migration are made from next to the runs; null: they are those of the runs. */
export function outcomeOf(
  results: readonly MigrationResult[],
  goals: Goals,
  from: PredictedFrom | null = null,
): Outcome {
  const done = results.filter(({ converged }) => converged);
  const work = (kind: 'writers' | 'readers'): number | null => {
    const values = results.map((result) => workDoneOf(result, kind)).filter((value) => value !== null);
    return values.length === 0 ? null : mean(values);
  };
  return {
    runs: results.length,
    converged: done.length / results.length,
    kept: results.filter((result) => keepsAll(result, goals)).length / results.length,
    totalTimeMs: bandOf('total_time_ms', ({ totalTimeMs }) => totalTimeMs, done, goals, from),
    blackoutMs: bandOf('blackout_ms', ({ blackoutMs }) => blackoutMs, done, goals, from),
    writers: work('writers'),
    readers: work('readers'),
    lostSeconds: mean(results.map(lostWorkSeconds)),
    lostShare: mean(
      results.map((result) => {
        const seconds = (result.vcpus.length * result.totalTimeMs) / 1000;
        return seconds > 0 ? lostWorkSeconds(result) / seconds : 0;
      }),
    ),
    postcopyMs: mean(results.map(({ postcopyTimeMs }) => postcopyTimeMs)),
  };
}

function bandOf(
  column: string,
  of: (result: MigrationResult) => number | null,
  done: readonly MigrationResult[],
  { probability }: Goals,
  from: PredictedFrom | null,
): Band | null {
  const values = done.flatMap((result) => of(result) ?? []);
  if (values.length === 0) return null;
  const reach = reachOf(values, probability);
  const point = from?.median.converged === true ? of(from.median) : null;
  const figure = from === null ? null : predictedFigure(column, values, point, from.residuals);
  if (figure !== null) return { median: figure.point, low: figure.low, high: figure.high, reach };
  const [median, low, high] = [quantile(values, 0.5), quantile(values, 0.05), quantile(values, 0.95)];
  return { median, low, high, reach };
}

/** Bands of other settings for the same guest, which may miss by as much as that of the log's own settings does. */
export function outcomeStretched(outcome: Outcome, by: OutcomeStretch): Outcome {
  const { totalTimeMs, blackoutMs } = outcome;
  return {
    ...outcome,
    totalTimeMs: totalTimeMs === null ? null : { ...totalTimeMs, ...stretched(totalTimeMs, by.totalTimeMs) },
    blackoutMs: blackoutMs === null ? null : { ...blackoutMs, ...stretched(blackoutMs, by.blackoutMs) },
  };
}

export type OutcomeStretch = Readonly<Record<'totalTimeMs' | 'blackoutMs', Stretch>>;

/** The upper end of the one-sided prediction interval of one more value of a normal sample. */
function reachOf(values: readonly number[], probability: number): number {
  const count = values.length;
  if (count < 2 || probability >= 1) return largest(values);
  const t = studentTQuantile(probability, count - 1);
  return mean(values) + t * standardDeviation(values) * Math.sqrt(1 + 1 / count);
}

/** Whether one run keeps every goal. */
export function keepsAll(
  result: MigrationResult,
  { deadlineMs, maxDowntimeMs, keepReaders }: Goals,
): boolean {
  const readers = workDoneOf(result, 'readers');
  return (
    result.converged &&
    result.totalTimeMs <= deadlineMs &&
    (result.blackoutMs ?? 0) <= maxDowntimeMs &&
    (readers === null || readers >= keepReaders)
  );
}

/** The goals that it does not keep in as many runs as wanted, in words. */
export function missesOf(outcome: Outcome, goals: Goals): string[] {
  if (outcome.kept >= goals.probability) return nearMissesOf(outcome, goals);
  if (outcome.converged < goals.probability) {
    const share =
      outcome.converged === 0 ? '' : ` in ${Math.round((1 - outcome.converged) * 100)} % of the runs`;
    return [`does not finish within ${formatDurationMs(goals.deadlineMs)}${share}`];
  }
  const { totalTimeMs, blackoutMs, readers } = outcome;
  const misses = [
    ...(totalTimeMs !== null && totalTimeMs.reach > goals.deadlineMs
      ? [`takes up to ${formatDurationMs(totalTimeMs.reach)}`]
      : []),
    ...(blackoutMs !== null && blackoutMs.reach > goals.maxDowntimeMs
      ? [`stops the guest for ${formatDurationMs(blackoutMs.reach)}`]
      : []),
    ...(readers !== null && readers < goals.keepReaders
      ? [`leaves readers ${Number((readers * 100).toFixed(1))} %`]
      : []),
  ];
  return misses.length > 0 ? misses : [`keeps all in ${Math.round(outcome.kept * 100)} % of the runs only`];
}

/** Goals that the runs keep, and that the next one is likely enough to miss. */
function nearMissesOf({ totalTimeMs, blackoutMs }: Outcome, goals: Goals): string[] {
  return [
    ...(totalTimeMs !== null && totalTimeMs.reach > goals.deadlineMs
      ? [`may take up to ${formatDurationMs(totalTimeMs.reach)}`]
      : []),
    ...(blackoutMs !== null && blackoutMs.reach > goals.maxDowntimeMs
      ? [`may stop the guest for ${formatDurationMs(blackoutMs.reach)}`]
      : []),
  ];
}
