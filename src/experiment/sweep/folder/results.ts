/** Where rows and what is concluded from them go: files, and listeners. */
import { zip } from '../../../lists.js';
import type { CellSamples } from '../samples.js';
import type { Skipped } from '../cells.js';
import type { SweepPlan } from '../plan.js';
import { predictionOf } from '../prediction.js';
import {
  BAND_COLUMNS,
  DIFFERENCE_COLUMNS,
  type DifferenceRow,
  SUMMARY_COLUMNS,
  type SummaryRow,
  differencesOf,
  summaryOf,
} from '../summary.js';
import type { SweepTable } from '../table.js';

/** A cell whose runs are all done: one combination of varied values. */
export interface SweepCell<Key extends string = string> {
  /** The value of each varied key, as written: `{ 'link.bandwidth': '10Gbit/s' }`. */
  readonly varied: Readonly<Record<Key, string>>;
  /** A row a strategy and measure: the rows of summary.csv. */
  readonly summary: readonly SummaryRow[];
  /** A row a measure and strategy but the first, against which it is: the rows of differences.csv. */
  readonly differences: readonly DifferenceRow[];
}

export const SUMMARY = 'summary.csv';
export const DIFFERENCES = 'differences.csv';
export const SKIPPED = 'skipped.csv';

/** `banded`: some cell has bands. */
export function headersOf(
  plan: SweepPlan,
  table: SweepTable,
  banded: boolean,
): Readonly<Record<string, string>> {
  const line = (names: readonly string[]): string => `${table.fields([...plan.keys, ...names])}\n`;
  const summary = [...SUMMARY_COLUMNS, ...(banded ? BAND_COLUMNS : [])];
  return { [SUMMARY]: line(summary), [DIFFERENCES]: line(DIFFERENCE_COLUMNS) };
}

export function cellSummary(plan: SweepPlan, table: SweepTable, samples: CellSamples): SweepCell {
  const values = plan.valuesOf(samples.cell);
  return {
    varied: Object.fromEntries(zip(plan.keys, values)),
    summary: summaryOf(samples, table.measures, predictionOf(plan, table, samples)),
    differences: differencesOf(samples, table.measures),
  };
}

/** The rows of a cell for summary.csv and differences.csv. */
export function summaryTexts(
  table: SweepTable,
  cell: SweepCell,
  banded: boolean,
): Readonly<Record<string, string>> {
  const values = Object.values(cell.varied);
  const lines = (rows: readonly object[]): string =>
    rows.map((row) => `${table.fields([...values, ...(Object.values(row) as string[])])}\n`).join('');
  const summary = cell.summary.map((row) => {
    const { prediction = null, bandLow = null, bandHigh = null } = row;
    return banded ? { ...row, prediction, bandLow, bandHigh } : row;
  });
  return { [SUMMARY]: lines(summary), [DIFFERENCES]: lines(cell.differences) };
}

/** skipped.csv: a row for each cell or strategy that is left out; without a strategy, the whole cell. */
export function skippedText(plan: SweepPlan, table: SweepTable, skipped: readonly Skipped[]): string {
  const lines = skipped.map(({ cell, strategy, reason }) => [...plan.valuesOf(cell), strategy, reason]);
  return [[...plan.keys, 'strategy', 'reason'], ...lines].map((line) => `${table.fields(line)}\n`).join('');
}
