/** Sweeps for programs and for the command line: an experiment over all combinations of varied values. */
import { zip } from '../lists.js';
import { type Place, UsageError } from '../errors.js';
import { listedStrategy } from '../experiment/choice.js';
import { type SourceFile, sourceFile } from '../experiment/manifest.js';
import { checkRuns, checkSeed, checkWorkers } from '../experiment/run-options.js';
import type { Skipped } from '../experiment/sweep/cells.js';
import { manifestOf, type SweepManifest } from '../experiment/sweep/folder/folder.js';
import { mergeShards as mergeFolders } from '../experiment/sweep/merge.js';
import { type MadeChoices, valuesAt } from '../experiment/sweep/plan.js';
import type { SweepCell } from '../experiment/sweep/folder/results.js';
import { type SweepOutcome, type SweepRun, runSweep } from '../experiment/sweep/run.js';
import type { Shard } from '../experiment/sweep/shard.js';
import type { SweepSpec } from '../experiment/sweep/spec.js';
import { acceptsIn } from '../experiment/sweep/accepts.js';
import {
  type AcceptsOf,
  type Variation,
  parseVariation,
  variationOf,
} from '../experiment/sweep/variation.js';
import { sweepTable } from '../report/terminal/sweep-table.js';
import { loadPolicy, loadStrategy } from '../scenario/choices.js';
import { loadScenario } from '../scenario/load.js';
import { type LoadOptions, parseScenario } from '../scenario/parse.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../scenario/scenario.js';
import { type SweepFile, readSweepFile } from '../scenario/sweep-file.js';
import { type SweepRow, rowReader } from './sweep-row.js';

/**
 * One axis of a sweep: a text as `--vary` takes it, `'link.bandwidth=1Gbit/s,10Gbit/s'` or
 * `'guest.memory=4GiB..1TiB:9:log'`; or a map as sweep files have it, `{ 'link.bandwidth': ['1Gbit/s', '10Gbit/s'] }`.
 * Several keys in one axis move together. docs/sweeps.md has all forms.
 */
export type VaryAxis = string | Readonly<Record<string, string | readonly (string | number | boolean)[]>>;

/** The varied keys of axes that are known when the program is compiled; `string` for others. */
export type VariedKey<Axes extends readonly VaryAxis[]> = Axes[number] extends infer Axis
  ? Axis extends string
    ? KeysOfText<Axis>
    : Extract<keyof Axis, string>
  : never;

type KeysOfText<Text extends string> = Text extends `${infer Keys}=${string}` ? Parts<Keys> : string;
type Parts<Keys extends string> = Keys extends `${infer Key}+${infer Rest}` ? Key | Parts<Rest> : Keys;

