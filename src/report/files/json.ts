/** Results for programs: the names of the CSV columns as keys, with what does not fit a table. */
import { zip } from '../../lists.js';
import type { Manifest } from '../../experiment/manifest.js';
import type { Value } from '../../experiment/expect/measure.js';
import type { MigrationResult } from '../../migration/result.js';
import { tableNamed } from '../columns.js';
import { keyColumns } from '../columns/runs.js';
import { type BandRow, bandFileColumns } from './bands.js';

/**
 * `detail`: with syncs, timeline and decisions of every run. `bands` is left out where there are none. Ends with a line break.
 */
export function jsonReport(
  manifest: Manifest,
  results: readonly MigrationResult[],
  detail: boolean,
  bands: readonly BandRow[] = [],
): string {
  const runs = results.map((result) => runObject(result, detail));
  const rows = bands.map((row) =>
    Object.fromEntries(bandFileColumns.map(({ name, get }) => [name, get(row)])),
  );
  return `${JSON.stringify({ manifest, runs, ...(rows.length === 0 ? {} : { bands: rows }) }, null, 2)}\n`;
}

function runObject(result: MigrationResult, detail: boolean): Record<string, unknown> {
  const run = rowsOf('runs', result, 0)[0];
  const short = {
    ...run,
    why: result.why?.text ?? null,
    error: result.error,
    vcpus: nested('vcpus', result),
  };
  if (!detail) return short;
  const { decisions } = result;
  return { ...short, syncs: nested('syncs', result), timeline: nested('timeline', result), decisions };
}

/** Inside a run, rows need not say again which run they are of. */
function nested(name: string, result: MigrationResult): Record<string, Value>[] {
  return rowsOf(name, result, keyColumns.length);
}

function rowsOf(name: string, result: MigrationResult, from: number): Record<string, Value>[] {
  const table = tableNamed(name);
  const keys = table.columns.slice(from).map((column) => column.name);
  return table.rowsOf(result).map((row) => Object.fromEntries(zip(keys, row.slice(from))));
}
