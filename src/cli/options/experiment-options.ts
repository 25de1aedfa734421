/** Options that several commands share, and their reading. */
import { UsageError } from '../../errors.js';
import { MEMORY_CHOICES, type MemoryChoice } from '../../experiment/memory-words.js';
import { MOST_RUNS, MOST_SEED } from '../../experiment/run-options.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../../scenario/scenario.js';
import { defineOptions, type Given, type Option, type Positional } from '../command.js';
import { readText } from '../../scenario/read-text.js';
import { read } from './values.js';

export const scenarioFile: Positional = { name: 'scenario', describe: 'Scenario file (YAML)' };

export const experimentOptions = defineOptions({
  strategy: {
    kind: 'text',
    summary: 'A name, "name: {option: value}" or ./file.js',
    value: 'STRATEGY',
    completions: async () => Object.keys((await import('../../strategies/index.js')).strategies),
  },
  policy: {
    kind: 'text',
    summary: "Policy to use instead of the scenario's; same syntax as --strategy",
    value: 'POLICY',
    completions: async () => Object.keys((await import('../../policies/index.js')).policies),
  },
  memory: {
    kind: 'choice',
    choices: MEMORY_CHOICES,
    called: 'memory model',
    summary:
      'Memory model: page (exact), fluid (fast) or auto (= page here; fluid where only the policy ends a run)',
    value: 'MODEL',
    default: 'auto',
  },
  seed: {
    kind: 'count',
    min: 0,
    max: MOST_SEED,
    default: 1,
    summary: 'Seed of all random numbers, 0 to 4294967295',
    value: 'N',
  },
  set: {
    kind: 'text',
    summary: 'Change a value of the scenario, such as guest.memory=32GiB; repeatable',
    value: 'KEY=VALUE',
    repeatable: true,
  },
  out: {
    kind: 'text',
    summary: 'Write CSV files and manifest.json to this folder',
    value: 'FOLDER',
    affectsResult: false,
  },
  json: { kind: 'flag', summary: 'Print JSON instead of text', affectsResult: false },
});

export const memoryOption = {
  ...experimentOptions.memory,
  summary: 'Memory model: page (exact), fluid (fast) or auto: page if that takes at most about a second',
};

export const failUnlessOption: Option = {
  kind: 'text',
  summary:
    "Exit with status 1 unless this holds for every strategy: converged, 'total-time < 5min'; repeatable",
  value: 'EXPECTATION',
  repeatable: true,
  affectsResult: false,
};

export const runsOption = defineOptions({
  runs: {
    kind: 'count',
    min: 1,
    max: MOST_RUNS,
    default: 1,
    summary: 'Repetitions of each strategy',
    value: 'N',
  },
}).runs;

/** Reads a scenario file, with what `--set` changes in it. What that takes is loaded only where the file is there. */
export async function readScenario(given: Given, file = given.positional): Promise<Scenario> {
  const text = readText(file);
  const { parseScenario } = await import('../../scenario/parse.js');
  const scenario = parseScenario(text, file, { set: given.values('set') });
  noteReading(given, scenario);
  return scenario;
}

/** What the user should know of how a scenario was read. */
export function noteReading(given: Given, { file, name, notes }: Scenario): void {
  for (const note of notes) given.warn(`${file ?? name}: ${note}`);
}

/** `auto`, and nothing said, is what suits the command: page for single runs, fluid for very many. */
export function readMemory(given: Given, auto: 'page' | 'fluid' = 'page'): 'page' | 'fluid' {
  const memory = given.value('memory') === undefined ? 'auto' : read(given, experimentOptions, 'memory');
  return memory === 'auto' ? auto : memory;
}

export function readMemoryChoice(given: Given): MemoryChoice {
  return read(given, { memory: memoryOption }, 'memory');
}

export function readSeed(given: Given): number {
  return read(given, experimentOptions, 'seed');
}

/** 1 for commands without the option. */
export function readRuns(given: Given): number {
  return given.value('runs') === undefined ? 1 : read(given, { runs: runsOption }, 'runs');
}

/** One that the scenario lists is taken with the options it has there; any other by its name, with its defaults. */
export async function readStrategy(text: string, scenario: Scenario): Promise<StrategyChoice> {
  const { listedStrategy } = await import('../../experiment/choice.js');
  const { loadStrategy } = await import('../../scenario/choices.js');
  return listedStrategy(text, scenario) ?? loadStrategy(text);
}

/** The strategy of the command line, else the first of the scenario: a note names the others. */
export async function oneStrategy(given: Given, scenario: Scenario): Promise<StrategyChoice> {
  const text = given.value('strategy');
  if (text !== undefined) return readStrategy(text, scenario);
  const [first, ...others] = scenario.strategies;
  if (first === undefined) throw new UsageError('the scenario lists no strategy: choose one with --strategy');
  if (others.length > 0) {
    const names = others.map(({ label }) => label).join(', ');
    given.warn(
      `${scenario.file ?? scenario.name}: ${first.label}, its first strategy; others with --strategy: ${names}`,
    );
  }
  return first;
}

export async function readPolicy(given: Given, scenario: Scenario): Promise<PolicyChoice> {
  const text = given.value('policy');
  if (text === undefined) return scenario.policy;
  const { loadPolicy } = await import('../../scenario/choices.js');
  const policy = await loadPolicy(text);
  for (const note of policy.notes ?? []) given.warn(`${text}: ${note}`);
  return policy;
}

/** The words of `--strategy`: each may be a list with commas, of which those within brackets belong to options. */
export function strategyTexts(given: Given): string[] {
  return given.values('strategy').flatMap(splitAtCommas);
}

function splitAtCommas(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const letter of text) {
    if ('{[('.includes(letter)) depth += 1;
    if ('}])'.includes(letter)) depth -= 1;
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** Names of files among the given strategies and policies, for the manifest. */
export function ownFiles(given: Given): string[] {
  const texts = [...strategyTexts(given), ...given.values('policy')];
  return texts.filter(isFile).map((text) => text.replace(/:\s*(\{.*)?$/s, ''));
}

/** A strategy or policy given as a file begins with a folder, be it `./`. */
export function isFile(text: string): boolean {
  return /^\.{0,2}\//.test(text);
}
