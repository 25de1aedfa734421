/**
 * A sweep as a file: the question in words, the scenario, what varies. An experiment of a paper is one such file.
 * Keys that stand in one entry of `vary` move together; entries are combined.
 */
import { dirname, isAbsolute, join } from 'node:path';
import * as z from 'zod/mini';
import { isMap } from '../lists.js';
import { type Place, UsageError } from '../errors.js';
import { expected } from '../options/wording.js';
import { parseShare } from '../units.js';
import { parsePolicyText, parseStrategyText } from './choices.js';
import { check, usageErrorOf } from './form/problems.js';
import { readText, SWEEP_OR_SCENARIO } from './read-text.js';
import { parseSource } from './source.js';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const value = z.union([scalar, z.record(z.string(), z.unknown()), z.array(z.unknown())]);
const choice = z.union([z.string(), z.record(z.string(), z.nullable(z.record(z.string(), z.unknown())))]);
const axis = z
  .record(
    z.string().check(z.regex(/^[^\s=.]+(\.[^\s=.]+)*$/)),
    z.union([z.string(), z.array(value).check(z.minLength(1))], {
      error: ({ input }) => expected('a list of values, or a range such as 4GiB..1TiB:9:log', input),
    }),
    {
      error: ({ code, input }) =>
        code === 'invalid_type'
          ? expected('keys with their values, such as guest.memory: [4GiB, 8GiB]', input)
          : undefined,
    },
  )
  .check(
    z.refine((entry) => Object.keys(entry).length > 0, {
      error: 'no key; expected one with its values, such as guest.memory: [4GiB, 8GiB]',
    }),
  );

export const sweepSchema = z.strictObject({
  question: z.optional(z.string().check(z.minLength(1), z.describe('what the sweep is to answer, in words'))),
  scenario: z
    .string()
    .check(z.minLength(1), z.describe('path of the scenario, from the folder of this file')),
  set: z._default(
    z.record(z.string(), value).check(z.describe('values put into every cell, by their path')),
    {},
  ),
  vary: z
    .array(axis)
    .check(
      z.minLength(1),
      z.describe(
        'one entry an axis: a key with a list of values, or with a range such as 4GiB..1TiB:9:log; keys of one entry move together',
      ),
    ),
  strategies: z.optional(
    z
      .union([z.literal('all'), z.array(choice).check(z.minLength(1))], {
        error: ({ input }) => expected('all or a list such as [none, auto-converge]', input),
      })
      .check(z.describe('instead of those of the scenario; all: every one that does not refuse')),
  ),
  policy: z.optional(choice.check(z.describe('instead of that of the scenario'))),
  runs: z._default(
    z
      .int()
      .check(z.minimum(1), z.maximum(100_000), z.describe('runs of each strategy in each cell, at most')),
    1,
  ),
  seed: z._default(z.int().check(z.minimum(0), z.maximum(2 ** 32 - 1)), 1),
  memory: z._default(z.enum(['auto', 'page', 'fluid']).check(z.describe('auto: fluid')), 'auto'),
  precision: z.optional(
    z
      .string()
      .check(
        z.describe('a cell ends early when total time and downtime are known to this share, such as 2%'),
      ),
  ),
});

/** With paths from where migsim runs, and choices as the command line takes them. */
export interface SweepFile {
  readonly question: string | null;
  readonly scenario: string;
  readonly set: readonly string[];
  /** Values in YAML. */
  readonly vary: readonly Readonly<Record<string, string | readonly string[]>>[];
  /** Where each entry of it stands. */
  readonly varyPlaces: readonly Place[];
  readonly strategies: readonly string[];
  readonly policy: string | null;
  readonly runs: number;
  readonly seed: number;
  readonly memory: 'auto' | 'page' | 'fluid';
  /** Share. */
  readonly precision: number | null;
}

/** null: it is no sweep but a scenario. Throws `UsageError` with the place. */
export function readSweepFile(path: string): SweepFile | null {
  return parseSweepFile(readText(path, SWEEP_OR_SCENARIO), path);
}

/** The same of the text of a file; `path` says where it lies. */
export function parseSweepFile(text: string, path: string): SweepFile | null {
  const source = parseSource(text, path);
  if (Object.hasOwn(source.value, 'guest') || !Object.hasOwn(source.value, 'scenario')) return null;
  const checked = check(sweepSchema, source.value);
  if ('problems' in checked) throw usageErrorOf(checked.problems, source.placeOf);
  const file = checked.value;
  const at = <Result>(key: string, read: () => Result): Result => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError(`${key}: ${error.message}`, source.placeOf({ path: [key], at: 'value' }));
    }
  };
  const here = (text: string): string => (/^\.{1,2}\//.test(text) ? `./${join(dirname(path), text)}` : text);
  const choiceText = (written: z.output<typeof choice>, parse: (text: string) => unknown): string => {
    const text = textOfChoice(written);
    if (!/^\.{0,2}\//.test(text)) parse(text);
    return here(text);
  };
  const { strategies, policy } = file;
  return {
    question: file.question ?? null,
    scenario: isAbsolute(file.scenario) ? file.scenario : join(dirname(path), file.scenario),
    set: Object.entries(file.set).map(([key, written]) => `${key}=${yamlText(written)}`),
    vary: file.vary.map(varyTexts),
    varyPlaces: file.vary.map((_entry, index) => source.placeOf({ path: ['vary', index], at: 'value' })),
    strategies: at('strategies', () =>
      strategies === 'all' ? ['all'] : (strategies ?? []).map((one) => choiceText(one, parseStrategyText)),
    ),
    policy: at('policy', () => (policy === undefined ? null : choiceText(policy, parsePolicyText))),
    runs: file.runs,
    seed: file.seed,
    memory: file.memory,
    precision: at('precision', () => (file.precision === undefined ? null : readPrecision(file.precision))),
  };
}

/** `2%`. Throws `UsageError`. */
export function readPrecision(text: string): number {
  const share = parseShare(text);
  if (share > 0 && share < 1) return share;
  throw new UsageError(
    `expected a percentage above 0% and below 100%, such as 2%, got ${JSON.stringify(text)}`,
  );
}

function varyTexts(entry: Readonly<Record<string, unknown>>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(entry).map(([key, written]) => [
      key,
      Array.isArray(written) ? written.map(yamlText) : String(written),
    ]),
  );
}

/** As `--strategy` takes it. */
function textOfChoice(written: z.output<typeof choice>): string {
  if (typeof written === 'string') return written;
  const entries = Object.entries(written);
  const [only] = entries;
  if (only === undefined || entries.length > 1)
    throw new UsageError(
      `expected one name, got ${entries.map(([name]) => name).join(' and ') || 'an empty map'}`,
    );
  return `${only[0]}:${JSON.stringify(only[1] ?? {})}`;
}

function yamlText(written: unknown): string {
  return isMap(written) || Array.isArray(written) ? JSON.stringify(written) : String(written);
}

/** The text of schema/sweep.schema.json: JSON Schema, draft 7. */
export function sweepJsonSchemaText(): string {
  const { $schema, ...rest } = z.toJSONSchema(sweepSchema, { io: 'input', target: 'draft-7' });
  return `${JSON.stringify({ $schema, title: 'migsim sweep', ...rest }, null, 1)}\n`;
}
