/** Reads result files back, by their headers. Figures and the HTML report are drawn from these; nothing runs again. */
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { CsvError, parse } from 'csv-parse';
import { keysOf, zip } from '../../../lists.js';
import { readerOf, refuseOther } from '../../../formats/readers/index.js';
import { UsageError } from '../../../errors.js';
import { noSuchFile, statusOf } from '../../../files.js';
import type { Unit, Value } from '../../../experiment/expect/measure.js';
import { type GuestperfReport, looksLikeGuestperf, readGuestperf } from '../../../formats/guestperf/read.js';
import { looksLikeRecord } from '../../../formats/record.js';
import { resultTables } from '../../columns.js';
import type { Row } from '../../files/rows.js';
import { recordResults } from './record-results.js';

/** Empty where there is no such file. A column that no table of migsim has keeps its text: it is a varied parameter. */
export interface Results {
  readonly runs: readonly Row[];
  readonly vcpus: readonly Row[];
  /** Of the chosen runs only: see `Selection`. */
  readonly syncs: readonly Row[];
  readonly timeline: readonly Row[];
  readonly vcpuTimeline: readonly Row[];
  /** Of `migsim validate --csv`. */
  readonly validation: readonly Row[];
  readonly guestperf: readonly GuestperfReport[];
}

/** Which runs are drawn one by one. */
export interface Selection {
  /** Default: the first run that the file has of each strategy. */
  readonly run?: number;
  /** Labels of strategies; empty: all. */
  readonly strategies: readonly string[];
}

type TableName = 'runs' | 'vcpus' | 'syncs' | 'timeline' | 'vcpuTimeline' | 'validation';

/** A file is taken for a table when its header has these; the other columns may be missing. */
const SIGNATURES: Readonly<Record<TableName, readonly string[]>> = {
  runs: ['strategy', 'status', 'total_time_ms'],
  vcpus: ['strategy', 'vcpu', 'work_done_share'],
  syncs: ['strategy', 'sync', 'time_ms', 'remaining_bytes'],
  timeline: ['strategy', 'time_ms', 'remaining_bytes', 'phase'],
  vcpuTimeline: ['strategy', 'time_ms', 'vcpu', 'work_share'],
  validation: ['strategy', 'measured_totalTimeMs', 'predicted_totalTimeMs'],
};
const TABLES = keysOf(SIGNATURES);
/** Files of a results folder. */
const FILES = [...resultTables.map(({ name }) => name), 'validation'].map((name) => `${name}.csv`);
const SHOWN_FILES = FILES.slice(0, 4).join(', ');

const UNITS: ReadonlyMap<string, Unit> = new Map(
  resultTables.flatMap((table) => table.columns.map(({ name, unit }) => [name, unit] as const)),
);

export const NOTHING: Results = {
  runs: [],
  vcpus: [],
  syncs: [],
  timeline: [],
  vcpuTimeline: [],
  validation: [],
  guestperf: [],
};

/** `path`: a results folder, one of its CSV files, or one or a folder of guestperf's reports. Throws `UsageError`. */
export async function readResults(path: string, selection: Selection): Promise<Results> {
  const stat = statusOf(path);
  if (stat === undefined)
    throw new UsageError(noSuchFile(path, 'a folder that --out has written', 'file or folder'), {
      file: path,
    });
  if (!stat.isDirectory() && !stat.isFile())
    throw new UsageError('a pipe or a device; expected a file or a folder of results', { file: path });
  if (!stat.isDirectory() && extname(path) !== '.csv') {
    const text = readFileSync(path, 'utf8');
    if (extname(path) === '.json' && readerOf(text) === null)
      return { ...NOTHING, guestperf: [readGuestperf(text, path)] };
    if (looksLikeRecord(text)) return { ...NOTHING, ...recordResults(text, path) };
    if (looksLikeGuestperf(text)) return { ...NOTHING, guestperf: [readGuestperf(text, path)] };
    // Logs, recordings and scenarios are no results, but other commands read them.
    refuseOther(text, 'results of migsim', { file: path });
  }
  const files = stat.isDirectory() ? FILES.map((name) => join(path, name)).filter(existsSync) : [path];
  if (files.length === 0) {
    const guestperf = reportsIn(path);
    if (guestperf.length > 0) return { ...NOTHING, guestperf };
    throw new UsageError(`no results in this folder; expected ${SHOWN_FILES}, or reports of guestperf`, {
      file: path,
    });
  }
  let results = NOTHING;
  for (const file of files) {
    const { table, rows } = await readTable(file, selection);
    results = { ...results, [table]: rows };
  }
  checkSelection(results, selection, path);
  return results;
}

