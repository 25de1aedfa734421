/** The shards of a sweep put together: the files that one machine would have written, row by row. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Shard } from './shard.js';
import { nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { noSuchFile } from '../../files.js';
import { checkCells, runningCells } from './cells.js';
import { openFiles } from './folder/folder-files.js';
import { type PlanFile, RUNS, readPlan, requireWhole, stateOf } from './folder/folder.js';
import { runsCode } from '../../scenario/choices.js';
import { openPlan } from './plan.js';
import {
  SKIPPED,
  type SweepCell,
  cellSummary,
  headersOf,
  skippedText,
  summaryTexts,
} from './folder/results.js';
import { type ByteLine, byteLinesIn, textOf, valueReader } from './lines.js';
import { rowTaker } from './rows.js';
import { type SweepRun, type SweepOutcome, fileNames, headerLine, manifestText, writeExtras } from './run.js';
import type { SweepTable } from './table.js';
import { unitsOf } from './unit.js';

export interface MergeOptions {
  /** Folders, one a shard, in any order. */
  readonly shards: readonly string[];
  readonly out: string;
  readonly table: SweepTable;
  readonly onCell?: (cell: SweepCell) => void;
  /** Choices from files, as the plan has them, whose code may be run; others are refused. */
  readonly code?: readonly string[];
  readonly extras?: SweepRun['extras'];
}

/** Throws `UsageError` when shards are missing, unfinished, doubled or of different sweeps. */
export async function mergeShards(options: MergeOptions): Promise<SweepOutcome> {
  const { out, table, extras } = options;
  const { folders, planFile } = inOrder(options.shards, options.code ?? []);
  const plan = await openPlan(planFile.sweep);
  const { labels, skipped, banded } = checkCells(plan, false);
  const units = unitsOf(plan, runningCells(labels));
  if (stateOf(out, planFile) === 'finished')
    throw new UsageError(`${out} is merged already; remove it to merge again`);
  const files = openFiles(out, planFile, fileNames(extras, skipped), {
    begun: false,
    takesCells: false,
    whenEnded: 'removed',
  });
  try {
    files.append(RUNS, headerLine(plan, table));
    for (const [name, text] of Object.entries(headersOf(plan, table, banded))) files.append(name, text);
    if (skipped.length > 0) files.append(SKIPPED, skippedText(plan, table, skipped));
    const taker = rowTaker(plan, units, labels, table, null, (samples) => {
      const cell = cellSummary(plan, table, samples);
      for (const [name, text] of Object.entries(summaryTexts(table, cell, banded))) files.append(name, text);
      options.onCell?.(cell);
    });
    const sources = folders.map((folder) => rowsOf(folder, headerLine(plan, table)));
    const valuesIn = valueReader(table.header(plan.keys), table.measures);
    let rows = 0;
    for (let unit = 0; unit < units.count; unit++) {
      const source = nth(sources, unit % sources.length);
      let text = '';
      for (let complete = false; !complete; rows++) {
        const row = source.next();
        if (row === null) throw notAll(nth(folders, unit % folders.length));
        complete = taker.add(valuesIn(row));
        text += `${textOf(row)}\n`;
      }
      files.append(RUNS, text);
      // Lets signals have their turn.
      if (unit % UNITS_AT_ONCE === 0) await new Promise(setImmediate);
    }
    const tooMany = folders.find((_, index) => nth(sources, index).next() !== null);
    if (tooMany !== undefined) throw notAll(tooMany);
    files.append('manifest.json', manifestText(planFile));
    await writeExtras(out, extras);
    return { plan, planFile, resumed: 0, rows, finishedBefore: false, skipped, written: files.finish() };
  } catch (error) {
    files.abandon();
    throw error;
  }
}

const UNITS_AT_ONCE = 100;

function notAll(folder: string): UsageError {
  return new UsageError(`not the rows that its plan asks for; run its shard again`, {
    file: join(folder, RUNS),
  });
}

/** The folders by index of their shard, and the plan of the whole. */
function inOrder(
  shards: readonly string[],
  imports: readonly string[],
): { folders: string[]; planFile: PlanFile } {
  const found = shards.map((folder) => ({ folder, plan: planOf(folder) }));
  const [first] = found;
  if (first === undefined) throw new UsageError('nothing to merge; expected the folders of the shards');
  const { count } = first.plan.shard;
  const folders: string[] = [];
  for (const { folder, plan } of found) {
    if (plan.hash !== first.plan.hash)
      throw new UsageError(`${folder} belongs to another sweep than ${first.folder}`);
    const { index, count: others } = plan.shard;
    if (others !== count)
      throw new UsageError(`${folder} is one of ${others} shards, ${first.folder} one of ${count}`);
    if (folders[index] !== undefined)
      throw new UsageError(`${folder} and ${folders[index]} are the same shard, ${index}/${count}`);
    folders[index] = folder;
  }
  const missing = [...Array(count).keys()].filter((index) => folders[index] === undefined);
  if (missing.length > 0)
    throw new UsageError(
      `${missing.length === 1 ? 'a shard is' : `${missing.length} shards are`} missing: ` +
        `${missing
          .slice(0, 10)
          .map((index) => `${index}/${count}`)
          .join(', ')}${missing.length > 10 ? ', …' : ''}`,
    );
  refuseOwnCode(first.plan, first.folder, imports);
  const unfinished = folders.find((folder) => !existsSync(join(folder, RUNS)));
  if (unfinished !== undefined)
    throw new UsageError(`${unfinished} is not finished; run its shard again; it resumes where it stopped`);
  const ordered = found.toSorted((a, b) => a.plan.shard.index - b.plan.shard.index);
  for (const { folder, plan } of ordered) requireWhole(folder, plan);
  const { runsSha256: _runs, filesSha256: _files, ...plan } = first.plan;
  return { folders, planFile: { ...plan, shard: null } };
}

/** A folder may come from anyone: what its plan names is no reason to run it. */
function refuseOwnCode({ sweep }: PlanFile, folder: string, imports: readonly string[]): void {
  const chosen = [...sweep.strategies, ...(sweep.policy === null ? [] : [sweep.policy])];
  const unasked = chosen.find((text) => runsCode(text) && !imports.includes(text));
  if (unasked === undefined) return;
  throw new UsageError(
    `${folder} was made with code of ${unasked}; to run that file, name it: --code ${JSON.stringify(unasked)}`,
  );
}

interface ShardPlan extends PlanFile {
  readonly shard: Shard;
}

function planOf(folder: string): ShardPlan {
  if (!existsSync(folder))
    throw new UsageError(noSuchFile(folder, 'the folder of a shard', 'folder'), { file: folder });
  const plan = readPlan(folder);
  if (plan === null) throw new UsageError('no plan.json; expected the folder of a shard', { file: folder });
  const { shard } = plan;
  if (shard === null) throw new UsageError('a whole sweep; expected the folder of a shard', { file: folder });
  return { ...plan, shard };
}

/** The rows of a shard one by one, then null. */
function rowsOf(folder: string, header: string): { next(): ByteLine | null } {
  const path = join(folder, RUNS);
  const lines: Iterator<ByteLine, void> = byteLinesIn(path);
  const next = (): ByteLine | null => {
    const { done, value } = lines.next();
    return done === true ? null : value;
  };
  const first = next();
  if (first === null || `${textOf(first)}\n` !== header) throw notAll(folder);
  return { next };
}
