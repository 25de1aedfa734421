/** What `migsim search` does with a scenario. */
import { search } from '../../api/search.js';
import { sweep } from '../../api/sweep.js';
import type { Find } from '../../experiment/search/point.js';
import type { SearchResult } from '../../experiment/search/search.js';
import { searchText } from '../../report/terminal/search-text.js';
import { loadScenario } from '../../scenario/load.js';
import type { Scenario } from '../../scenario/scenario.js';
import type { Given } from '../command.js';
import {
  readMemoryChoice,
  readPolicy,
  readRuns,
  readSeed,
  readStrategy,
} from '../options/experiment-options.js';
import { printWritten } from './experiment.js';
import { threadsOfMachine } from './threads.js';

export async function searchAndPrint(
  given: Given,
  scenario: Scenario,
  { key, find }: { readonly key: string; readonly find: Find },
): Promise<void> {
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
    workers: threadsOfMachine(),
  });
  if (given.flag('json')) given.print(`${JSON.stringify(jsonOf(result), null, 2)}\n`);
  else given.print(`${searchText(result, given.page)}\n`);
  await writeCurve(given, scenario, result);
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
    workers: threadsOfMachine(),
    out,
    question: `the ${result.find} ${result.key} where ${result.where}`,
    command: given.recorded,
  });
  if (!given.flag('json')) printWritten(given, { written });
}
