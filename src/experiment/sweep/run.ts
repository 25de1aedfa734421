/** Runs a sweep, or goes on with one: units to workers, rows to files, cells to their summaries. Nothing is collected. */
import { nth } from '../../lists.js';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { UsageError, errorCode } from '../../errors.js';
import { type CellLabels, type CheckedCells, type Skipped, checkCells, runningCells } from './cells.js';
import { type SweepFiles, openFiles } from './folder/folder-files.js';
import { manifestOf, type PlanFile, RUNS, partOf, planFileOf, stateOf } from './folder/folder.js';
import type { Mark } from './folder/marks.js';
import { writtenCells } from './folder/written-cells.js';
import { byteLinesIn, textOf, valueReader } from './lines.js';
import { type MadeChoices, type SweepPlan, openPlan } from './plan.js';
import { type UnitPool, openPool } from './pool.js';
import {
  DIFFERENCES,
  SKIPPED,
  SUMMARY,
  type SweepCell,
  cellSummary,
  headersOf,
  skippedText,
  summaryTexts,
} from './folder/results.js';
import type { Rows } from './row-block.js';
import { type RowTaker, rowTaker } from './rows.js';
import { unitRunner } from './run-unit.js';
import type { Shard } from './shard.js';
import type { SweepSpec } from './spec.js';
import { type SweepTable, linesOf } from './table.js';
import { type Units, unitsOf } from './unit.js';

export interface SweepRun {
  readonly spec: SweepSpec;
  /** Only with one worker and without a folder. */
  readonly made?: MadeChoices;
  /** For the manifest. */
  readonly command: readonly string[];
  readonly table: SweepTable;
  /** Folder; null: nothing is written. */
  readonly out: string | null;
  readonly shard: Shard | null;
  /** Refuse a cell that cannot run instead of leaving it out. */
  readonly strict?: boolean;
  /** Threads; with one, everything happens in this one. */
  readonly workers: number;
  /** The module of a `unitServer`, needed for more than one worker. */
  readonly worker: URL | null;
  /** Called before the first run where something is left out. */
  readonly onSkipped?: (skipped: readonly Skipped[]) => void;
  /** Called when all cells are found good, with the number of runs that there are at most, and of those done before. */
  readonly onStart?: (runs: number, done: number) => void;
  readonly onRuns?: (count: number) => void;
  /** Called with every row in order, without its line break, those of an earlier call first. */
  readonly onRow?: (line: string) => void;
  /** Not called for shards: they know parts of cells only. */
  readonly onCell?: (cell: SweepCell) => void;
  /** Further files, each made of one that is finished. */
  readonly extras?: readonly ExtraFile[];
}

/** A file in another form: `write` reads the CSV file `of` and writes `name`, both by their paths. */
export interface ExtraFile {
  readonly name: string;
  readonly of: typeof RUNS | typeof SUMMARY;
  write(csv: string, path: string): unknown;
}

/** Writes the further files of `folder`, whose files still have their temporary names. */
export async function writeExtras(folder: string, extras: readonly ExtraFile[] = []): Promise<void> {
  for (const { name, of, write } of extras) await write(partOf(join(folder, of)), partOf(join(folder, name)));
}

export interface SweepOutcome {
  readonly plan: SweepPlan;
  readonly planFile: PlanFile;
  /** Rows that were there before. */
  readonly resumed: number;
  /** Rows in all. */
  readonly rows: number;
  /** Nothing was left to do. */
  readonly finishedBefore: boolean;
  /** What was left out. */
  readonly skipped: readonly Skipped[];
  readonly written: readonly string[];
}

