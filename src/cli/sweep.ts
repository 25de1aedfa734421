/** `migsim sweep`: an experiment over all combinations of varied values, of any size. */
import { availableParallelism } from 'node:os';
import { UsageError } from '../errors.js';
import type { CellSummary } from '../experiment/sweep/results.js';
import type { SweepOptions, SweepOutcome } from '../experiment/sweep/run.js';
import type { SweepSpec } from '../experiment/sweep/spec.js';
import type { Variation } from '../experiment/sweep/variation.js';
import type { SweepFile } from '../scenario/sweep-file.js';
import { unknown } from '../scenario/wording.js';
import { MEMORY_CHOICES } from '../experiment/memory-choice.js';
import type { Command, Given, Option } from './command.js';
import { printWritten } from './experiment.js';
import type { Progress } from './progress.js';
import { commandWords, experimentOptions, isFile, readMemory, runsOption } from './experiment-options.js';

const FORMATS = ['csv', 'parquet'] as const;
const MOST_RUNS = 100_000;
const MOST_WORKERS = 1024;

export const formatOption: Option = {
  describe: 'csv, or parquet: runs.parquet beside runs.csv',
  value: 'FORMAT',
  default: 'csv',
  words: () => FORMATS,
};

const withoutDefault = ({ default: _, ...option }: Option): Option => option;

export const sweepCommand: Command = {
  name: 'sweep',
  summary: 'Run strategies over all combinations of varied values',
  positional: { name: 'file', describe: 'Scenario or sweep file (YAML)' },
  options: {
    vary: {
      describe:
        'KEY=A,B or KEY=FROM..TO:COUNT:log (or lin); several keys together as K+L=A+X,B+Y; repeatable',
      value: 'KEY=VALUES',
      repeatable: true,
    },
    strategy: {
      ...experimentOptions.strategy,
      describe: `${experimentOptions.strategy.describe}; all: every one that can run; repeatable`,
      repeatable: true,
    },
    policy: experimentOptions.policy,
    runs: { ...withoutDefault(runsOption), describe: 'Runs of each strategy in each cell, at most (1)' },
    precision: {
      describe: 'End a cell when total time and downtime are known to this share, such as 2%',
      value: 'SHARE',
    },
    seed: withoutDefault(experimentOptions.seed),
    memory: {
      describe: 'page (every write drawn), fluid (counts, fast) or auto: fluid',
      value: 'MODEL',
      words: () => MEMORY_CHOICES,
    },
    set: experimentOptions.set,
    out: { describe: 'Write results there; what is begun there is gone on with', value: 'FOLDER' },
    format: formatOption,
    shard: { describe: 'Only part i of n: i/n, or auto/n under Slurm and Kubernetes', value: 'I/N' },
    workers: { describe: 'Threads; without it, one a core', value: 'N' },
    json: experimentOptions.json,
  },
  examples: [
    ['sweep guest.yaml --vary link.bandwidth=1Gbit/s,10Gbit/s', 'two cells'],
    [
      'sweep guest.yaml --vary guest.memory=4GiB..1TiB:9:log --strategy all --runs 20 --out results/mine',
      'nine cells',
    ],
    ['sweep sweeps/link-and-memory.yaml --out results/mine', 'an experiment kept as a file'],
  ],
  async run(given) {
    const spec = await specOf(given);
    const shardText = given.value('shard');
    const { readShard } = await import('../experiment/sweep/shard.js');
    const shard = shardText === undefined ? null : readShard(shardText, process.env);
    const out = given.value('out') ?? null;
    if (shard !== null && out === null)
      throw new UsageError('--shard needs a folder for its part: --out FOLDER');
    const extra = await extraOf(given);
    if (extra !== undefined && out === null) throw new UsageError('--format parquet needs --out FOLDER');
    const { runSweep } = await import('../experiment/sweep/run.js');
    const { sweepTable } = await import('../report/sweep-table.js');
    const collected = collector(given);
    const quiet = given.flag('json');
    let progress: Progress | undefined;
    const outcome = await runSweep({
      spec,
      command: sweepWords(given.words),
      table: sweepTable,
      out,
      shard,
      ...threads(given),
      ...(extra === undefined ? {} : { extra }),
      onCell: collected.add,
      onRuns: (count) => progress?.advance(count),
      onStart(runs, done) {
        if (!quiet) progress = given.progress(runs - done);
      },
    }).finally(() => progress?.end());
    await printOutcome(given, outcome, collected.cells);
  },
};

/** In worker threads, unless there is no built worker beside this module. */
function threads(given: Given): Pick<SweepOptions, 'workers' | 'worker'> {
  const workers = whole(given, 'workers', 1, MOST_WORKERS) ?? availableParallelism();
  const built = import.meta.url.endsWith('.js');
  return { workers, worker: built ? new URL('../report/sweep-worker.js', import.meta.url) : null };
}

