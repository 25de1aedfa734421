/** Results as the text of CSV files: what is written, and what the page offers. */
import { stringify } from 'csv-stringify/sync';
import type { Value } from '../../experiment/expect/measure.js';
import type { MigrationResult } from '../../migration/result.js';
import type { ResultTable } from '../column.js';

export function csvHeader(table: ResultTable): string {
  return csvLines([table.columns.map((column) => column.name)]);
}

/** The lines of one result, without the header. */
export function csvRows(table: ResultTable, result: MigrationResult): string {
  return csvLines(table.rowsOf(result));
}

export function csvLines(rows: readonly (readonly Value[])[]): string {
  // Without the cast, true would be written as 1 and false as nothing.
  return stringify(rows as Value[][], { cast: { boolean: String } });
}