/** Throws `UsageError`; what was finished by then stays, and the same call goes on with it. */
export async function runSweep(options: SweepRun): Promise<SweepOutcome> {
  const { spec, table, out, shard, onRow } = options;
  const plan = await openPlan(spec, options.made);
  const checked = checkCells(plan, options.strict === true);
  const { labels, skipped, banded } = checked;
  const units = unitsOf(plan, runningCells(labels));
  if (skipped.length > 0) options.onSkipped?.(skipped);
  const planFile = planFileOf(spec, shard, options.command);
  const state = out === null ? 'fresh' : stateOf(out, planFile);
  const most = runsAtMost(units, labels, shard);

  let files: SweepFiles | null = null;
  let pool: UnitPool | null = null;
  const taker = rowTaker(plan, units, labels, table, shard, (samples) => {
    if (shard !== null) return;
    const cell = cellSummary(plan, table, samples);
    for (const [name, text] of Object.entries(summaryTexts(table, cell, banded))) files?.append(name, text);
    options.onCell?.(cell);
  });
  const reading: Reading = { plan, table, units, taker, onRow };
  if (out !== null && state === 'finished') {
    const { rows } = replay(join(out, RUNS), reading);
    options.onStart?.(rows, rows);
    return { plan, planFile, resumed: rows, rows, finishedBefore: true, skipped, written: [] };
  }

  try {
    let rows = 0;
    const begun = state === 'begun';
    if (out !== null) {
      const names = shard === null ? fileNames(options.extras, skipped) : [RUNS];
      files = openFiles(out, planFile, names, { begun, takesCells: onRow === undefined, whenEnded: 'kept' });
      if (shard === null) begin(files, out, options, reading, checked);
    }
    // The threads get ready while rows are read.
    pool = threadsFor(options, units, files?.taken?.next ?? taker.next);
    if (out !== null && files !== null) rows = goOn(files, partOf(join(out, RUNS)), begun, reading);
    const resumed = rows;
    options.onStart?.(most, resumed);
    const onRows = ({ bytes, values }: Rows): void => {
      files?.append(RUNS, bytes);
      const width = table.measures.length;
      for (let at = 0; at < values.length; at += width) taker.add(values.subarray(at, at + width));
      if (onRow !== undefined) for (const line of linesOf(new TextDecoder().decode(bytes))) onRow(line);
      const count = values.length / width;
      rows += count;
      if (taker.isBetweenCells) files?.mark({ next: taker.next, rows });
      options.onRuns?.(count);
    };
    await runUnits(options, reading, pool, onRows);
    const written = files === null ? [] : await finish(files, planFile, options);
    return { plan, planFile, resumed, rows, finishedBefore: false, skipped, written };
  } catch (error) {
    await pool?.close();
    const stays = files === null ? state === 'begun' : files.close();
    if (out === null || !stays || !(error instanceof UsageError)) throw error;
    const message = `${error.message}; what is finished stays in ${out}, and the same command goes on`;
    throw new UsageError(message, undefined, { cause: error.cause });
  }
}

/** What rows are read by. */
interface Reading {
  readonly plan: SweepPlan;
  readonly table: SweepTable;
  readonly units: Units;
  readonly taker: RowTaker;
  readonly onRow: SweepRun['onRow'];
}

/** The files that grow by cells: with their headers, or with the cells of an earlier call, of which `onCell` hears. */
function begin(
  files: SweepFiles,
  out: string,
  { onCell }: Pick<SweepRun, 'onCell'>,
  { plan, table, units }: Reading,
  { labels, skipped, drawing, banded }: CheckedCells,
): void {
  if (skipped.length > 0) files.append(SKIPPED, skippedText(plan, table, skipped));
  if (files.taken === null) {
    for (const [name, text] of Object.entries(headersOf(plan, table, banded))) files.append(name, text);
  } else if (onCell !== undefined) {
    const { next } = files.taken;
    const end = next < units.count ? units.at(next).cell : plan.cellCount;
    for (const cell of writtenCells(plan, table, { labels, drawing, end }, (name) => partOf(join(out, name))))
      onCell(cell);
  }
}

/** Takes the rows of an earlier call, cuts what was torn off, and returns their number. */
function goOn(files: SweepFiles, path: string, begun: boolean, reading: Reading): number {
  const { taken } = files;
  if (taken !== null) reading.taker.startAt(taken.next);
  const start = taken ?? { bytes: 0, rows: 0 };
  const { bytes, rows } = begun ? replay(path, reading, start, (at) => files.mark(at)) : start;
  if (begun) files.keep(bytes);
  if (bytes === 0) files.append(RUNS, headerLine(reading.plan, reading.table));
  return rows;
}