/** How a sweep is run; only `vary` has no default. */
export interface SweepOptions<Axes extends readonly VaryAxis[] = readonly VaryAxis[]> {
  /** What varies. Every combination of the axes' values is a cell; the last axis goes round fastest. */
  readonly vary: Axes;
  /** Where each entry of `vary` stands in a file, for messages. */
  readonly varyPlaces?: readonly Place[];
  /** Instead of the scenario's; `all`: every one that a cell does not refuse, with its defaults. */
  readonly strategies?: readonly StrategyChoice[] | 'all';
  /** Instead of the scenario's. */
  readonly policy?: PolicyChoice;
  /** Runs of each strategy in each cell, 1 to 100000; default 1. With `precision`, at most. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. Run i has the same randomness in all cells and under all strategies. */
  readonly seed?: number;
  /** Default `fluid`. */
  readonly memory?: 'page' | 'fluid';
  /**
   * A share between 0 and 1, such as 0.02: a cell ends early, after five runs at least, when the 95 % intervals of total
   * time and downtime of all its strategies are within this share of their means. Without it, all runs are done.
   */
  readonly precision?: number;
  /**
   * Refuse cells that cannot run, such as a guest smaller than its working sets or a strategy that needs a dirty ring;
   * default false: they are left out, and `skipped` lists them.
   */
  readonly strict?: boolean;
  /** Threads, 1 to 1024; default 1, this one. The rows and files are the same for any number. */
  readonly workers?: number;
  /** Folder for runs.csv, summary.csv, differences.csv and manifest.json; what is begun there is gone on with. */
  readonly out?: string;
  /** `parquet` writes runs.parquet and summary.parquet in addition to the CSV files; default `csv`. */
  readonly format?: 'csv' | 'parquet';
  /** Only part `index` (from 0) of `count`, into a folder of its own; `mergeShards` puts them together. */
  readonly shard?: Shard;
  /** `nothing` leaves `rows` and `cells` of the result empty, for sweeps that no memory could hold; default `everything`. */
  readonly keep?: 'everything' | 'nothing';
  /** Called with every row in order, those of an earlier call first. */
  readonly onRun?: (row: SweepRow<VariedKey<Axes>>) => void;
  /** Called with every cell in order, when its last run is done; not for shards, which know parts of cells only. */
  readonly onCell?: (cell: SweepCell<VariedKey<Axes>>) => void;
  /** Called once before the first run, with the cells and strategies that are left out; not where all can run. */
  readonly onSkipped?: (skipped: readonly SkippedCell<VariedKey<Axes>>[]) => void;
  /** Called when all cells were checked, and whenever rows came: the rows so far, and how many there can be at most. */
  readonly onProgress?: (done: number, of: number) => void;
  /** What the sweep is to answer, in words, for the manifest and reports. */
  readonly question?: string;
  /** For the manifest: the words after `migsim` that do the same; default: made from these options. */
  readonly command?: readonly string[];
}

/** A cell that a sweep leaves out, or a strategy in a cell. */
export interface SkippedCell<Key extends string = string> {
  readonly varied: Readonly<Record<Key, string>>;
  /** Label of the strategy that refuses the cell; null: the whole cell cannot be. */
  readonly strategy: string | null;
  /** One line. */
  readonly reason: string;
}

/** What came of a sweep. */
export interface Sweep<Key extends string = string> {
  /** Varied keys in the order of `vary`. */
  readonly keys: readonly Key[];
  /** One a run: by cell, run and strategy. */
  readonly rows: readonly SweepRow<Key>[];
  /** Each with its statistics; empty for a shard. */
  readonly cells: readonly SweepCell<Key>[];
  /** Name of the scenario in the first cell that can run. */
  readonly scenario: string;
  readonly manifest: SweepManifest;
  /** Combinations of varied values. */
  readonly cellCount: number;
  /** Cells and strategies that cannot run, in the order of cells. */
  readonly skipped: readonly SkippedCell<Key>[];
  /** Also of rows that were not kept. */
  readonly rowCount: number;
  /** Rows that an earlier call had left in `out`. */
  readonly resumedRows: number;
  /** An earlier call had finished: nothing was run and nothing written. */
  readonly finishedBefore: boolean;
  /** Paths of the files, runs.csv first; empty without `out`. */
  readonly written: readonly string[];
}

/** A sweep file: a scenario, and the options that the file has for `sweep`. */
export interface LoadedSweep extends SweepOptions {
  readonly scenario: Scenario;
}

/**
 * Runs every strategy in every combination of varied values; run i of all of them meets the same guest.
 *
 * ```js
 * const { rows } = await sweep(loadScenario('guest.yaml'), { vary: ['link.bandwidth=1Gbit/s,10Gbit/s'], runs: 20 });
 * for (const { varied, strategy, totalTimeMs } of rows) console.log(varied['link.bandwidth'], strategy, totalTimeMs);
 * ```
 *
 * All cells are checked before the first run; those that cannot run are left out. The scenario is read again from its text for each of them, so what a program
 * changed in it since it was loaded is refused: such changes belong to `set` of `loadScenario`, or to `vary`.
 *
 * @throws UsageError for a mistake in the scenario, the options or a cell, and when `out` cannot be written or is of
 * another sweep; what was finished by then stays there
 */
