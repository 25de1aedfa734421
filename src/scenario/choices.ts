/** Strategies and policies as a command line names them: a name, a name with options, a file of the user's own. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMap, nth, valueAt } from '../lists.js';
import { UsageError, thrownText, type Place } from '../errors.js';
import { noSuchFile } from '../files.js';
import type { MigrationSetup } from '../migration/setup.js';
import { findPolicy } from '../policies/index.js';
import type { StrategyDefinition } from '../strategies/define.js';
import { choose, isFile, POLICY, STRATEGY, type Kind } from './form/choice-schema.js';
import { parseYamlValue } from './overrides.js';
import { readPolicyFile } from './policy-files.js';
import type { PolicyChoice, StrategyChoice } from './scenario.js';
import { readText } from './read-text.js';
import { isTable } from '../options/read.js';
import { tableFault } from '../options/check-table.js';
import { show, unknown, TABLE_NAME, TABLE_NAME_WORDS } from '../options/wording.js';

/**
 * What `--strategy` takes: `auto-converge`, or `auto-converge:{cpu-throttle-initial: 40}`.
 *
 * @throws UsageError
 */
export function parseStrategyText(text: string): StrategyChoice {
  return parseChoiceText(STRATEGY, text);
}

/** What `--policy` takes, likewise. @throws UsageError */
export function parsePolicyText(text: string): PolicyChoice {
  return parseChoiceText(POLICY, text);
}

function parseChoiceText(kind: Kind, text: string): StrategyChoice {
  const { name, options } = splitText(kind, text);
  if (!Object.hasOwn(kind.registry, name)) {
    throw new UsageError(elsewhere(kind, name) ?? unknown(kind.word, name, Object.keys(kind.registry)));
  }
  return { ...withOptions(valueAt(kind.registry, name), options), text };
}

/**
 * As `parseStrategyText`, and strategies of the user's own: `./mine.js`, `./mine.js:{gain: 2}`. Such a file exports a
 * strategy (made with `defineStrategy`) by default or under the name `strategy`.
 *
 * @throws UsageError
 */
export async function loadStrategy(text: string): Promise<StrategyChoice> {
  return await loadChoice(STRATEGY, text);
}

/**
 * The same for policies, made with `definePolicy`; and files that orchestrators have: `./migration-policy.yaml`,
 * `./nova.conf`, `./policies.json#name` where a file holds several.
 *
 * @throws UsageError
 */
