/** The rows of the comparison table: one measure each, a figure per strategy, the best ones marked. */
import { nth, zip } from '../../lists.js';
import type { StrategyResults } from '../../experiment/compare.js';
import { show } from '../../experiment/expect/measure.js';
import { regretSeconds } from '../../experiment/regret.js';
import type { MigrationResult } from '../../migration/result.js';
import { bestSamples } from '../../stats/best.js';
import { mean, standardDeviation } from '../../stats/summary.js';
import { type Column, labelOf } from '../column.js';
import { runColumns } from '../columns/runs.js';

export interface FigureRow {
  readonly label: string;
  readonly cells: readonly { readonly text: string; readonly best: boolean; readonly bad?: boolean }[];
}

/** In the order in which a reader asks. A row that no strategy has a value for is left out. */
const ROWS = [
  'total_time_ms',
  'downtime_ms',
  'blackout_ms',
  'stalls_at_bytes',
  'sufficient_pause_ms',
  'sent_bytes',
  'dirty_sync_count',
  'max_throttle_percent',
  'max_ring_full_sleep_us',
  'postcopy_time_ms',
  'writers_work_done_share',
  'readers_work_done_share',
  'held_time_ms',
  'writers_work_held_share',
  'readers_work_held_share',
  'longest_stall_ms',
];
/** What may never have happened: then 0 is a dash, and a row of them is left out. */
const OCCASIONAL: readonly string[] = [
  'max_throttle_percent',
  'max_ring_full_sleep_us',
  'postcopy_time_ms',
  'held_time_ms',
];
/** What is asked of the runs that did not converge. */
const OF_FAILURES: readonly string[] = ['stalls_at_bytes', 'sufficient_pause_ms'];

export function figureRows(strategies: readonly StrategyResults[]): FigureRow[] {
  return ROWS.map(columnNamed).flatMap((column) => {
    const samples = strategies.map(({ results }) => sample(column, results));
    const seen = samples.flat();
    if (seen.length === 0 || (OCCASIONAL.includes(column.name) && seen.every((value) => value === 0)))
      return [];
    const best = bestOf(column, strategies, samples);
    const cells = zip(zip(strategies, samples), best).map(([[{ results }, values], isBest]) => ({
      text: boundSign(column, results) + figure(column, values),
      best: isBest,
    }));
    return [{ label: labelOf(column), cells }];
  });
}

/** CPU time of both sides in one row. The best is the one that takes least in all. */
export function cpuRow(strategies: readonly StrategyResults[]): FigureRow[] {
  const columns = [columnNamed('sender_cpu_ms'), columnNamed('receiver_cpu_ms')] as const;
  const samples = strategies.map(({ results }) => {
    const converged = results.filter((result) => result.converged);
    return converged.length === 0 ? results : converged;
  });
  const totals = samples.map((results) => results.map((result) => result.senderCpuMs + result.receiverCpuMs));
  const best = bestOf(columns[0], strategies, totals);
  const cells = zip(samples, best).map(([results, isBest]) => {
    const [source, destination] = columns.map((column) =>
      seconds(mean(results.map((result) => Number(column.get(result))))),
    );
    return { text: `${source} + ${destination} s`, best: isBest };
  });
  return [{ label: 'CPU', cells }];
}

/** To three digits, none of them less than a hundredth. */
function seconds(ms: number): string {
  const value = ms / 1e3;
  return value >= 100 ? value.toFixed(0) : String(Number(value.toFixed(value >= 10 ? 1 : 2)));
}

/** Where the oracle is among the strategies: guest work lost beyond its own, run by run, in seconds of a vCPU. */
export function regretRow(strategies: readonly StrategyResults[]): FigureRow[] {
  const oracle = strategies.find(({ strategy }) => strategy.definition.name === 'oracle');
  if (oracle === undefined || strategies.length === 1) return [];
  const cells = strategies.map(({ results }) => {
    const regrets = results
      .map((result, run) => regretSeconds(result, nth(oracle.results, run)))
      .filter((value) => value !== null);
    const text = regrets.length === 0 ? '-' : `${mean(regrets).toFixed(1)} s`;
    return { text: text === '-0.0 s' ? '0.0 s' : text, best: false };
  });
  return [{ label: 'regret', cells }];
}

function columnNamed(name: string): Column<MigrationResult> {
  const column = runColumns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new Error(`no column named ${name}`);
  return column;
}

/** Figures are those of the runs that converged, and of all runs where none did. */
function sample(column: Column<MigrationResult>, results: readonly MigrationResult[]): number[] {
  const converged = results.filter((result) => result.converged);
  const counting = converged.length === 0 || OF_FAILURES.includes(column.name) ? results : converged;
  return counting.map((result) => column.get(result)).filter((value) => typeof value === 'number');
}

/** Mean and standard deviation; the value alone of a single run, and where no difference between runs would show. */
function figure(column: Column<MigrationResult>, values: readonly number[]): string {
  if (values.length === 0) return '-';
  const centre = mean(values);
  if (centre === 0 && OCCASIONAL.includes(column.name)) return '-';
  const spread = values.length === 1 ? 0 : standardDeviation(values);
  const text = show(column.unit, centre);
  return show(column.unit, centre + spread) === text ? text : `${text} ±${show(column.unit, spread)}`;
}

/** A run that was ended before its time would have taken longer. */
function boundSign(column: Column<MigrationResult>, results: readonly MigrationResult[]): string {
  const all = column.name === 'total_time_ms' && results.every((result) => result.status !== 'completed');
  return all ? '> ' : '';
}

/**
 * The best among the strategies that converged in every run: one that did not may well do more work, but not what it was
 * run for.
 */
function bestOf(
  column: Column<MigrationResult>,
  strategies: readonly StrategyResults[],
  samples: readonly (readonly number[])[],
): boolean[] {
  const contending = zip(strategies, samples).map(([{ results }, values]) =>
    values.length > 0 && results.every((result) => result.converged) ? values : null,
  );
  return column.better === undefined ? samples.map(() => false) : bestSamples(contending, column.better);
}
