/**
 * `--vary`: one axis of a sweep.
 *
 * `link.bandwidth=1Gbit/s,10Gbit/s` lists values, `guest.memory=4GiB..1TiB:9:log` (or `:lin`) spreads so many between two
 * ends, and `link.bandwidth+migration.max-bandwidth=1Gbit/s+100MiB/s,10Gbit/s+1GiB/s` moves several keys together.
 */
import { nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { type Accepts, spread } from './spread.js';

/** One axis of a sweep, taken apart. */
export interface Variation {
  /** As the user wrote it, for messages. */
  readonly text: string;
  /** Paths into the scenario that move together, nearly always one. */
  readonly keys: readonly string[];
  /** One entry a step: a value for each key, in YAML. */
  readonly steps: readonly (readonly string[])[];
}

const SUCH = 'such as link.bandwidth=1Gbit/s,10Gbit/s or guest.memory=4GiB..1TiB:9:log';

/** Decides whether a key takes a value in this notation. */
export type AcceptsOf = (key: string) => Accepts;

/** `acceptsOf` rounds the values of a range to what their key takes. @throws UsageError */
export function parseVariation(text: string, acceptsOf?: AcceptsOf): Variation {
  const equals = text.indexOf('=');
  const keys = text.slice(0, Math.max(0, equals)).split('+');
  const wrong = (what: string): UsageError => new UsageError(`--vary ${text}: ${what}`);
  if (equals < 0 || keys.some((key) => !/^[^\s=.]+(\.[^\s=.]+)*$/.test(key))) {
    throw wrong(`expected key=values ${SUCH}`);
  }
  const entries = splitOutside(text.slice(equals + 1), ',');
  if (entries.includes('')) throw wrong(`a value is missing; expected values between commas, ${SUCH}`);
  const steps = entries.flatMap((entry) => stepsOf(entry, keys, wrong, acceptsOf));
  refuseTwice(keys, wrong);
  refuseTwice(
    steps.map((step) => step.join('+')),
    wrong,
  );
  return { text, keys, steps };
}

/** From a sweep file: the keys of a map move together; a text is a range. @throws UsageError */
export function variationOf(
  entry: Readonly<Record<string, string | readonly string[]>>,
  acceptsOf?: AcceptsOf,
): Variation {
  const keys = Object.keys(entry);
  const columns = Object.entries(entry).map(([key, values]) => columnOf(key, values, acceptsOf));
  const text = Object.entries(entry)
    .map(([key, values]) => `${key}: ${textOf(values)}`)
    .join(', ');
  const wrong = (what: string): UsageError => new UsageError(`vary ${text}: ${what}`);
  const [first = []] = columns;
  const odd = columns.findIndex((column) => column.length !== first.length);
  if (odd >= 0) {
    const counts = `${keys[0]} has ${first.length} values and ${keys[odd]} has ${nth(columns, odd).length}`;
    throw wrong(`${counts}; keys that move together have as many values each`);
  }
  if (first.length === 0) throw wrong('no values; expected at least one');
  const steps = first.map((_, index) => columns.map((column) => nth(column, index)));
  refuseTwice(
    steps.map((step) => step.join('+')),
    wrong,
  );
  return { text, keys, steps };
}

function textOf(values: string | readonly string[]): string {
  return typeof values === 'string' ? values : `[${values.join(', ')}]`;
}

function columnOf(
  key: string,
  values: string | readonly string[],
  acceptsOf: AcceptsOf | undefined,
): readonly string[] {
  if (typeof values !== 'string') return values;
  const wrong = (what: string): UsageError => new UsageError(`vary ${key}: ${values}: ${what}`);
  const range = spread(values, wrong, acceptsOf?.(key));
  return range ?? [values];
}

function stepsOf(
  entry: string,
  keys: readonly string[],
  wrong: (what: string) => UsageError,
  acceptsOf: AcceptsOf | undefined,
): string[][] {
  if (keys.length > 1) {
    const values = splitOutside(entry, '+');
    if (values.length === keys.length && !values.includes('')) return [values];
    throw wrong(`expected ${keys.length} values with + between them, got "${entry}"`);
  }
  const [key = ''] = keys;
  return (spread(entry, wrong, acceptsOf?.(key)) ?? [entry]).map((value) => [value]);
}

function refuseTwice(words: readonly string[], wrong: (what: string) => UsageError): void {
  const twice = words.find((word, index) => words.indexOf(word) < index);
  if (twice !== undefined) throw wrong(`${twice} is listed twice; list each value once`);
}

/** Splits at `separator` where it stands outside of brackets, braces and quotes: YAML values keep theirs. */
function splitOutside(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  let quote = '';
  for (const letter of text) {
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '[' || letter === '{') depth += 1;
    else if (letter === ']' || letter === '}') depth -= 1;
    if (letter === separator && depth === 0 && quote === '') parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim());
}
