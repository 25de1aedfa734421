/** `migsim search`: the smallest, largest or best value of a key for which a condition holds. */
import { nth } from '../../lists.js';
import { existsSync } from 'node:fs';
import { UsageError } from '../../errors.js';
import { FINDS, SEARCH_RUNS, type Find } from '../../experiment/search/point.js';
import { unknown } from '../../options/wording.js';
import { defineOptions, type Command, type Given } from '../command.js';
import { experimentOptions, memoryOption, readScenario, runsOption } from '../options/experiment-options.js';

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
    const { file, ...what } = readWhat(given);
    const scenario = await readScenario(given, file);
    const { searchAndPrint } = await import('../work/search.js');
    await searchAndPrint(given, scenario, what);
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
