/** Reads values as a table describes them. */
import { isMap, isOneOf } from '../lists.js';
import { UsageError } from '../errors.js';
import { nearest } from '../suggest.js';
import {
  PAGE_BYTES,
  parseBytes,
  parseBytesPerSecond,
  parseDurationNs,
  parseDurationUs,
  parseLinkBytesPerSecond,
  parseShare,
  MIB,
} from '../units.js';
import type {
  NumberEntry,
  OptionEntry,
  OptionParser,
  OptionSource,
  OptionTable,
  OptionValues,
  ParserIssue,
  PerVcpuEntry,
  QuantityEntry,
  WholeQuantityEntry,
} from './table.js';
import { expected, expectedFlag, expectedWord, show, unknown } from './wording.js';

const { max: most, round } = Math;

export type Path = readonly PropertyKey[];

/** Something wrong with a value, or with the key that is last in `path`. */
export interface Problem {
  readonly path: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
}

/** Says what is wrong, and where inside the value. */
type Report = (message: string, path?: Path) => void;

/**
 * The values of all options, defaults filled in, or everything that is wrong with them. `parameters` is for a parser of
 * the user's own.
 */
export function readOptions<Options extends OptionSource>(
  options: Options,
  written: unknown,
  parameters?: object,
): { readonly value: OptionValues<Options> } | { readonly problems: readonly Problem[] } {
  return (isTable(options) ? readTable(options, written) : readParsed(options, written, parameters)) as never;
}

/** As `readOptions`. Throws `UsageError` with the first thing that is wrong. */
export function parseOptions<Options extends OptionSource>(
  options: Options,
  written: unknown,
): OptionValues<Options> {
  const result = readOptions(options, written);
  if ('value' in result) return result.value;
  const [first] = result.problems;
  const where = first === undefined || first.path.length === 0 ? '' : `${first.path.map(String).join('.')}: `;
  throw new UsageError(`${where}${first?.message ?? 'not accepted'}`);
}

/** Whether the options are a table, and not a parser of the user's own. */
export function isTable(options: OptionSource): options is OptionTable {
  return !('safeParse' in options) || typeof options.safeParse !== 'function';
}

function readParsed(
  options: OptionParser,
  written: unknown,
  parameters: object | undefined,
): { readonly value: unknown } | { readonly problems: readonly Problem[] } {
  const result = options.safeParse(written, parameters);
  return result.success ? { value: result.data } : { problems: result.error.issues.map(problemOf) };
}

/**
 * Without those that follow from a key that is not known: what its map lacks by that, and what the map as a whole comes to. The
 * key that was meant is missing only as it was misspelt.
 */
export function withoutConsequences(problems: readonly Problem[]): readonly Problem[] {
  const strange = problems.filter(({ at }) => at === 'key');
  if (strange.length === 0) return problems;
  const follows = ({ path, at, message }: Problem): boolean =>
    at === 'value' &&
    strange.some(({ path: keyPath }) => {
      const [owner, key] = [keyPath.slice(0, -1), String(keyPath.at(-1))];
      const inOwner = owner.every((segment, i) => segment === path[i]);
      if (!inOwner || path.length > owner.length + 1) return false;
      if (path.length === owner.length) return true;
      return message.startsWith('missing;') && nearest(key, [String(path.at(-1))]) !== undefined;
    });
  return problems.filter((problem) => !follows(problem));
}

/** A key that is not known is a problem of the key, all else of a value. */
export function problemOf({ path, message, code, keys }: ParserIssue): Problem {
  const [key] = keys ?? [];
  return code === 'unrecognized_keys' && key !== undefined
    ? { path: [...path, key], at: 'key', message }
    : { path, at: 'value', message };
}

function readTable(
  table: OptionTable,
  written: unknown,
): { readonly value: unknown } | { readonly problems: readonly Problem[] } {
  if (!isMap(written)) return { problems: [{ path: [], at: 'value', message: expected('a map', written) }] };
  const problems: Problem[] = [];
  const value: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(table)) {
    const input = written[key] === undefined ? entryDefault(entry) : written[key];
    if (input === undefined && entry.optional === true) continue;
    value[key] = readEntry(entry, input, (message, path = []) =>
      problems.push({ path: [key, ...path], at: 'value', message }),
    );
  }
  const strange = Object.keys(written).find((key) => !Object.hasOwn(table, key));
  if (strange !== undefined) {
    problems.push({ path: [strange], at: 'key', message: unknown('key', strange, Object.keys(table)) });
  }
  return problems.length > 0 ? { problems: withoutConsequences(problems) } : { value };
}

/** As users write it. */
export function entryDefault(entry: OptionEntry): unknown {
  return 'default' in entry ? entry.default : undefined;
}

