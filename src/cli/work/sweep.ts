/** What `migsim sweep` does with a file, and how it shows what came of it. */
import { UsageError } from '../../errors.js';
import type { SweepCell } from '../../experiment/sweep/folder/results.js';
import type { Shard } from '../../experiment/sweep/shard.js';
import type { LoadedSweep, Sweep, SweepOptions } from '../../api/sweep.js';
import type { Scenario } from '../../scenario/scenario.js';
import type { Given } from '../command.js';
import { printWritten } from './experiment.js';
import type { Progress } from '../progress.js';
import {
  noteReading,
  readMemory,
  readPolicy,
  readStrategy,
  strategyTexts,
} from '../options/experiment-options.js';
import { formatOf, sweepOptions } from '../options/sweep-options.js';
import { demandsOnRows } from '../../experiment/expect/fail-unless.js';
import { type SweepRow, rowMeasures } from '../../api/sweep-row.js';
import { failUnlessKept, readDemands } from '../options/fail-unless.js';
import { sweep, loadSweep } from '../../api/sweep.js';
import { runsCode } from '../../scenario/choices.js';
import { type SweepFile, readPrecision } from '../../scenario/sweep-file.js';
import { readShard } from '../../experiment/sweep/shard.js';
import { leftOutText, sweepHeading, sweepText } from '../../report/terminal/sweep-text.js';
import { counted } from '../../report/terminal/kit/text.js';
import { parsed, read } from '../options/values.js';
import { threadsOfMachine } from './threads.js';

/** `file`: what the user's file is. */
export async function sweepAndPrint(given: Given, file: SweepFile | Scenario): Promise<void> {
  const { scenario, ...options } = await readSweep(given, file);
  const collected = collector(given);
  const demands = readDemands(given);
  const demanded = demandsOnRows(demands, rowMeasures);
  let progress: Progress | undefined;
  let shown: number | undefined;
  const swept = await sweep(scenario, {
    ...options,
    keep: 'nothing',
    command: given.recorded,
    onSkipped(skipped) {
      const cells = new Set(skipped.map(({ varied }) => JSON.stringify(varied))).size;
      given.warn(
        `migsim: in ${counted(cells, 'cell')}, something cannot run and is left out; --strict refuses that`,
      );
    },
    onCell: collected.add,
    ...(demands.length === 0 ? {} : { onRun: (row: SweepRow) => demanded.add(groupOf(row), row) }),
    onProgress(done, of) {
      const before = shown ?? done;
      shown = done;
      if (given.flag('json')) return;
      progress ??= given.progress(of - done);
      progress.advance(done - before);
    },
  }).finally(() => progress?.end());
  printSweep(given, swept, options.shard ?? null, collected.cells);
  failUnlessKept(demanded.unmet());
}

/** A sweep file may name programs: a user who runs a foreign one should see that. */
function noteCode(given: Given, { strategies, policy }: SweepFile): void {
  const code = [...strategies, ...(policy === null ? [] : [policy])].filter(runsCode);
  if (code.length > 0)
    given.warn(`${given.positional} names code, which runs with your rights: ${code.join(', ')}`);
}

async function load(given: Given, written: SweepFile): Promise<LoadedSweep> {
  noteCode(given, written);
  const loaded = await loadSweep(given.positional, { set: given.values('set') });
  noteReading(given, loaded.scenario);
  return loaded;
}

/** `link.bandwidth=1Gbit/s none`. */
function groupOf({ varied, strategy }: SweepRow): string {
  const cell = Object.entries(varied).map(([key, value]) => `${key}=${value}`);
  return [...cell, strategy].join(' ');
}

/** The file, a sweep or a scenario, and instead of what it says what the command line does. */
async function readSweep(given: Given, from: SweepFile | Scenario): Promise<LoadedSweep> {
  const file: Partial<LoadedSweep> & Pick<LoadedSweep, 'scenario'> =
    'setup' in from ? { scenario: from } : await load(given, from);
  const { scenario } = file;
  const vary = given.values('vary').length > 0 ? given.values('vary') : (file.vary ?? []);
  if (vary.length === 0)
    throw new UsageError(
      'nothing varies; expected --vary KEY=VALUES, such as link.bandwidth=1Gbit/s,10Gbit/s',
    );
  const memory = given.value('memory');
  const precision = parsed(given, 'precision', readPrecision);
  const shard = shardOf(given);
  const runs = read(given, sweepOptions, 'runs');
  const seed = read(given, sweepOptions, 'seed');
  const out = outOf(given);
  const format = formatOf(given);
  return {
    ...file,
    scenario,
    vary,
    varyPlaces: given.values('vary').length > 0 ? [] : (file.varyPlaces ?? []),
    ...(await strategiesOf(given, scenario)),
    ...(given.value('policy') === undefined ? {} : { policy: await readPolicy(given, scenario) }),
    ...(runs === undefined ? {} : { runs }),
    ...(seed === undefined ? {} : { seed }),
    ...(memory === undefined ? {} : { memory: readMemory(given, 'fluid') }),
    ...(precision === undefined ? {} : { precision }),
    ...(shard === null ? {} : { shard }),
    strict: given.flag('strict'),
    ...(out === undefined ? {} : { out }),
    format,
    workers: read(given, sweepOptions, 'workers') ?? threadsOfMachine(),
  };
}

async function strategiesOf(given: Given, scenario: Scenario): Promise<Pick<SweepOptions, 'strategies'>> {
  const texts = strategyTexts(given);
  if (texts.length === 0) return {};
  if (texts.length === 1 && texts[0] === 'all') return { strategies: 'all' };
  return { strategies: await Promise.all(texts.map((text) => readStrategy(text, scenario))) };
}

function shardOf(given: Given): Shard | null {
  const text = given.value('shard');
  if (text === undefined) return null;
  return readShard(text, process.env);
}

function outOf(given: Given): string | undefined {
  const out = given.value('out');
  if (out !== undefined) return out;
  if (given.value('shard') !== undefined)
    throw new UsageError('--shard needs a folder for its part: --out FOLDER');
  if (formatOf(given) === 'parquet') throw new UsageError('--format parquet needs --out FOLDER');
  return undefined;
}

/** The cells that are printed: the first ones, or all for --json. */
export function collector(given: Given): { readonly cells: SweepCell[]; add(cell: SweepCell): void } {
  const cells: SweepCell[] = [];
  let rows = 0;
  return {
    cells,
    add(cell) {
      if (rows <= ROWS_KEPT || given.flag('json')) cells.push(cell);
      rows += cell.summary.length;
    },
  };
}

/** More than a table shows. */
const ROWS_KEPT = 1000;

export function printSweep(
  given: Given,
  swept: Sweep,
  shard: Shard | null,
  cells: readonly SweepCell[],
): void {
  const { keys, manifest, skipped, written } = swept;
  if (given.flag('json')) {
    given.print(`${JSON.stringify({ manifest, cells, skipped }, null, 2)}\n`);
    return;
  }
  const out = given.value('out');
  given.print(`${sweepHeading(swept, shard, given.page)}\n`);
  if (shard === null) {
    const more = out === undefined ? null : `… all in ${out}/summary.csv and differences.csv.`;
    given.print(`\n${sweepText(keys, cells, more, given.page)}\n`);
  }
  if (skipped.length > 0) given.print(`\n${leftOutText(skipped, swept.cellCount, given.page)}\n`);
  if (swept.finishedBefore) given.print(`\nFinished before: ${out} has all of it.\n`);
  else printWritten(given, { written });
}
