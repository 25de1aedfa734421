/** `migsim search`: the smallest, largest or best value of a key for which a condition holds. */
import { nth } from '../../lists.js';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { UsageError } from '../../errors.js';
import { search, SEARCH_RUNS } from '../../api/search.js';
import { sweep } from '../../api/sweep.js';
import { FINDS, type Find } from '../../experiment/search/point.js';
import type { SearchResult } from '../../experiment/search/search.js';
import { searchText } from '../../report/terminal/search-text.js';
import { loadScenario } from '../../scenario/load.js';
import type { Scenario } from '../../scenario/scenario.js';
import { unknown } from '../../options/wording.js';
import { defineOptions, type Command, type Given } from '../command.js';
import {
  experimentOptions,
  noteReading,
  readPolicy,
  readRuns,
  readSeed,
  readStrategy,
  runsOption,
} from '../options/experiment-options.js';
import { printWritten } from '../experiment.js';
import { memoryOption, readMemoryChoice } from './check.js';

const options = defineOptions({
  find: {
    kind: 'text',
    summary: 'Which acceptable value: smallest, largest, or best by --minimize or --maximize',
    value: 'WHICH',
    default: 'smallest',
    completions: () => FINDS,
  },
  where: {
    kind: 'text',
    summary: "What must hold, as in expect: 'converges >= 95% and total-time <= 5min'",
    value: 'CONDITIONS',
    default: 'converges >= 95%',
  },
  minimize: {
    kind: 'text',
    summary: 'With best: the measure to minimize, such as total-time',
    value: 'MEASURE',
  },
  maximize: { kind: 'text', summary: 'With best: the measure to maximize', value: 'MEASURE' },
  from: { kind: 'text', summary: 'Smallest value to try', value: 'VALUE' },
  to: { kind: 'text', summary: 'Largest value to try', value: 'VALUE' },
  strategy: experimentOptions.strategy,
  policy: experimentOptions.policy,
  runs: { ...runsOption, summary: 'Runs at each value', default: SEARCH_RUNS },
  memory: memoryOption,
  seed: experimentOptions.seed,
  set: experimentOptions.set,
  out: {
    ...experimentOptions.out,
    summary: 'Write the curve to this folder as CSV files, for plot and report',
  },
  json: experimentOptions.json,
});

export const searchCommand: Command = {
  positional: { name: 'scenario', describe: 'Scenario file (YAML)' },
  further: [
    {
      name: 'key',
      takes: 'none or one',
      describe: 'Such as migration.downtime-limit, or dirty-limit.vcpu-dirty-limit',
    },
  ],
  options,
  examples: [
    ['search guest.yaml migration.downtime-limit', 'the smallest with which it converges'],
    [
      "search guest.yaml --find largest dirty-limit.vcpu-dirty-limit --where 'converges >= 95% and total-time <= 5min'",
      'a quota',
    ],
    [
      'search guest.yaml --find best auto-converge.cpu-throttle-initial --minimize total-time',
      'the best step',
    ],
    [
      'search guest.yaml migration.max-bandwidth --out results/bandwidth',
      'then: migsim plot results/bandwidth',
    ],
  ],
  async run(given) {
    const { file, key, find } = readWhat(given);
    const scenario = loadScenario(file, { set: given.values('set') });
    noteReading(given, scenario);
    const strategy = given.value('strategy');
    if (strategy !== undefined) await readStrategy(strategy, scenario);
    await readPolicy(given, scenario);
    const word = <Name extends string>(name: Name, option: string = name): { [K in Name]?: string } => {
      const value = given.value(option);
      return (value === undefined ? {} : { [name]: value }) as { [K in Name]?: string };
    };
    const result = await search(scenario, {
      find,
      key,
      ...word('where'),
      ...word('minimize'),
      ...word('maximize'),
      ...word('from'),
      ...word('to'),
      ...word('strategy'),
      ...word('policy'),
      runs: readRuns(given),
      seed: readSeed(given),
      memory: readMemoryChoice(given),
      workers: availableParallelism(),
    });
    if (given.flag('json')) given.print(`${JSON.stringify(jsonOf(result), null, 2)}\n`);
    else given.print(`${searchText(result, given.page)}\n`);
    await writeCurve(given, scenario, result);
  },
};

/** The scenario is the word that is a file; `--find 'smallest KEY'` is understood as well. */
function readWhat(given: Given): { readonly file: string; readonly key: string; readonly find: Find } {
  const [which = '', ...rest] = (given.value('find') ?? '').split(/\s+/);
  const find = FINDS.find((one) => one === which);
  if (find === undefined) throw new UsageError(unknown('--find', which, FINDS));
  const words = [given.positional, ...given.all('key'), ...rest];
  const isFile = (word: string): boolean => /\.ya?ml$/.test(word) || existsSync(word);
  const file = words.find(isFile) ?? nth(words, 0);
  const keys = words.filter((word) => word !== file);
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw new UsageError(
      `expected one key, such as migration.downtime-limit, got ${keys.length === 0 ? 'none' : keys.join(' and ')}`,
    );
  }
  return { file, key, find };
}

/** Without the single runs, which `--out` writes. */
function jsonOf(result: SearchResult): unknown {
  const short = (point: SearchResult['points'][number] | null): unknown => {
    if (point === null) return null;
    const { results: _results, ...rest } = point;
    return rest;
  };
  const { answer, beyond, points } = result;
  return { ...result, answer: short(answer), beyond: short(beyond), points: points.map(short) };
}

/** The values that were tried are a sweep, and are written as one. */
async function writeCurve(given: Given, scenario: Scenario, result: SearchResult): Promise<void> {
  const out = given.value('out');
  if (out === undefined) return;
  const listed =
    result.path.startsWith('strategies.') &&
    !scenario.strategies.some(({ definition }) => definition.name === result.strategy);
  const set = listed ? [...scenario.set, `strategies=[${result.strategy}]`, 'expect={}'] : scenario.set;
  const base = loadScenario(scenario.file ?? scenario.name, { set });
  const { written } = await sweep(base, {
    vary: [{ [result.path]: result.points.map(({ text }) => text) }],
    strategies: [await readStrategy(given.value('strategy') ?? result.strategy, base)],
    policy: await readPolicy(given, base),
    runs: result.runs,
    seed: result.seed,
    memory: result.memory,
    workers: availableParallelism(),
    out,
    question: `the ${result.find} ${result.key} where ${result.where}`,
    command: given.recorded,
  });
  if (!given.flag('json')) printWritten(given, { written });
}
