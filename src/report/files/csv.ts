/** CSV in long format: one header, units in names, stable order; docs/csv.md describes every column. */
import { zip } from '../../lists.js';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.js';
import type { MigrationResult } from '../../migration/result.js';
import { resultTables } from '../columns.js';
import { type BandRow, bandFileColumns } from './bands.js';
import { csvHeader, csvLines, csvRows } from './csv-text.js';
import { type OutputFolder, openOutputFolder } from './output-folder.js';

/** Writes results into the files as they come, so that a long experiment is never held in memory. */
export interface CsvWriter {
  add(result: MigrationResult): void;
  /** Puts everything in place, with the manifest next to it and bands.csv where there are bands, and returns the paths. */
  finish(manifest: unknown, bands?: readonly BandRow[]): string[];
  /** Leaves nothing behind. */
  abandon(): void;
}

/** Creates the folder and its files at once: what cannot be written must fail before the first run. Throws `UsageError`. */
export function openCsv(folder: string): CsvWriter {
  const names = resultTables.map((table) => `${table.name}.csv`);
  refuseForeign(folder, [...names, BANDS, MANIFEST]);
  const output: OutputFolder = openOutputFolder(folder, [...names, MANIFEST]);
  try {
    for (const [name, table] of zip(names, resultTables)) output.append(name, csvHeader(table));
  } catch (error) {
    output.abandon();
    throw error;
  }
  return {
    add(result) {
      for (const [name, table] of zip(names, resultTables)) output.append(name, csvRows(table, result));
    },
    finish(manifest, bands = []) {
      output.append(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
      const written = output.finish();
      // One of an earlier experiment would be taken for this one's.
      if (bands.length === 0) rmSync(join(folder, BANDS), { force: true });
      else written.splice(names.length, 0, writeBands(folder, bands));
      return written;
    },
    abandon: output.abandon,
  };
}

const MANIFEST = 'manifest.json';
const BANDS = 'bands.csv';

function writeBands(folder: string, bands: readonly BandRow[]): string {
  const output = openOutputFolder(folder, [BANDS]);
  const head = bandFileColumns.map(({ name }) => name);
  const rows = bands.map((row) => bandFileColumns.map(({ get }) => get(row)));
  output.append(BANDS, csvLines([head, ...rows]));
  output.finish();
  return join(folder, BANDS);
}

/** Only what migsim wrote itself may be replaced: its manifest lies next to it. */
function refuseForeign(folder: string, names: readonly string[]): void {
  const taken = names.find((name) => existsSync(join(folder, name)));
  if (taken === undefined || isOwn(join(folder, MANIFEST))) return;
  throw new UsageError(
    `${join(folder, taken)} is not a result of migsim; it would be overwritten: choose another --out`,
  );
}

function isOwn(manifest: string): boolean {
  try {
    const read: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
    return typeof read === 'object' && read !== null && 'migsim' in read;
  } catch {
    return false;
  }
}
