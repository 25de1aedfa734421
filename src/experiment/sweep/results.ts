/** Where rows and what is concluded from them go: files, and whoever listens. */
import type { CellSamples } from './samples.js';
import type { SweepPlan } from './plan.js';
import {
  DIFFERENCE_COLUMNS,
  type DifferenceRow,
  SUMMARY_COLUMNS,
  type SummaryRow,
  differencesOf,
  summaryOf,
} from './summary.js';
import type { SweepTable } from './table.js';

/** A cell that is done. */
export interface CellSummary {
  readonly cell: number;
  /** Of the varied keys. */
  readonly values: readonly string[];
  readonly summary: readonly SummaryRow[];
  readonly differences: readonly DifferenceRow[];
}

export const SUMMARY = 'summary.csv';
export const DIFFERENCES = 'differences.csv';

export function headersOf(plan: SweepPlan, table: SweepTable): Readonly<Record<string, string>> {
  const line = (names: readonly string[]): string => `${table.fields([...plan.keys, ...names])}\n`;
  return { [SUMMARY]: line(SUMMARY_COLUMNS), [DIFFERENCES]: line(DIFFERENCE_COLUMNS) };
}

export function cellSummary(plan: SweepPlan, table: SweepTable, samples: CellSamples): CellSummary {
  return {
    cell: samples.cell,
    values: plan.valuesOf(samples.cell),
    summary: summaryOf(samples, table.measures),
    differences: differencesOf(samples, table.measures),
  };
}

/** The rows of a cell for summary.csv and differences.csv. */
export function summaryTexts(table: SweepTable, cell: CellSummary): Readonly<Record<string, string>> {
  const lines = (rows: readonly object[]): string =>
    rows.map((row) => `${table.fields([...cell.values, ...(Object.values(row) as string[])])}\n`).join('');
  return { [SUMMARY]: lines(cell.summary), [DIFFERENCES]: lines(cell.differences) };
}