export async function sweep<const Axes extends readonly VaryAxis[]>(
  scenario: Scenario,
  options: SweepOptions<Axes>,
): Promise<Sweep<VariedKey<Axes>>> {
  const { out, workers = 1, format = 'csv', shard, onProgress, onRun, onCell } = options;
  checkWorkers(workers);
  if (out === undefined && format === 'parquet')
    throw new UsageError('parquet is written to a folder: set out');
  if (out === undefined && shard !== undefined)
    throw new UsageError('a shard is written to a folder of its own: set out');
  const { spec, made } = specificationOf(scenario, options);
  if (made !== null && (workers > 1 || out !== undefined)) throw madeHere(made);

  const keeps = options.keep !== 'nothing';
  const rows: SweepRow<VariedKey<Axes>>[] = [];
  const cells: SweepCell<VariedKey<Axes>>[] = [];
  const read = rowReader(spec.vary.flatMap(({ keys }) => keys));
  const listens = keeps || onRun !== undefined;
  let [done, most] = [0, 0];
  const running = runSweep({
    spec,
    ...(made === null ? {} : { made }),
    command: options.command ?? commandOf(spec),
    table: sweepTable,
    out: out ?? null,
    shard: shard ?? null,
    strict: options.strict === true,
    workers,
    worker: built() ? new URL('./sweep-worker.js', import.meta.url) : null,
    ...(await furtherFiles(format)),
    ...(listens
      ? {
          onRow(line: string) {
            const row = read(line) as SweepRow<VariedKey<Axes>>;
            if (keeps) rows.push(row);
            onRun?.(row);
          },
        }
      : {}),
    onCell(cell) {
      const typed = cell as SweepCell<VariedKey<Axes>>;
      if (keeps) cells.push(typed);
      onCell?.(typed);
    },
    onSkipped(skipped) {
      options.onSkipped?.(skippedOf(skipped, spec));
    },
    onStart(atMost, before) {
      [done, most] = [before, atMost];
      onProgress?.(done, most);
    },
    onRuns(count) {
      done += count;
      onProgress?.(done, most);
    },
  });
  const outcome = await atEntries(running, spec, options.varyPlaces);
  const skipped = skippedOf(outcome.skipped, spec) as SkippedCell<VariedKey<Axes>>[];
  return { ...sweepOf(outcome), keys: outcome.plan.keys as VariedKey<Axes>[], rows, cells, skipped };
}

/**
 * Reads a sweep file and what it names: `const { scenario, ...options } = await loadSweep(path)`, then
 * `sweep(scenario, { ...options, runs: 5 })`.
 *
 * @throws UsageError with the place
 */
export async function loadSweep(path: string, { set = [] }: LoadOptions = {}): Promise<LoadedSweep> {
  const file = readSweepFile(path);
  if (file === null)
    throw new UsageError('this is a scenario; expected a sweep, with scenario: and vary:', { file: path });
  refuseVariations(file);
  const scenario = loadScenario(file.scenario, { set: [...file.set, ...set] });
  const { strategies, policy, precision, question } = file;
  const [first] = strategies;
  return {
    scenario,
    vary: file.vary,
    varyPlaces: file.varyPlaces,
    ...(first === undefined ? {} : { strategies: await chosen(strategies, scenario) }),
    ...(policy === null ? {} : { policy: await loadPolicy(policy) }),
    runs: file.runs,
    seed: file.seed,
    memory: file.memory === 'page' ? 'page' : 'fluid',
    ...(precision === null ? {} : { precision }),
    ...(question === null ? {} : { question }),
  };
}

/** What is wrong in a cell, with the place of the entry of a file that says it. */
async function atEntries(
  running: Promise<SweepOutcome>,
  { vary }: SweepSpec,
  places: readonly Place[] = [],
): Promise<SweepOutcome> {
  try {
    return await running;
  } catch (error) {
    const message = error instanceof UsageError ? error.message : '';
    const place = places[vary.findIndex(({ text }) => message.startsWith(`--vary ${text}: `))];
    throw place === undefined ? error : new UsageError(message.slice('--'.length), place);
  }
}

