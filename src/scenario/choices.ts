/** Strategies and policies as users choose them: a name, or a name with options, or (for strategies) a file. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { UsageError, type Place } from '../errors.js';
import type { MigrationSetup } from '../migration/setup.js';
import { policies } from '../policies/index.js';
import type { StrategyDefinition } from '../strategies/define.js';
import { strategies } from '../strategies/index.js';
import { either, isMap, type Wrong } from './forms.js';
import { parseYamlValue } from './overrides.js';
import { check, wrongsOf, type Problem } from './problems.js';
import type { Choice, PolicyChoice, StrategyChoice } from './scenario.js';
import { expected, show, unknown } from './wording.js';

type Registry = Readonly<Record<string, StrategyDefinition>>;

/** A choice that has no place and may not be alone. */
export type Chosen = Omit<Choice<StrategyDefinition>, 'place'>;

interface Kind {
  readonly word: 'strategy' | 'policy';
  readonly registry: Registry;
}

const STRATEGY: Kind = { word: 'strategy', registry: strategies };
const POLICY: Kind = { word: 'policy', registry: policies };

export const DEFAULT_POLICY = Object.keys(policies)[0]!;

/** One entry of `strategies:`. */
export function strategySchema(description: string): z.ZodType<Chosen, unknown> {
  return choiceSchema(STRATEGY, description);
}

/** `policy:`. */
export function policySchema(description: string): z.ZodType<Chosen, unknown> {
  return choiceSchema(POLICY, description);
}

function choiceSchema(kind: Kind, description: string): z.ZodType<Chosen, unknown> {
  const forms = () => [
    z.enum(Object.keys(kind.registry)),
    ...Object.values(kind.registry).map(({ name, summary, options }) =>
      z.strictObject({ [name]: options }).describe(summary),
    ),
  ];
  return either(description, forms, (input, wrong) => readChoice(kind, input, wrong));
}

function readChoice(
  kind: Kind,
  input: unknown,
  wrong: (...wrongs: readonly Wrong[]) => void,
): Chosen | undefined {
  const { word, registry } = kind;
  const given = splitChoice(kind, input);
  if (typeof given === 'string') {
    wrong({ message: given });
    return undefined;
  }
  const { name, options } = given;
  if (!Object.hasOwn(registry, name)) {
    const message = isFile(name)
      ? `a ${word} of your own is chosen on the command line: --${word} ${name}`
      : unknown(word, name, Object.keys(registry));
    wrong(typeof input === 'string' ? { message } : { path: [name], at: 'key', message });
    return undefined;
  }
  const checked = choose(registry[name]!, options);
  if ('chosen' in checked) return checked.chosen;
  wrong(...wrongsOf(checked.problems, [name]));
  return undefined;
}

/** Name and options as written, or what is wrong. */
function splitChoice({ word }: Kind, input: unknown): { name: string; options: unknown } | string {
  if (typeof input === 'string') return { name: input, options: {} };
  if (!isMap(input)) return expected(`the name of a ${word}, or { name: { options } }`, input);
  const names = Object.keys(input);
  if (names.length === 1) return { name: names[0]!, options: input[names[0]!] ?? {} };
  const throttles = names.includes('auto-converge') && names.includes('dirty-limit');
  return (
    `expected one ${word}, got ${names.length === 0 ? 'an empty map' : names.join(' and ')}` +
    (throttles ? '; QEMU refuses both throttles in one run' : '') +
    (names.length > 1 && word === 'strategy' ? '; make them entries of their own, one run each' : '')
  );
}

function choose(
  definition: StrategyDefinition,
  written: unknown,
): { readonly chosen: Chosen } | { readonly problems: readonly Problem[] } {
  const result = check(definition.options, written);
  if ('problems' in result) return result;
  const options = result.value;
  return { chosen: { definition, options, label: labelOf(definition, options, written) } };
}

