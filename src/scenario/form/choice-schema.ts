/** Strategies and policies as scenario files name them: a name, or a name with options. */
import * as z from 'zod/mini';
import { isMap, nth, type UnknownMap, valueAt } from '../../lists.js';
import { policies } from '../../policies/index.js';
import type { StrategyDefinition } from '../../strategies/define.js';
import { strategies } from '../../strategies/index.js';
import { either, type Wrong } from './forms.js';
import { isTable, readOptions } from '../../options/read.js';
import { tableSchema } from '../../options/zod.js';
import { wrongsOf, type Problem } from './problems.js';
import { wording } from './wording.js';
import type { Choice } from '../scenario.js';
import { expected, unknown } from '../../options/wording.js';

type Registry = Readonly<Record<string, StrategyDefinition>>;

/** A choice that does not know yet where it stands. */
export type Chosen = Omit<Choice<StrategyDefinition>, 'place'>;

export interface Kind {
  readonly word: 'strategy' | 'policy';
  readonly registry: Registry;
}

export const STRATEGY: Kind = { word: 'strategy', registry: strategies };
export const POLICY: Kind = { word: 'policy', registry: policies };

export const DEFAULT_POLICY = nth(Object.keys(policies), 0);

/** One entry of `strategies:`. */
export function strategySchema(description: string): z.ZodMiniType<Chosen, unknown> {
  return choiceSchema(STRATEGY, description);
}

/** `policy:`. */
export function policySchema(description: string): z.ZodMiniType<Chosen, unknown> {
  return choiceSchema(POLICY, description);
}

function choiceSchema(kind: Kind, description: string): z.ZodMiniType<Chosen, unknown> {
  const forms = () => [
    z.enum(Object.keys(kind.registry)),
    ...Object.values(kind.registry).map(({ name, summary, options }) =>
      z
        .strictObject({ [name]: isTable(options) ? tableSchema(options) : z.unknown() })
        .check(z.describe(summary)),
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
  const checked = choose(valueAt(registry, name), options);
  if ('chosen' in checked) return checked.chosen;
  wrong(...wrongsOf(checked.problems, [name]));
  return undefined;
}

/** Name and options as written, or what is wrong. */
function splitChoice({ word }: Kind, input: unknown): { name: string; options: unknown } | string {
  if (typeof input === 'string') return { name: input, options: {} };
  if (!isMap(input)) return expected(`the name of a ${word}, or { name: { options } }`, input);
  const names = Object.keys(input);
  if (names.length === 1) return { name: nth(names, 0), options: input[nth(names, 0)] ?? {} };
  const throttles = names.includes('auto-converge') && names.includes('dirty-limit');
  return (
    `expected one ${word}, got ${names.length === 0 ? 'an empty map' : names.join(' and ')}` +
    (throttles ? '; QEMU refuses both throttles in one run' : '') +
    (names.length > 1 && word === 'strategy' ? '; make them entries of their own, one run each' : '')
  );
}

/** With its options checked and filled in, and its label. */
export function choose(
  definition: StrategyDefinition,
  written: unknown,
): { readonly chosen: Chosen } | { readonly problems: readonly Problem[] } {
  const result = readOptions(definition.options, written, { error: wording });
  if ('problems' in result) return result;
  const options = result.value;
  const label = labelOf(definition, options, isMap(written) ? written : {});
  return { chosen: { definition, options, label } };
}

/** The name, followed by the options that differ from their defaults, as they were written. */
function labelOf(
  definition: StrategyDefinition,
  options: Readonly<Record<string, unknown>>,
  written: UnknownMap,
): string {
  const differing = Object.entries(written).filter(([key]) => {
    const others = Object.fromEntries(Object.entries(written).filter(([other]) => other !== key));
    const without = readOptions(definition.options, others);
    return 'problems' in without || JSON.stringify(without.value[key]) !== JSON.stringify(options[key]);
  });
  if (differing.length === 0) return definition.name;
  return `${definition.name}(${differing.map(([key, value]) => `${key}=${valueText(value)}`).join(';')})`;
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(';')}]`;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Whether a name is that of a file rather than of an entry in a registry. */
export function isFile(name: string): boolean {
  return /^(\.{0,2}\/|~\/)|\.[cm]?[jt]s$/.test(name);
}
