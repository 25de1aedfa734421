/** Cells back from the files that have them: what was said of them when their last run was done. */
import { isOneOf, nth, zip } from '../../../lists.js';
import type { CheckedCells } from '../cells.js';
import { linesIn } from '../lines.js';
import type { SweepPlan } from '../plan.js';
import type { DifferenceRow, SummaryRow } from '../summary.js';
import { type SweepTable, fieldsOf } from '../table.js';
import { DIFFERENCES, SUMMARY, type SweepCell } from './results.js';

/** The cells before `end`, which summary.csv and differences.csv begin with. */
export function* writtenCells(
  plan: SweepPlan,
  table: SweepTable,
  { labels, drawing, end }: Pick<CheckedCells, 'labels' | 'drawing'> & { readonly end: number },
  pathOf: (name: string) => string,
): Generator<SweepCell> {
  const summary = rowsIn(pathOf(SUMMARY), plan.keys.length);
  const differences = rowsIn(pathOf(DIFFERENCES), plan.keys.length);
  for (let cell = 0; cell < end; cell++) {
    const strategies = nth(labels, cell).length;
    if (strategies === 0) continue;
    const rows = strategies * table.measures.length;
    const isBanded = drawing.has(cell);
    yield {
      varied: Object.fromEntries(zip(plan.keys, plan.valuesOf(cell))),
      summary: take(summary, rows).map((fields) => summaryRow(fields, isBanded)),
      differences: take(differences, rows - table.measures.length).map(differenceRow),
    };
  }
}

/** The rows of a file without its header and its varied columns. */
function* rowsIn(path: string, keys: number): Generator<readonly string[], void> {
  let isHeader = true;
  for (const { text } of linesIn(path)) {
    if (!isHeader) yield fieldsOf(text).slice(keys);
    isHeader = false;
  }
}

function take(rows: Generator<readonly string[], void>, count: number): (readonly string[])[] {
  return Array.from({ length: count }, () => {
    const { value } = rows.next();
    if (value === undefined) throw new Error('a cell that is complete lacks rows');
    return value;
  });
}

function summaryRow(fields: readonly string[], isBanded: boolean): SummaryRow {
  const of = nth(fields, 2);
  if (!isOneOf(OF, of)) throw new Error(`${of} in a summary`);
  const figure = (index: number): number | null => figureIn(fields[index]);
  const band = { prediction: figure(11), bandLow: figure(12), bandHigh: figure(13) };
  return {
    strategy: nth(fields, 0),
    measure: nth(fields, 1),
    of,
    runs: Number(fields[3]),
    n: Number(fields[4]),
    mean: figure(5),
    median: figure(6),
    standardDeviation: figure(7),
    p90: figure(8),
    low: figure(9),
    high: figure(10),
    ...(isBanded ? band : {}),
  };
}

const OF = ['converged', 'all'] as const;

function differenceRow(fields: readonly string[]): DifferenceRow {
  return {
    strategy: nth(fields, 0),
    against: nth(fields, 1),
    measure: nth(fields, 2),
    n: Number(fields[3]),
    mean: figureIn(fields[4]),
    low: figureIn(fields[5]),
    high: figureIn(fields[6]),
  };
}

function figureIn(field: string | undefined): number | null {
  return field === undefined || field === '' ? null : Number(field);
}
