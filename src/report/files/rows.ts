/** Rows of result files: values under the names of their columns. */
import type { Value } from '../../experiment/expect/measure.js';
import type { MigrationResult } from '../../migration/result.js';
import { type NonEmpty, zip } from '../../lists.js';
import { tableNamed } from '../columns.js';

/** Column name to value. */
export type Row = Readonly<Record<string, Value>>;

/** As runs.csv would have them. */
export function runRows(results: readonly MigrationResult[]): Row[] {
  const runs = tableNamed('runs');
  const names = runs.columns.map(({ name }) => name);
  return results.flatMap((result) => runs.rowsOf(result).map((row) => Object.fromEntries(zip(names, row))));
}

/** null where the field is empty or there is no such column. */
export function numberIn(row: Row, column: string): number | null {
  const value = row[column];
  return typeof value === 'number' ? value : null;
}

export function textIn(row: Row, column: string): string {
  return String(row[column] ?? '');
}

export function hasConverged(row: Row): boolean {
  return row['converged'] === true;
}

/** In the order in which they come. */
export function groupBy(rows: readonly Row[], column: string): Map<string, NonEmpty<Row>> {
  const groups = new Map<string, [Row, ...Row[]]>();
  for (const row of rows) {
    const key = textIn(row, column);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
