/** runs.csv of a sweep: the columns of every runs.csv, and one for each varied key behind those that open every file. */
import type { RowBlock } from '../../experiment/sweep/row-block.js';
import type { SweepMeasure, SweepTable } from '../../experiment/sweep/table.js';
import type { MigrationResult } from '../../migration/result.js';
import { type Column, digitsOf } from '../column.js';
import { csvFields } from '../files/csv-text.js';
import { got } from '../../lists.js';
import { keyColumns, runColumns } from '../columns/runs.js';

const units = new Map(runColumns.map(({ name, unit }) => [name, unit]));

/** Columns that are summarised, in the order of summary.csv. */
const SUMMARISED = [
  'converged',
  'total_time_ms',
  'downtime_ms',
  'blackout_ms',
  'sent_bytes',
  'dirty_sync_count',
  'max_throttle_percent',
  'writers_work_done_share',
  'readers_work_done_share',
  'held_time_ms',
  'writers_work_held_share',
  'readers_work_held_share',
  'postcopy_time_ms',
  'longest_stall_ms',
  'sender_cpu_ms',
  'receiver_cpu_ms',
  'sender_memory_bytes',
];
const DECIDING: readonly string[] = ['total_time_ms', 'downtime_ms'];

export const sweepTable: SweepTable = {
  header: (keys) => {
    const namesOf = (columns: readonly Column<MigrationResult>[]): string[] =>
      columns.map(({ name }) => name);
    return [...namesOf(keyColumns), ...keys, ...namesOf(runColumns)];
  },
  row(result, varied, to) {
    for (const cell of keyCells) {
      if (cell !== keyCells[0]) to.comma();
      put(cell, result, to);
    }
    if (varied !== '') {
      to.comma();
      to.raw(varied);
    }
    for (const cell of runCells) {
      to.comma();
      put(cell, result, to);
    }
    to.end();
  },
  fields: csvFields,
  measures: SUMMARISED.map((column): SweepMeasure => {
    const unit = got(units, column);
    return {
      column,
      name: unit === 'flag' ? `${column}_share` : column,
      digits: unit === 'share' || unit === 'flag' ? 6 : 3,
      decides: DECIDING.includes(column),
    };
  }),
};

/** A column, with what a row needs of it. */
interface Cell {
  readonly get: Column<MigrationResult>['get'];
  readonly digits: 3 | 6;
  /** Among the measures; -1: it is not summarised. */
  readonly measure: number;
}

function cellOf(column: Column<MigrationResult>): Cell {
  return { get: column.get, digits: digitsOf(column.unit), measure: SUMMARISED.indexOf(column.name) };
}

const keyCells = keyColumns.map(cellOf);
const runCells = runColumns.map(cellOf);

/** As csv-stringify writes it, in a tenth of its time: with millions of rows that is what a sweep would wait for. */
function put({ get, digits, measure }: Cell, result: MigrationResult, to: RowBlock): void {
  const value = get(result);
  if (typeof value === 'number') {
    const written = to.number(value, digits);
    if (measure >= 0) to.measure(measure, written);
  } else if (typeof value === 'string') to.text(value);
  else if (value !== null) {
    to.text(value ? 'true' : 'false');
    if (measure >= 0) to.measure(measure, value ? 1 : 0);
  }
}
