/**
 * Strategies as rows, results as columns, from rows of runs.csv: what the tables for papers and the HTML report show.
 * Figures are those of the runs that converged, and of all runs where none did.
 */
import { nth, zip } from '../../lists.js';
import { bestSamples } from '../../stats/best.js';
import { mean, standardDeviation } from '../../stats/summary.js';
import { runColumns } from '../columns/runs.js';
import { groupBy, hasConverged, numberIn, type Row } from '../files/rows.js';
import { type StrategyName, strategyNames } from './kit/strategy-names.js';

export interface RunsColumn {
  /** Name in runs.csv. */
  readonly name: string;
  readonly label: string;
  /** Unit of the figures below; empty for counts. */
  readonly unit: 's' | 'ms' | 'GiB' | '%' | '';
}

export interface RunsCell {
  /** To three digits, or to the tenth from 100 on. */
  readonly mean: string;
  /** Standard deviation, to the same digit as the mean; null for a single run, and where it would not show. */
  readonly spread: string | null;
  /** The run was given up: it is known only that it would be more. */
  readonly bound: boolean;
  /** Of the strategies that converged in every run none is better by more than noise. */
  readonly best: boolean;
}

export interface RunsRow {
  readonly name: StrategyName;
  readonly converged: number;
  readonly runs: number;
  /** One a column; null: no run has such a value. */
  readonly cells: readonly (RunsCell | null)[];
}

export interface RunsTable {
  readonly columns: readonly RunsColumn[];
  readonly rows: readonly RunsRow[];
}

interface Source extends RunsColumn {
  /** Of the unit of the file in that of the table. */
  readonly scale: number;
  /** Left out when it is 0 everywhere: a knob that was not used. */
  readonly knob?: boolean;
  /** Digits after the point at most. */
  readonly digits: number;
}

const SOURCES: readonly Source[] = [
  { name: 'total_time_ms', label: 'Total time', unit: 's', scale: 1e3, digits: 2 },
  { name: 'downtime_ms', label: 'Downtime', unit: 'ms', scale: 1, digits: 1 },
  { name: 'blackout_ms', label: 'Blackout', unit: 'ms', scale: 1, digits: 1 },
  { name: 'sent_bytes', label: 'Data sent', unit: 'GiB', scale: 2 ** 30, digits: 2 },
  { name: 'dirty_sync_count', label: 'Syncs', unit: '', scale: 1, digits: 1 },
  { name: 'max_throttle_percent', label: 'Peak throttle', unit: '%', scale: 1, digits: 1, knob: true },
  { name: 'max_ring_full_sleep_us', label: 'Ring sleep', unit: 'ms', scale: 1e3, digits: 1, knob: true },
  { name: 'postcopy_time_ms', label: 'In post-copy', unit: 's', scale: 1e3, digits: 2, knob: true },
  { name: 'writers_work_done_share', label: 'Work, writers', unit: '%', scale: 0.01, digits: 1 },
  { name: 'readers_work_done_share', label: 'Work, readers', unit: '%', scale: 0.01, digits: 1 },
  { name: 'longest_stall_ms', label: 'Longest stall', unit: 'ms', scale: 1, digits: 1 },
];

export function runsTable(runs: readonly Row[]): RunsTable {
  const strategies = [...groupBy(runs, 'strategy')];
  const names = strategyNames(strategies.map(([label]) => label));
  const samples = SOURCES.map((source) => strategies.map(([, rows]) => sample(rows, source)));
  const shown = zip(SOURCES, samples)
    .map(([source, of]) => ({ source, of }))
    .filter(({ source, of }) => {
      const values = of.flat();
      return values.length > 0 && !(source.knob === true && values.every((value) => value === 0));
    });
  const cells = shown.map(({ source, of }) =>
    columnOf(
      source,
      of,
      strategies.map(([, rows]) => rows),
    ),
  );
  return {
    columns: shown.map(({ source: { name, label, unit } }) => ({ name, label, unit })),
    rows: strategies.map(([, rows], index) => ({
      name: nth(names, index),
      converged: rows.filter(hasConverged).length,
      runs: rows.length,
      cells: cells.map((column) => nth(column, index)),
    })),
  };
}

function sample(rows: readonly Row[], { name, scale }: Source): number[] {
  const converged = rows.filter(hasConverged);
  const counting = converged.length > 0 ? converged : rows;
  return counting
    .map((row) => numberIn(row, name))
    .filter((value) => value !== null)
    .map((value) => value / scale);
}

function columnOf(
  source: Source,
  samples: readonly (readonly number[])[],
  rows: readonly (readonly Row[])[],
): (RunsCell | null)[] {
  const whole = samples.every((values) =>
    values.every((value) => Number.isInteger(value) && value === values[0]),
  );
  const cells = samples.map((values, index): Omit<RunsCell, 'best'> | null => {
    if (values.length === 0 || (source.knob === true && values.every((value) => value === 0))) return null;
    const centre = mean(values);
    const digits = whole ? 0 : digitsFor(centre, source);
    const spread = values.length > 1 ? standardDeviation(values).toFixed(digits) : null;
    const gaveUp =
      source.name === 'total_time_ms' && nth(rows, index).every((row) => row['status'] === 'gave-up');
    return {
      mean: centre.toFixed(digits),
      spread: spread === null || Number(spread) === 0 ? null : spread,
      bound: gaveUp,
    };
  });
  const better = runColumns.find((column) => column.name === source.name)?.better;
  const contending = samples.map((values, index) =>
    cells[index] !== null && nth(rows, index).every(hasConverged) ? values : null,
  );
  const best = better === undefined ? [] : bestSamples(contending, better);
  return cells.map((cell, index) => (cell === null ? null : { ...cell, best: best[index] ?? false }));
}

/** Three significant digits, but no more after the point than the column is worth. */
function digitsFor(value: number, { digits }: Source): number {
  const before = value === 0 ? 1 : Math.floor(Math.log10(Math.abs(value))) + 1;
  return Math.min(digits, Math.max(0, before > 2 ? 1 : 3 - before));
}