/** The value; undefined after `report`. */
export function readEntry(entry: OptionEntry, input: unknown, report: Report): unknown {
  switch (entry.kind) {
    case 'percent':
    case 'mib-per-second':
    case 'duration-ms':
      return readWhole(entry, input, report);
    case 'count':
    case 'number':
      return readNumber(entry, input, report);
    case 'flag':
      if (typeof input !== 'boolean') return report(expectedFlag(input));
      return input;
    case 'choice':
      if (!isOneOf(entry.choices, input)) return report(expectedWord(entry.choices, input));
      return input;
    case 'vcpus':
      return readVcpus(input, report);
    case 'per-vcpu':
      return readPerVcpu(entry, input, report);
    case 'curve':
      return readCurve(input, report);
    case 'custom':
      return attempt(() => entry.read(input, report), report);
    default:
      return readQuantity(entry, input, report);
  }
}

function attempt<Value>(read: () => Value, report: Report): Value | void {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    report(error.message);
  }
}

// ----------------------------------------------------------------------------------------------- text with a unit

interface Quantity {
  readonly what: string;
  readonly such: string;
  /** Throws `UsageError`. */
  readonly read: (text: string) => number;
}

export const QUANTITIES: Readonly<Record<QuantityEntry['kind'], Quantity>> = {
  size: { what: 'a size', such: '16GiB', read: parseBytes },
  rate: { what: 'a rate', such: '400MiB/s', read: parseBytesPerSecond },
  'link-rate': { what: 'a rate', such: '10Gbit/s', read: parseLinkBytesPerSecond },
  duration: { what: 'a duration', such: '300ms', read: parseDurationUs },
  'duration-ns': { what: 'a duration', such: '500ns', read: parseDurationNs },
  share: { what: 'a share', such: '30%', read: parseShare },
};

function readQuantity(entry: QuantityEntry, input: unknown, report: Report): number | void {
  const { what, such, read } = QUANTITIES[entry.kind];
  const words = entry.words ?? {};
  if (typeof input === 'string' && Object.hasOwn(words, input)) return words[input];
  if (input === 0 && entry.zero === true) return 0;
  const orWords = Object.keys(words).map((word) => ` or ${word}`);
  if (typeof input !== 'string' && typeof input !== 'number') {
    return report(expected(`${what} such as ${such}${orWords.join('')}`, input));
  }
  try {
    const value = read(String(input));
    return isOutside(entry, value) ? report(expected(boundsText(entry), input)) : value;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { bare } = entry;
    if (bare !== undefined && /^\d+(\.\d+)?$/.test(String(input)))
      return report(error.message.replace('; expected', `; did you mean ${input}${bare}? Expected`));
    const meant = nearest(String(input), Object.keys(words));
    const more = meant === undefined ? orWords.map((word) => `;${word}`) : [`; did you mean ${meant}?`];
    report(error.message + more.join(''));
  }
}

function isOutside({ kind, min, max, zero }: QuantityEntry, value: number): boolean {
  const { read } = QUANTITIES[kind];
  if (value === 0) return zero !== true;
  return (min !== undefined && value < read(min)) || (max !== undefined && value > read(max));
}

/** `a size above 0 and up to 64TiB`. */
export function boundsText({ kind, min, max, zero }: QuantityEntry): string {
  const { what } = QUANTITIES[kind];
  const lower = min === undefined ? (zero === true ? '' : ' above 0') : ` from ${min}`;
  if (max === undefined) return what + lower;
  return (
    what + (min === undefined ? `${lower}${lower === '' ? '' : ' and'} up to ${max}` : `${lower} to ${max}`)
  );
}

// --------------------------------------------------------------------------------------- whole numbers of QEMU's unit

interface WholeQuantity {
  /** What is expected, with its bounds. */
  expected(min: number, max: number): string;
  /** May throw `UsageError`. */
  read(text: string, entry: Omit<WholeQuantityEntry, 'summary'>): number;
}

const upTo = (unit: string, max: number): string => (max === Infinity ? '' : ` to ${max}${unit}`);

export const WHOLE_QUANTITIES: Readonly<Record<WholeQuantityEntry['kind'], WholeQuantity>> = {
  percent: {
    expected: (min, max) => `a whole percentage from ${min} to ${max}, such as 20 or 20%`,
    read: (text) => bareNumber(text.replace(/%\s*$/, '')) ?? NaN,
  },
  'mib-per-second': {
    expected: (min, max) => `a whole number of MiB/s from ${min}${upTo('', max)}, such as 100MiB/s`,
    read(text, { min = 0 }) {
      const value = bareNumber(text) ?? parseBytesPerSecond(text) / MIB;
      if (Number.isSafeInteger(value)) return value;
      const whole = most(min, round(value));
      throw new UsageError(
        `${show(text)} is ${value.toFixed(2)} MiB/s, and QEMU takes whole MiB/s; expected such as ${whole}MiB/s`,
      );
    },
  },
  'duration-ms': {
    expected: (min, max) => `a duration of whole ms from ${min}ms${upTo('ms', max)}, such as 500ms`,
    read: (text, entry) =>
      (entry.bareNumber === true ? bareNumber(text) : undefined) ?? parseDurationUs(text) / 1000,
  },
};

