/** Results as the text of CSV files: what is written, and what the page offers. */
import type { Value } from '../../experiment/expect/measure.js';
import { quoted } from '../../experiment/sweep/row-block.js';
import type { MigrationResult } from '../../migration/result.js';
import type { ResultTable } from '../column.js';

export function csvHeader(table: ResultTable): string {
  return csvLines([table.columns.map((column) => column.name)]);
}

/** The lines of one result, without the header. */
export function csvRows(table: ResultTable, result: MigrationResult): string {
  return csvLines(table.rowsOf(result));
}

/** As csv-stringify writes them, in a tenth of its time: a run may have 20,000 rows of its vCPUs. */
export function csvLines(rows: readonly (readonly Value[])[]): string {
  let text = '';
  for (const row of rows) text += `${csvFields(row)}\n`;
  return text;
}

/** A row without its line break. */
export function csvFields(row: readonly Value[]): string {
  return row.map(fieldText).join(',');
}

function fieldText(value: Value): string {
  return typeof value === 'string' ? quoted(value) : String(value ?? '');
}