async function finish(
  files: SweepFiles,
  planFile: PlanFile,
  { out, shard, extras }: Pick<SweepRun, 'out' | 'shard' | 'extras'>,
): Promise<string[]> {
  if (out !== null && shard === null) {
    files.append('manifest.json', manifestText(planFile));
    await writeExtras(out, extras);
  }
  return files.finish();
}

/** What manifest.json says: the plan without the shard that ran. */
export function manifestText(plan: PlanFile): string {
  return `${JSON.stringify(manifestOf(plan), null, 2)}\n`;
}

/** Names of the files that a whole sweep writes. */
export function fileNames(extras: SweepRun['extras'], skipped: CheckedCells['skipped']): string[] {
  const further = [...(skipped.length === 0 ? [] : [SKIPPED]), ...(extras ?? []).map(({ name }) => name)];
  return [RUNS, SUMMARY, DIFFERENCES, ...further, 'manifest.json'];
}

/** Threads for the units from position `first` on; null: this one does them. */
function threadsFor(
  { spec, workers, worker, shard }: SweepRun,
  units: Units,
  first: number,
): UnitPool | null {
  const left = Math.ceil((units.count - first) / (shard?.count ?? 1));
  // A thread even for a single unit: this one stays free for signals.
  if (left <= 0 || workers <= 1 || worker === null) return null;
  // More threads than units or cores only cost memory.
  return openPool(worker, Math.min(workers, left, availableParallelism()), spec);
}

async function runUnits(
  { table, shard }: SweepRun,
  { plan, units, taker }: Reading,
  pool: UnitPool | null,
  onRows: (rows: Rows) => void,
): Promise<void> {
  const step = shard?.count ?? 1;
  if (pool !== null) {
    try {
      await pool.run(indices(units, taker.next, step), onRows);
    } catch (error) {
      if (errorCode(error) !== 'ERR_WORKER_OUT_OF_MEMORY') throw error;
      throw new UsageError('a worker ran out of memory');
    }
    return;
  }
  if (taker.next >= units.count) return;
  const run = unitRunner(plan, table);
  for (let unit = taker.next; unit < units.count; unit += step) {
    onRows(run(units.at(unit)));
    // Lets timers and signals have their turn.
    await new Promise(setImmediate);
  }
}

function* indices(units: Units, first: number, step: number): Generator<number, void> {
  for (let position = first; position < units.count; position += step) yield units.at(position).index;
}

function runsAtMost(units: Units, labels: CellLabels, shard: Shard | null): number {
  let runs = 0;
  for (let index = shard?.index ?? 0; index < units.count; index += shard?.count ?? 1) {
    const { cell, firstRun, lastRun } = units.at(index);
    runs += (lastRun - firstRun + 1) * nth(labels, cell).length;
  }
  return runs;
}

export function headerLine(plan: SweepPlan, table: SweepTable): string {
  return `${table.fields(table.header(plan.keys))}\n`;
}

/** What is known of the rows at the start of a file. */
type Start = Pick<Mark, 'bytes' | 'rows'>;

/** Rows of whole units from `start` on; what follows was torn off. `mark` is called whenever they complete a cell. */
function replay(
  path: string,
  { plan, table, taker, units, onRow }: Reading,
  start: Start = { bytes: 0, rows: 0 },
  mark?: (at: Pick<Mark, 'next' | 'rows' | 'bytes'>) => void,
): Start {
  const unit: string[] = [];
  const valuesIn = valueReader(table.header(plan.keys), table.measures);
  const header = headerLine(plan, table);
  let { bytes, rows } = start;
  // The header is not a row.
  let seen = bytes === 0 ? -1 : rows;
  for (const line of byteLinesIn(path, bytes)) {
    seen += 1;
    if (seen === 0 && `${textOf(line)}\n` !== header) break;
    if (seen > 0 && taker.next >= units.count) break;
    if (seen > 0 && onRow !== undefined) unit.push(textOf(line));
    if (seen === 0 || taker.add(valuesIn(line))) {
      bytes = line.end;
      rows = seen;
      for (const row of unit.splice(0)) onRow?.(row);
      if (seen > 0 && taker.isBetweenCells) mark?.({ next: taker.next, rows, bytes });
    }
  }
  taker.drop();
  return { bytes, rows };
}
