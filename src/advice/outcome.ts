/** What came of the runs of one remedy, and which goals it keeps. */
import { lostWorkSeconds } from '../experiment/regret.js';
import { type MigrationResult, workDoneOf } from '../migration/result.js';
import { largest } from '../stats/extremes.js';
import { studentTQuantile } from '../stats/student-t.js';
import { mean, quantile, standardDeviation } from '../stats/summary.js';
import { formatDurationMs } from '../units.js';
import type { Goals } from './goals.js';

/** Median, and the 5th and 95th percentile of the runs. */
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
  /** Mean time in post-copy, ms. */
  readonly postcopyMs: number;
}

export function outcomeOf(results: readonly MigrationResult[], goals: Goals): Outcome {
  const done = results.filter(({ converged }) => converged);
  const work = (kind: 'writers' | 'readers'): number | null => {
    const values = results.map((result) => workDoneOf(result, kind)).filter((value) => value !== null);
    return values.length === 0 ? null : mean(values);
  };
  return {
    runs: results.length,
    converged: done.length / results.length,
    kept: results.filter((result) => keepsAll(result, goals)).length / results.length,
    totalTimeMs: bandOf(
      done.map(({ totalTimeMs }) => totalTimeMs),
      goals,
    ),
    blackoutMs: bandOf(
      done.flatMap(({ blackoutMs }) => blackoutMs ?? []),
      goals,
    ),
    writers: work('writers'),
    readers: work('readers'),
    lostSeconds: mean(results.map(lostWorkSeconds)),
    postcopyMs: mean(results.map(({ postcopyTimeMs }) => postcopyTimeMs)),
  };
}

function bandOf(values: readonly number[], { probability }: Goals): Band | null {
  if (values.length === 0) return null;
  const [median, low, high] = [quantile(values, 0.5), quantile(values, 0.05), quantile(values, 0.95)];
  return { median, low, high, reach: reachOf(values, probability) };
}

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
    return [`not done within ${formatDurationMs(goals.deadlineMs)}${share}`];
  }
  const { totalTimeMs, blackoutMs, readers } = outcome;
  const misses = [
    ...(totalTimeMs !== null && totalTimeMs.high > goals.deadlineMs
      ? [`takes up to ${formatDurationMs(totalTimeMs.high)}`]
      : []),
    ...(blackoutMs !== null && blackoutMs.high > goals.maxDowntimeMs
      ? [`stops the guest for ${formatDurationMs(blackoutMs.high)}`]
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