/** The number of a text without a unit, or undefined. */
function bareNumber(text: string): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

/** Inclusive. */
export function wholeBounds({
  kind,
  min = 0,
  max = kind === 'percent' ? 100 : Infinity,
}: Omit<WholeQuantityEntry, 'summary'>): { readonly min: number; readonly max: number } {
  return { min, max };
}

function readWhole(
  entry: Omit<WholeQuantityEntry, 'summary'>,
  input: unknown,
  report: Report,
): number | 'none' | void {
  const { orNone = false } = entry;
  if (orNone && input === 'none') return 'none';
  const isNumber = typeof input === 'number';
  if (!isNumber && typeof input !== 'string' && orNone) {
    return report(expected('none or a number with its unit', input));
  }
  const { min, max } = wholeBounds(entry);
  const kind = WHOLE_QUANTITIES[entry.kind];
  const orNoneText = orNone ? '; none is possible too' : '';
  const wrong = (): void => report(expected(kind.expected(min, max), input) + orNoneText);
  const acceptsNumber = entry.kind !== 'duration-ms' || entry.bareNumber === true;
  if (isNumber ? !acceptsNumber : typeof input !== 'string') return wrong();
  const value = isNumber
    ? input
    : attempt(
        () => kind.read(String(input), entry),
        (message) => report(message + orNoneText),
      );
  if (value === undefined) return undefined;
  return Number.isSafeInteger(value) && value >= min && value <= max ? value : wrong();
}

// --------------------------------------------------------------------------------------------------------- numbers

function readNumber(entry: NumberEntry, input: unknown, report: Report): number | void {
  const { kind, min = -Infinity, max = Infinity } = entry;
  const isRight = kind === 'count' ? Number.isSafeInteger(input) : Number.isFinite(input);
  if (isRight && Number(input) >= min && Number(input) <= max) return Number(input);
  report(expected(numberText(entry), input));
}

/** `a whole number from 1 to 10`. */
export function numberText({ kind, what, min, max = Infinity }: NumberEntry): string {
  const named = what ?? (kind === 'count' ? 'a whole number' : 'a number');
  return min === undefined ? named : `${named} from ${min}${upTo('', max)}`;
}

// ---------------------------------------------------------------------------------------------------------- lists

function readVcpus(input: unknown, report: Report): readonly number[] | void {
  if (!Array.isArray(input)) return report(expected('a list of vCPU indexes such as [0, 1]', input));
  return input.map((index: unknown, at) => {
    if (!Number.isSafeInteger(index) || Number(index) < 0) {
      report(expected('the index of a vCPU, from 0', index), [at]);
    }
    return Number(index);
  });
}

function readPerVcpu({ each, such }: PerVcpuEntry, input: unknown, report: Report): unknown {
  if (!Array.isArray(input)) {
    return report(expected(`a list with a value for each vCPU, such as ${such}`, input));
  }
  return input.map((value: unknown, at) => readWhole(each, value, (message) => report(message, [at])));
}

const TIME: QuantityEntry = { kind: 'duration', max: '24h', summary: 'length of the interval' };
const DIRTIED: QuantityEntry = {
  kind: 'size',
  max: '64TiB',
  summary: 'what is dirtied in it: a size, or a number of pages',
};

function readCurve(input: unknown, report: Report): unknown {
  if (!Array.isArray(input)) {
    return report(expected('a list such as [[1s, 100MiB], [10s, 400MiB]]', input));
  }
  if (input.length === 0) return report('expected at least 1 entry, got an empty list');
  let isRight = true;
  const points = input.map((point: unknown, at) => {
    const wrong: Report = (message, path = []) => {
      isRight = false;
      report(message, [at, ...path]);
    };
    if (!Array.isArray(point) || point.length !== 2) {
      wrong(expected('[duration, size] such as [1s, 100MiB]', point));
      return { durationUs: 0, bytes: 0 };
    }
    const durationUs = readQuantity(TIME, point[0], (message) => wrong(message, [0])) ?? 0;
    const bytes = readDirtied(point[1], (message) => wrong(message, [1])) ?? 0;
    return { durationUs, bytes };
  });
  const fault = points.findIndex(({ durationUs, bytes }, at) => {
    const before = points[at - 1];
    return before !== undefined && (durationUs <= before.durationUs || bytes < before.bytes);
  });
  if (isRight && fault > 0) {
    report('expected a longer time than the point before, and no less dirtied in it', [fault]);
  }
  return points.map(({ durationUs, bytes }) => ({
    durationUs,
    pages: most(1, round(bytes / PAGE_BYTES)),
  }));
}

/** A size with its unit, or a plain number of pages, as `[period, pages]` readings have it. */
function readDirtied(input: unknown, report: Report): number | void {
  if (typeof input === 'number' && Number.isInteger(input) && input > 0) return input * PAGE_BYTES;
  return readQuantity(DIRTIED, input, () =>
    report(expected('a size such as 100MiB, or a whole number of pages', input)),
  );
}