/** Throws `UsageError` with the place of an entry of `vary` that is no axis. */
function refuseVariations({ vary, varyPlaces }: SweepFile): void {
  for (const [entry, place] of zip(vary, varyPlaces)) {
    try {
      variationsOf([entry]);
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(error.message, place) : error;
    }
  }
}

/** Where the whole goes. */
export interface MergeOptions {
  /** Folder for the files of the whole. */
  readonly out: string;
  /** As in `SweepOptions`. */
  readonly format?: 'csv' | 'parquet';
  /** Called with every cell in order. */
  readonly onCell?: (cell: SweepCell) => void;
  /** Strategies and policies from files, as the shards' plans name them, whose code may be run; others are refused. */
  readonly code?: readonly string[];
}

/**
 * Puts the folders of all shards of a sweep together, in any order: the files that one call would have written. `rows` and
 * `cells` of the result are empty; `onCell` has the cells one by one.
 *
 * @throws UsageError when shards are missing, unfinished, doubled or of different sweeps
 */
export async function mergeShards(folders: readonly string[], options: MergeOptions): Promise<Sweep> {
  const { out, format = 'csv', onCell, code = [] } = options;
  const outcome = await mergeFolders({
    shards: folders,
    code,
    out,
    table: sweepTable,
    ...(onCell === undefined ? {} : { onCell }),
    ...(await furtherFiles(format)),
  });
  const skipped = skippedOf(outcome.skipped, outcome.plan.spec);
  return { ...sweepOf(outcome), keys: outcome.plan.keys, rows: [], cells: [], skipped };
}

async function chosen(
  texts: readonly string[],
  scenario: Scenario,
): Promise<readonly StrategyChoice[] | 'all'> {
  if (texts.length === 1 && texts[0] === 'all') return 'all';
  return Promise.all(texts.map(async (text) => listedStrategy(text, scenario) ?? (await loadStrategy(text))));
}

function sweepOf(outcome: SweepOutcome): Omit<Sweep, 'keys' | 'rows' | 'cells' | 'skipped'> {
  const { plan, planFile, rows, resumed, finishedBefore, written } = outcome;
  return {
    scenario: plan.cell(plan.first).scenario.name,
    manifest: manifestOf(planFile),
    cellCount: plan.cellCount,
    rowCount: rows,
    resumedRows: resumed,
    finishedBefore,
    written,
  };
}

function skippedOf(skipped: readonly Skipped[], spec: SweepSpec): SkippedCell[] {
  const keys = spec.vary.flatMap((variation) => variation.keys);
  return skipped.map(({ cell, strategy, reason }) => {
    const values = valuesAt(spec, cell);
    return { varied: Object.fromEntries(zip(keys, values)), strategy, reason };
  });
}

/** All that decides the rows, and what of it no text can say. */
function specificationOf(
  scenario: Scenario,
  options: SweepOptions,
): { readonly spec: SweepSpec; readonly made: MadeChoices | null } {
  const { runs = 1, seed = 1, memory = 'fluid', precision = null, policy, strategies = [] } = options;
  checkRuns(runs);
  checkSeed(seed);
  if (precision !== null && !(precision > 0 && precision < 1))
    throw new UsageError(`precision: expected a share above 0 and below 1, such as 0.02, got ${precision}`);
  refuseChanged(scenario);
  const all = strategies === 'all';
  const choices = all ? [] : strategies;
  const madeStrategies = choices.filter((choice) => textOf(choice, scenario) === null);
  const madePolicy = policy !== undefined && policy !== scenario.policy && policy.text === undefined;
  const own = [...choices, ...(policy === undefined ? [] : [policy])];
  const spec: SweepSpec = {
    question: options.question ?? null,
    scenario: { file: scenario.file ?? scenario.name, text: scenario.text },
    set: scenario.set,
    vary: variationsOf(options.vary, acceptsIn(scenario)),
    strategies: all ? ['all'] : choices.map((choice) => textOf(choice, scenario) ?? choice.label),
    policy: policy === undefined || policy === scenario.policy ? null : (policy.text ?? policy.label),
    files: own.flatMap(({ from }): SourceFile[] => (from === undefined ? [] : [sourceFile(from)])),
    runs,
    seed,
    memory,
    precision,
  };
  if (madeStrategies.length === 0 && !madePolicy) return { spec, made: null };
  const made: MadeChoices = {
    strategies: new Map(madeStrategies.map((choice) => [choice.label, choice])),
    policy: madePolicy ? policy : null,
  };
  return { spec, made };
}