/** By name; other JSON files are passed over. */
function reportsIn(folder: string): GuestperfReport[] {
  return readdirSync(folder)
    .filter((name) => extname(name) === '.json')
    .sort()
    .map((name) => ({ file: join(folder, name), text: readFileSync(join(folder, name), 'utf8') }))
    .filter(({ text }) => looksLikeGuestperf(text))
    .map(({ file, text }) => readGuestperf(text, file));
}

async function readTable(file: string, selection: Selection): Promise<{ table: TableName; rows: Row[] }> {
  const rows: Row[] = [];
  let header: readonly string[] | null = null;
  let table: TableName = 'runs';
  let wanted = (_row: Row): boolean => true;
  const parser = parse({ bom: true, info: true, relax_column_count: true });
  createReadStream(file)
    .on('error', (error) => parser.destroy(error))
    .pipe(parser);
  try {
    for await (const entry of parser as AsyncIterable<{ info: { lines: number }; record: string[] }>) {
      const { record, info } = entry;
      if (header === null) {
        header = record;
        table = tableOf(header, file);
        wanted = choiceOf(table, selection);
        continue;
      }
      const place = { file, line: info.lines };
      if (record.length !== header.length) {
        throw new UsageError(
          `${record.length} fields where the header has ${header.length}: is the file truncated?`,
          place,
        );
      }
      const row = rowOf(header, record, place);
      if (wanted(row)) rows.push(row);
    }
  } catch (error) {
    throw error instanceof CsvError ? mistake(error, file) : error;
  }
  if (header === null) throw new UsageError('the file is empty; expected a CSV of migsim', { file });
  return { table, rows };
}

function tableOf(header: readonly string[], file: string): TableName {
  const table = TABLES.find((name) => SIGNATURES[name].every((column) => header.includes(column)));
  if (table !== undefined) return table;
  const found = header.slice(0, 4).join(', ');
  throw new UsageError(
    `not a result of migsim: expected the columns of ${SHOWN_FILES} (docs/csv.md), found ${found}${header.length > 4 ? ', …' : ''}`,
    { file, line: 1 },
  );
}

/** Rows of chosen strategies; of syncs and samples, which are many, only those of one run of each. */
function choiceOf(table: TableName, { run, strategies }: Selection): (row: Row) => boolean {
  const chosen = (row: Row): boolean =>
    strategies.length === 0 || strategies.includes(String(row['strategy']));
  if (table !== 'syncs' && table !== 'timeline' && table !== 'vcpuTimeline') return chosen;
  const first = new Map<string, string>();
  return (row) => {
    if (!chosen(row)) return false;
    if (run !== undefined) return row['run'] === run;
    const whose = `${row['scenario']}\n${row['strategy']}`;
    const which = `${row['policy']}\n${row['seed']}\n${row['run']}`;
    if (!first.has(whose)) first.set(whose, which);
    return first.get(whose) === which;
  };
}

function rowOf(
  header: readonly string[],
  record: readonly string[],
  place: { readonly file: string; readonly line: number },
): Row {
  const row: Record<string, Value> = {};
  for (const [name, text] of zip(header, record)) {
    const value = valueOf(text, name);
    if (value === undefined) throw new UsageError(`${name}: expected a number, found "${text}"`, place);
    row[name] = value;
  }
  return row;
}

/** undefined: not what the column says it holds. */
function valueOf(text: string, name: string): Value | undefined {
  if (text === '') return null;
  const unit = UNITS.get(name) ?? (/^(measured|predicted)_/.test(name) ? 'validation' : 'text');
  if (unit === 'text') return text;
  if (unit === 'flag') return text === 'true';
  const value = Number(text);
  if (!Number.isNaN(value)) return value;
  return unit === 'validation' ? text : undefined;
}

function mistake(error: CsvError, file: string): UsageError {
  const lines: unknown = error['lines'];
  const place = { file, ...(typeof lines === 'number' ? { line: lines } : {}) };
  return new UsageError(`this is not CSV: ${error.message}`, place);
}

function checkSelection(results: Results, { run, strategies }: Selection, file: string): void {
  const { runs, vcpus, timeline, syncs, vcpuTimeline, validation } = results;
  const tables = [runs, vcpus, timeline, syncs, vcpuTimeline, validation];
  const rows = tables.find((table) => table.length > 0);
  if (rows === undefined) {
    const what = strategies.length > 0 ? ` of ${strategies.join(', ')}` : '';
    throw new UsageError(`no rows${what} in it`, { file });
  }
  for (const label of strategies) {
    if (!tables.some((table) => table.some((row) => row['strategy'] === label))) {
      throw new UsageError(`no strategy "${label}" in it; give it as the files have it`, { file });
    }
  }
  if (run !== undefined && runs.length > 0 && !runs.some((row) => row['run'] === run)) {
    throw new UsageError(`no run ${run} in it`, { file });
  }
}
