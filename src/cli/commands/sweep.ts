/** `migsim sweep`: an experiment over all combinations of varied values, of any size. */
import { availableParallelism } from 'node:os';
import { UsageError } from '../../errors.js';
import type { SweepCell } from '../../experiment/sweep/folder/results.js';
import type { Shard } from '../../experiment/sweep/shard.js';
import type { LoadedSweep, Sweep, SweepOptions } from '../../api/sweep.js';
import type { Scenario } from '../../scenario/scenario.js';
import { defineOptions, type Command, type Given, type Option } from '../command.js';
import { printWritten } from '../experiment.js';
import type { Progress } from '../progress.js';
import {
  experimentOptions,
  noteReading,
  readMemory,
  readPolicy,
  readStrategy,
  runsOption,
  strategyTexts,
} from '../options/experiment-options.js';
import { demandsOnRows } from '../../experiment/expect/fail-unless.js';
import { type SweepRow, rowMeasures } from '../../api/sweep-row.js';
import { failUnlessKept, failUnlessOption, readDemands } from '../options/fail-unless.js';
import { sweep, loadSweep } from '../../api/sweep.js';
import { runsCode } from '../../scenario/choices.js';
import { type SweepFile, readSweepFile, readPrecision } from '../../scenario/sweep-file.js';
import { loadScenario } from '../../scenario/load.js';
import { readShard } from '../../experiment/sweep/shard.js';
import { leftOutText, sweepHeading, sweepText } from '../../report/terminal/sweep-text.js';
import { counted } from '../../report/terminal/kit/text.js';
import { parsed, read } from '../options/values.js';

const FORMATS = ['csv', 'parquet'] as const;
const MOST_WORKERS = 1024;

export const formatOption = {
  kind: 'choice',
  choices: FORMATS,
  summary: 'csv, or parquet: runs.parquet and summary.parquet in addition to the CSV files',
  value: 'FORMAT',
  default: 'csv',
  affectsResult: false,
} as const satisfies Option;

/** Left out, it is what the sweep file says. */
function withoutDefault<Of extends { readonly default: unknown }>({
  default: _,
  ...option
}: Of): Omit<Of, 'default'> {
  return option;
}

const options = defineOptions({
  vary: {
    kind: 'text',
    summary: 'KEY=A,B or KEY=FROM..TO:COUNT:log (or lin); several keys together as K+L=A+X,B+Y; repeatable',
    value: 'KEY=VALUES',
    repeatable: true,
  },
  strategy: {
    ...experimentOptions.strategy,
    summary: `${experimentOptions.strategy.summary}; separate several by commas; all: every strategy that can run`,
    repeatable: true,
  },
  policy: experimentOptions.policy,
  'fail-unless': failUnlessOption,
  runs: { ...withoutDefault(runsOption), summary: 'Maximum runs per strategy and cell (default: 1)' },
  precision: {
    kind: 'text',
    summary: 'Stop a cell once total time and downtime are known to within this share, such as 2%',
    value: 'SHARE',
  },
  seed: withoutDefault(experimentOptions.seed),
  memory: {
    ...withoutDefault(experimentOptions.memory),
    summary: 'Memory model: page (exact), fluid (fast) or auto (= fluid here)',
  },
  set: experimentOptions.set,
  strict: {
    kind: 'flag',
    summary: 'Refuse a cell that cannot run instead of leaving it out',
    affectsResult: false,
  },
  out: { ...experimentOptions.out, summary: 'Output folder; resumes an unfinished sweep found there' },
  format: formatOption,
  shard: {
    kind: 'text',
    summary: 'Only part i of n: i/n, or auto/n under Slurm and Kubernetes',
    value: 'I/N',
    affectsResult: false,
  },
  workers: {
    kind: 'count',
    min: 1,
    max: MOST_WORKERS,
    summary: 'Worker threads (default: one per core)',
    value: 'N',
    affectsResult: false,
  },
  json: experimentOptions.json,
});

export const sweepCommand: Command = {
  positional: { name: 'file', describe: 'Scenario or sweep file (YAML)' },
  options,
  examples: [
    ['sweep guest.yaml --vary link.bandwidth=1Gbit/s,10Gbit/s', 'two cells'],
    [
      'sweep guest.yaml --vary guest.memory=4GiB..1TiB:9:log --strategy all --runs 20 --out results/mine',
      'nine cells',
    ],
    ['sweep sweeps/link-and-memory.yaml --out results/mine', 'an experiment kept as a file'],
  ],
  async run(given) {
    const { scenario, ...options } = await readSweep(given);
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
  },
};

/** A sweep file may name programs: a user who runs a foreign one should see that. */
function noteCode(given: Given, { strategies, policy }: SweepFile): void {
  const code = [...strategies, ...(policy === null ? [] : [policy])].filter(runsCode);
  if (code.length > 0)
    given.warn(`${given.positional} names code, which runs with your rights: ${code.join(', ')}`);
}

/** `link.bandwidth=1Gbit/s none`. */
function groupOf({ varied, strategy }: SweepRow): string {
  const cell = Object.entries(varied).map(([key, value]) => `${key}=${value}`);
  return [...cell, strategy].join(' ');
}

/** The file, a sweep or a scenario, and instead of what it says what the command line does. */
async function readSweep(given: Given): Promise<LoadedSweep> {
  const set = given.values('set');
  const written = readSweepFile(given.positional);
  if (written !== null) noteCode(given, written);
  const file: Partial<LoadedSweep> = written !== null ? await loadSweep(given.positional, { set }) : {};
  const scenario = file.scenario ?? loadScenario(given.positional, { set });
  noteReading(given, scenario);
  const vary = given.values('vary').length > 0 ? given.values('vary') : (file.vary ?? []);
  if (vary.length === 0)
    throw new UsageError(
      'nothing varies; expected --vary KEY=VALUES, such as link.bandwidth=1Gbit/s,10Gbit/s',
    );
  const memory = given.value('memory');
  const precision = parsed(given, 'precision', readPrecision);
  const shard = shardOf(given);
  const runs = read(given, options, 'runs');
  const seed = read(given, options, 'seed');
  const out = outOf(given);
  const format = formatOf(given);
  return {
    ...file,
    scenario,
    vary,
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
    workers: read(given, options, 'workers') ?? availableParallelism(),
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

export function formatOf(given: Given): (typeof FORMATS)[number] {
  return read(given, { format: formatOption }, 'format');
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