export async function loadPolicy(text: string): Promise<PolicyChoice> {
  const file = /^(.+\.(?:ya?ml|json|conf|ini))(?:#(.+))?$/i.exec(text);
  return file === null ? await loadChoice(POLICY, text) : orchestratorPolicy(nth(file, 1), file[2]);
}

function orchestratorPolicy(path: string, which: string | undefined): PolicyChoice {
  const read = readPolicyFile(readText(path, "an orchestrator's policy file"), path, which);
  const { name, options, title, migration, strategy, unused } = read;
  const chosen = withOptions(findPolicy(name, { file: path }), options);
  const { definition } = chosen;
  // What the orchestrator sets when it starts the migration holds before anything is checked against it.
  const started = (setup: MigrationSetup): MigrationSetup => ({
    ...setup,
    migration: { ...setup.migration, ...migration },
  });
  const notes = [];
  if (strategy !== 'none') notes.push(`it turns ${strategy} on: compare it with --strategy ${strategy}`);
  if (unused.length > 0) notes.push(`not modelled here: ${unused.join(', ')}`);
  return {
    ...chosen,
    label: `${name}(${title ?? basename(path)})`,
    place: { file: path },
    text: which === undefined ? path : `${path}#${which}`,
    from: path,
    notes,
    definition: {
      ...definition,
      ends: (given, setup) => definition.ends?.(given, started(setup)) ?? null,
      refuses: (given, setup) => definition.refuses?.(given, started(setup)) ?? null,
      prepare: (given, setup) => definition.prepare?.(given, started(setup)) ?? started(setup),
    },
  };
}

async function loadChoice(kind: Kind, text: string): Promise<StrategyChoice> {
  const { name, options } = splitText(kind, text);
  return isFile(name)
    ? {
        ...withOptions(await importDefinition(kind, name), options),
        text,
        from: name,
        module: moduleOf(name),
      }
    : parseChoiceText(kind, text);
}

/** Whether choosing it runs a program of the user's: `./mine.js`, `./mine.js:{gain: 2}`. */
export function runsCode(text: string): boolean {
  return isFile(text.trim().replace(/\s*:\s*(\{.*\})?\s*$/s, ''));
}

/** A word of the other registry: strategies hold the guest back, policies decide from outside. */
function elsewhere({ word }: Kind, name: string): string | null {
  const other = word === 'strategy' ? POLICY : STRATEGY;
  const isPostcopy = word === 'strategy' && /^post-?copy$/i.test(name);
  if (!isPostcopy && !Object.hasOwn(other.registry, name)) return null;
  const option = `--${other.word} ${isPostcopy ? 'postcopy-after-passes' : name}`;
  const more = isPostcopy ? ' and --set migration.postcopy-ram=true' : '';
  return `${name} is no ${word}: a ${other.word} does that; expected ${option}${more}`;
}

/** The options of a label, as tables and CSV files have it: `name(cpu-throttle-initial=40;steps=[1;2])`. */
function splitLabel(text: string): { name: string; options: unknown } | null {
  const [, name, list] = /^\s*([^\s(){}:]+)\((.+)\)\s*$/s.exec(text) ?? [];
  if (name === undefined || list === undefined) return null;
  const entries = list.split(/;(?=[^;=[\]{}]+=)/).map((entry) => {
    const [key = '', ...value] = entry.split('=');
    return [key.trim(), parseYamlValue(value.join('=').replaceAll(';', ', '), text)] as const;
  });
  return { name, options: Object.fromEntries(entries) };
}

function splitText({ word }: Kind, text: string): { name: string; options: unknown } {
  const label = splitLabel(text);
  if (label !== null) return label;
  const parts = /^\s*([^\s{}]+?)\s*(?::\s*(\{.*\})?)?\s*$/s.exec(text);
  if (parts === null) {
    throw new UsageError(
      `cannot read the ${word} ${JSON.stringify(text)}; expected a name, or a name with options such as ` +
        "'auto-converge:{cpu-throttle-initial: 40}'",
    );
  }
  return { name: nth(parts, 1), options: parts[2] === undefined ? {} : parseYamlValue(parts[2], text) };
}

function withOptions(definition: StrategyDefinition, written: unknown): StrategyChoice {
  const result = choose(definition, written);
  if ('chosen' in result) return { ...result.chosen, place: undefined };
  const { path, at, message } = nth(result.problems, 0);
  const where = at === 'key' ? path.slice(0, -1) : path;
  throw new UsageError(`${[definition.name, ...where.map(String)].join('.')}: ${message}`);
}

async function importDefinition({ word }: Kind, path: string): Promise<StrategyDefinition> {
  const place: Place = { file: path };
  const what = `a module that exports a ${word}, by default or as ${JSON.stringify(word)}, made with ${DEFINED_BY[word]}`;
  if (!existsSync(path)) throw new UsageError(noSuchFile(path, what), place);
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await inTime(import(moduleOf(path)), place)) as typeof module;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot be loaded: ${thrownText(error)}; expected ${what}`, place);
  }
  const definition = module['default'] ?? module[word];
  const lacking = lackOf(definition, word);
  if (lacking !== null) throw new UsageError(`${lacking}; expected ${what}`, place);
  return withCheckedAnswers(definition as StrategyDefinition, place);
}

function moduleOf(path: string): string {
  return pathToFileURL(resolve(path)).href;
}

/** A module whose top level waits for what never comes would end the program without a word. */
const LOADING_MS = 10_000;

async function inTime<Loaded>(loading: Promise<Loaded>, place: Place): Promise<Loaded> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new UsageError(`is not loaded after ${LOADING_MS / 1000} s; does its top-level code wait?`, place),
        ),
      LOADING_MS,
    );
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a module's functions return is not typed: nonsense is met here, where its file is known. */
function withCheckedAnswers(definition: StrategyDefinition, place: Place): StrategyDefinition {
  const { options, prepare } = definition;
  const answer: unknown = isTable(options) ? { success: true } : options.safeParse({});
  if (!isMap(answer) || typeof answer['success'] !== 'boolean')
    throw new UsageError(
      `its options.safeParse returns ${show(answer)}; expected that of a zod schema`,
      place,
    );
  if (prepare === undefined) return definition;
  return {
    ...definition,
    prepare(options, setup) {
      const prepared: unknown = prepare(options, setup);
      if (isSetup(prepared)) return prepared;
      throw new UsageError(
        `its prepare returns ${show(prepared)}; expected a setup, such as { ...setup }`,
        place,
      );
    },
  };
}

/** As far as a mistake of the module's shows. */
function isSetup(value: unknown): value is MigrationSetup {
  return isMap(value) && isMap(value['migration']) && isMap(value['guest']);
}

const DEFINED_BY = { strategy: 'defineStrategy', policy: 'definePolicy' } as const;

function lackOf(definition: unknown, word: string): string | null {
  if (!isMap(definition)) return `exports ${show(definition)} as its ${word}`;
  const { name } = definition;
  if (typeof name !== 'string') return `its ${word} has no name`;
  if (!TABLE_NAME.test(name)) return `its ${word} is named ${show(name)}, which is not ${TABLE_NAME_WORDS}`;
  if (typeof definition['start'] !== 'function') return `its ${word} has no start function`;
  const options = definition['options'];
  if (typeof options !== 'object' || options === null) return `its ${word} has no options, such as {}`;
  return 'safeParse' in options ? null : tableFault({ ...options });
}
