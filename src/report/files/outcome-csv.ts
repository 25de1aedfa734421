/** Outcomes as CSV that people review in a diff: few columns, few digits, one row a run. */
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { UsageError, thrownText } from '../../errors.js';
import type { Unit, Value } from '../../experiment/expect/measure.js';
import type { Outcome } from '../../experiment/outcomes.js';
import type { MigrationResult } from '../../migration/result.js';
import type { Column } from '../column.js';
import { keyColumns, runColumns } from '../columns/runs.js';

const OUTCOMES = [
  'status',
  'converged',
  'binds',
  'total_time_ms',
  'downtime_ms',
  'blackout_ms',
  'sent_bytes',
  'dirty_sync_count',
  'max_throttle_percent',
  'max_ring_full_sleep_us',
  'first_throttle_ms',
  'postcopy_time_ms',
  'writers_work_done_share',
  'readers_work_done_share',
  'longest_stall_ms',
  'stalls_at_bytes',
];

/** What a baseline keeps of a run. */
export const outcomeColumns: readonly Column<MigrationResult>[] = OUTCOMES.map((name) => {
  const column = runColumns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new Error(`no column named ${name}`);
  return column;
});

const KEYS = ['scenario', 'strategy', 'run'] as const;

/** Ends with a line break. */
export function outcomeCsv(results: readonly MigrationResult[]): string {
  const columns = [...keyColumns, ...outcomeColumns];
  const rows = results.map((result) => columns.map((column) => rounded(column.get(result))));
  return stringify([columns.map(({ name }) => name), ...rows], { cast: { boolean: String } });
}

/** Six digits: more would show how a machine rounds. */
function rounded(value: Value): Value {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

/**
 * Reads what `outcomeCsv` wrote, and `runs.csv`, which has the same columns and more. A column that migsim knows no more
 * is left out. Throws `UsageError` when the text is no CSV.
 */
export function readOutcomes(text: string, file: string): Outcome[] {
  const rows = csvRecords(text, file);
  const measures = runColumns.filter(({ name }) => rows[0] !== undefined && name in rows[0]);
  return rows.map((row) => ({
    scenario: row[KEYS[0]] ?? '',
    strategy: row[KEYS[1]] ?? '',
    run: Number(row[KEYS[2]]),
    values: Object.fromEntries(measures.map(({ name, unit }) => [name, parsed(row[name] ?? '', unit)])),
  }));
}

/** Rows by column. Throws `UsageError` that names the file for what is torn, binary or edited by hand. */
export function csvRecords(text: string, file: string): Record<string, string>[] {
  try {
    return parse(text, { columns: true });
  } catch (thrown) {
    throw new UsageError(`this is not a CSV that migsim wrote: ${thrownText(thrown)}`, { file });
  }
}

function parsed(text: string, unit: Unit): Value {
  if (text === '') return null;
  if (unit === 'flag') return text === 'true';
  return unit === 'text' ? text : Number(text);
}