async function specOf(given: Given): Promise<SweepSpec> {
  const { readPrecision, readSweepFile } = await import('../scenario/sweep-file.js');
  const { readText } = await import('../scenario/source.js');
  const { sourceFile } = await import('../experiment/manifest.js');
  const file = readSweepFile(given.positional);
  const vary = await variationsOf(given, file);
  const path = file?.scenario ?? given.positional;
  const strategies =
    given.values('strategy').length > 0 ? given.values('strategy') : (file?.strategies ?? []);
  const policy = given.value('policy') ?? file?.policy ?? null;
  const own = [...strategies, ...(policy === null ? [] : [policy])].filter(isFile);
  const precision = given.value('precision');
  return {
    question: file?.question ?? null,
    scenario: { file: path, text: readText(path) },
    set: [...(file?.set ?? []), ...given.values('set')],
    vary,
    strategies,
    policy,
    files: own.map((text) => sourceFile(text.replace(/:\s*(\{.*)?$|#.*$/s, ''))),
    runs: whole(given, 'runs', 1, MOST_RUNS) ?? file?.runs ?? 1,
    seed: whole(given, 'seed', 0, 2 ** 32 - 1) ?? file?.seed ?? 1,
    memory: readMemory(given, 'fluid', given.value('memory') ?? file?.memory),
    precision:
      precision === undefined
        ? (file?.precision ?? null)
        : atOption('--precision', () => readPrecision(precision)),
  };
}

function atOption<Value>(option: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${option}: ${error.message}`) : error;
  }
}

async function variationsOf(given: Given, file: SweepFile | null): Promise<Variation[]> {
  const { parseVariation, variationOf } = await import('../experiment/sweep/variation.js');
  const written = given.values('vary').map(parseVariation);
  const variations = written.length > 0 ? written : (file?.vary ?? []).map(variationOf);
  if (variations.length > 0) return variations;
  throw new UsageError('nothing varies; expected --vary KEY=VALUES, such as link.bandwidth=1Gbit/s,10Gbit/s');
}

function whole(given: Given, option: string, min: number, max: number): number | undefined {
  const text = given.value(option);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  throw new UsageError(`--${option}: expected a whole number from ${min} to ${max}, got "${text}"`);
}

export async function extraOf(given: Given): Promise<SweepOptions['extra']> {
  const word = given.value('format') ?? 'csv';
  if (!FORMATS.some((format) => format === word)) throw new UsageError(unknown('format', word, FORMATS));
  if (word === 'csv') return undefined;
  const { csvToParquet } = await import('../report/parquet.js');
  return { name: 'runs.parquet', write: (runs, _keys, path) => csvToParquet(runs, path) };
}

/** The command as the manifest keeps it: on how many machines and threads it ran does not change the results. */
function sweepWords(words: readonly string[]): string[] {
  const kept: string[] = [];
  const words_ = commandWords(words);
  for (let index = 0; index < words_.length; index++) {
    if (/^--(shard|workers|format)$/.test(words_[index]!)) index += 1;
    else if (!/^--(shard|workers|format)=/.test(words_[index]!)) kept.push(words_[index]!);
  }
  return kept;
}

/** The cells that are printed: the first ones, or all for --json. */
export function collector(given: Given): { readonly cells: CellSummary[]; add(cell: CellSummary): void } {
  const cells: CellSummary[] = [];
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

export async function printOutcome(
  given: Given,
  outcome: SweepOutcome,
  cells: readonly CellSummary[],
): Promise<void> {
  const { plan, planFile, written } = outcome;
  if (given.flag('json')) {
    const { shard: _, ...manifest } = planFile;
    given.print(
      `${JSON.stringify({ manifest, cells: cells.map((cell) => named(plan.keys, cell)) }, null, 2)}\n`,
    );
    return;
  }
  const { sweepHeading, sweepText } = await import('../report/sweep-text.js');
  const out = given.value('out');
  given.print(`${sweepHeading(outcome, given.page)}\n`);
  if (planFile.shard === null) {
    const more = out === undefined ? null : `… all in ${out}/summary.csv and differences.csv.`;
    given.print(`\n${sweepText(plan.keys, cells, more, given.page)}\n`);
  }
  if (outcome.finishedBefore) given.print(`\nFinished before: ${out} has all of it.\n`);
  else await printWritten(given, { written });
}

function named(keys: readonly string[], { values, summary, differences }: CellSummary): object {
  return {
    varied: Object.fromEntries(keys.map((key, index) => [key, values[index]])),
    summary,
    differences,
  };
}