function variationsOf(axes: readonly VaryAxis[], acceptsOf?: AcceptsOf): Variation[] {
  if (axes.length === 0)
    throw new UsageError('nothing varies; expected values such as link.bandwidth=1Gbit/s,10Gbit/s');
  return axes.map((axis) => {
    if (typeof axis === 'string') return parseVariation(axis, acceptsOf);
    const entries = Object.entries(axis).map(([key, values]): [string, string | string[]] => [
      key,
      typeof values === 'string' ? values : values.map(String),
    ]);
    return variationOf(Object.fromEntries(entries), acceptsOf);
  });
}

/** What chooses it again; null: nothing does. One that the scenario lists may have options that vary. */
function textOf(choice: StrategyChoice, scenario: Scenario): string | null {
  if (!scenario.strategies.includes(choice)) return choice.text ?? null;
  const { name } = choice.definition;
  return listedStrategy(name, scenario) === choice ? name : choice.label;
}

/** The cells are made from its text. */
function refuseChanged(scenario: Scenario): void {
  const { text, file, name, set, setup } = scenario;
  const read = parseScenario(text, file ?? name, { set });
  if (JSON.stringify(read.setup) !== JSON.stringify(setup))
    throw new UsageError(
      `${name} was changed after it was loaded, and a sweep reads its text; expected the change in set or vary`,
    );
}

function madeHere({ strategies, policy }: MadeChoices): UsageError {
  const labels = [...strategies.keys(), ...(policy === null ? [] : [policy.label])];
  return new UsageError(
    `${labels.join(', ')}: made by this program, which no thread and no file can repeat; expected one from a file, ` +
      `such as await loadStrategy('./mine.js'), or neither workers nor out`,
  );
}

/** The command line that does the same. */
function commandOf(spec: SweepSpec): string[] {
  const option = (name: string, values: readonly (string | number)[]): string[] =>
    values.flatMap((value) => [`--${name}`, String(value)]);
  return [
    'sweep',
    spec.scenario.file,
    ...option('set', spec.set),
    ...option('vary', spec.vary.map(textOfVariation)),
    ...option('strategy', spec.strategies),
    ...option('policy', spec.policy === null ? [] : [spec.policy]),
    ...option('runs', [spec.runs]),
    ...option('seed', [spec.seed]),
    ...option('memory', [spec.memory]),
    ...option('precision', spec.precision === null ? [] : [`${spec.precision * 100}%`]),
  ];
}

function textOfVariation({ keys, steps }: Variation): string {
  return `${keys.join('+')}=${steps.map((step) => step.join('+')).join(',')}`;
}

async function furtherFiles(format: 'csv' | 'parquet'): Promise<Pick<SweepRun, 'extras'>> {
  if (format === 'csv') return {};
  const { runsToParquet, summaryToParquet } = await import('../report/files/parquet.js');
  return {
    extras: [
      { name: 'runs.parquet', of: 'runs.csv', write: runsToParquet },
      { name: 'summary.parquet', of: 'summary.csv', write: summaryToParquet },
    ],
  };
}

/** Worker threads need the built module next to this one. */
function built(): boolean {
  return import.meta.url.endsWith('.js');
}