/** The name, followed by the options that differ from their defaults, as they were written. */
function labelOf(
  definition: StrategyDefinition,
  options: Readonly<Record<string, unknown>>,
  written: unknown,
): string {
  const differing = Object.entries(written as Record<string, unknown>).filter(([key]) => {
    const others = Object.fromEntries(Object.entries(written as object).filter(([other]) => other !== key));
    const without = definition.options.safeParse(others);
    return !without.success || JSON.stringify(without.data[key]) !== JSON.stringify(options[key]);
  });
  if (differing.length === 0) return definition.name;
  return `${definition.name}(${differing.map(([key, value]) => `${key}=${valueText(value)}`).join(',')})`;
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(',')}]`;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Why such a run is impossible, as QEMU would refuse it; null when it is possible. */
export function refusal({ definition, options }: Chosen, setup: MigrationSetup): string | null {
  return definition.refuses?.(options, setup) ?? null;
}

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
    throw new UsageError(unknown(kind.word, name, Object.keys(kind.registry)));
  }
  return withOptions(kind.registry[name]!, options);
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

/** The same for policies, made with `definePolicy`. @throws UsageError */
export async function loadPolicy(text: string): Promise<PolicyChoice> {
  return await loadChoice(POLICY, text);
}

async function loadChoice(kind: Kind, text: string): Promise<StrategyChoice> {
  const { name, options } = splitText(kind, text);
  return isFile(name)
    ? withOptions(await importDefinition(kind, name), options)
    : parseChoiceText(kind, text);
}

function splitText({ word }: Kind, text: string): { name: string; options: unknown } {
  const parts = /^\s*([^\s{}]+?)\s*(?::\s*(\{.*\})?)?\s*$/s.exec(text);
  if (parts === null) {
    throw new UsageError(
      `cannot read the ${word} ${JSON.stringify(text)}; expected a name, or a name with options such as ` +
        "'auto-converge:{cpu-throttle-initial: 40}'",
    );
  }
  return { name: parts[1]!, options: parts[2] === undefined ? {} : parseYamlValue(parts[2], text) };
}

function withOptions(definition: StrategyDefinition, written: unknown): StrategyChoice {
  const result = choose(definition, written);
  if ('chosen' in result) return { ...result.chosen, place: undefined };
  const { path, at, message } = result.problems[0]!;
  const where = at === 'key' ? path.slice(0, -1) : path;
  throw new UsageError(`${[definition.name, ...where.map(String)].join('.')}: ${message}`);
}

function isFile(name: string): boolean {
  return /^(\.{0,2}\/|~\/)|\.[cm]?[jt]s$/.test(name);
}

async function importDefinition({ word }: Kind, path: string): Promise<StrategyDefinition> {
  const place: Place = { file: path };
  const what = `a module that exports a ${word}, by default or as "${word}", made with ${DEFINED_BY[word]}`;
  if (!existsSync(path)) throw new UsageError(`no such file; expected ${what}`, place);
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as typeof module;
  } catch (error) {
    throw new UsageError(
      `cannot be loaded: ${(error as Error).message.split('\n')[0]!}; expected ${what}`,
      place,
    );
  }
  const definition = module['default'] ?? module[word];
  const lacking = lackOf(definition, word);
  if (lacking !== null) throw new UsageError(`${lacking}; expected ${what}`, place);
  return definition as StrategyDefinition;
}

const DEFINED_BY = { strategy: 'defineStrategy', policy: 'definePolicy' } as const;

function lackOf(definition: unknown, word: string): string | null {
  if (!isMap(definition)) return `exports ${show(definition)} as its ${word}`;
  if (typeof definition['name'] !== 'string') return `its ${word} has no name`;
  if (typeof definition['start'] !== 'function') return `its ${word} has no start function`;
  const { options } = definition as { readonly options?: Partial<z.ZodObject> };
  return typeof options?.safeParse === 'function'
    ? null
    : `its ${word} has no options, such as z.strictObject({})`;
}
