/** runs.csv of a sweep: the columns of every runs.csv, and one for each varied key behind those that open every file. */
import type { Value } from '../../experiment/expect/measure.js';
import type { SweepMeasure, SweepTable } from '../../experiment/sweep/table.js';
import { keyColumns, resultTables, runColumns } from '../columns.js';

const KEYS = keyColumns.length;
const runs = resultTables.find(({ name }) => name === 'runs')!;

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
    const names = runs.columns.map(({ name }) => name);
    return [...names.slice(0, KEYS), ...keys, ...names.slice(KEYS)];
  },
  row(result, varied) {
    const [values = []] = runs.rowsOf(result);
    const head = fields(values, 0, KEYS);
    return `${head}${varied === '' ? '' : `,${varied}`},${fields(values, KEYS, values.length)}\n`;
  },
  fields: (values) => fields(values, 0, values.length),
  measures: SUMMARISED.map((column): SweepMeasure => {
    const { unit } = runColumns.find(({ name }) => name === column)!;
    return {
      column,
      name: unit === 'flag' ? `${column}_share` : column,
      digits: unit === 'share' || unit === 'flag' ? 6 : 3,
      decides: DECIDING.includes(column),
    };
  }),
};

/** As csv-stringify writes them, in a fifth of its time: with millions of rows that is what a sweep would wait for. */
function fields(values: readonly Value[], from: number, to: number): string {
  let text = '';
  for (let index = from; index < to; index++) {
    const value = values[index] ?? '';
    const field = typeof value === 'string' ? quoted(value) : String(value);
    text += index === from ? field : `,${field}`;
  }
  return text;
}

function quoted(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
