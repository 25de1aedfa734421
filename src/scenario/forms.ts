/** The values of a scenario file that carry a unit, and those that may be written in several ways. */
import { z } from 'zod';
import { UsageError } from '../errors.js';
import { nearest } from '../suggest.js';
import {
  parseBytes,
  parseBytesPerSecond,
  parseDurationNs,
  parseDurationUs,
  parseLinkBytesPerSecond,
  parseShare,
} from '../units.js';
import { expected, show } from './wording.js';

export interface QuantityOptions {
  /** Inclusive bounds, as users write them; without `min` anything above 0 will do. */
  readonly min?: string;
  readonly max?: string;
  /** 0 is a value like others (also without a unit). */
  readonly zero?: boolean;
  /** Words that stand for numbers, such as `unlimited` for 0. */
  readonly words?: Readonly<Record<string, number>>;
  /** The unit in which QEMU itself takes the number, for those who leave it out. */
  readonly bare?: string;
}

interface QuantityKind {
  readonly what: string;
  readonly such: string;
  /** Throws `UsageError`. */
  readonly read: (text: string) => number;
}

/** A text with a unit in, a plain number out. */
export type QuantitySchema = z.ZodType<number, unknown>;

/** To bytes. */
export const size = quantity({ what: 'a size', such: '16GiB', read: parseBytes });
/** To bytes/s. */
export const rate = quantity({ what: 'a rate', such: '400MiB/s', read: parseBytesPerSecond });
/** The same for what a link carries, of which a lone `G` is Gbit. */
export const linkRate = quantity({ what: 'a rate', such: '10Gbit/s', read: parseLinkBytesPerSecond });
/** To µs. */
export const duration = quantity({ what: 'a duration', such: '300ms', read: parseDurationUs });
/** To ns. */
export const durationNs = quantity({ what: 'a duration', such: '500ns', read: parseDurationNs });
/** To a number, 100 % being 1. */
export const share = quantity({ what: 'a share', such: '30%', read: parseShare });

function quantity(kind: QuantityKind): (description: string, options?: QuantityOptions) => QuantitySchema {
  return (description, options = {}) => {
    const words = Object.keys(options.words ?? {});
    const examples = [kind.such, ...words];
    const written =
      options.zero === true ? { anyOf: [{ type: 'string' }, { const: 0 }] } : { type: 'string' };
    return z
      .unknown()
      .meta({ ...written, description, examples })
      .transform((input, context) => {
        const result = readQuantity(kind, options, input);
        if (typeof result === 'number') return result;
        context.addIssue({ code: 'custom', message: result });
        return z.NEVER;
      });
  };
}

/** The number, or what is wrong. */
function readQuantity(kind: QuantityKind, options: QuantityOptions, input: unknown): number | string {
  const words = options.words ?? {};
  if (typeof input === 'string' && Object.hasOwn(words, input)) return words[input]!;
  if (input === 0 && options.zero === true) return 0;
  const orWords = Object.keys(words).map((word) => ` or ${word}`);
  if (typeof input !== 'string' && typeof input !== 'number') {
    return expected(`${kind.what} such as ${kind.such}${orWords.join('')}`, input);
  }
  try {
    const value = kind.read(String(input));
    return outOfBounds(kind, options, value) ? expected(boundsText(kind, options), input) : value;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { bare } = options;
    if (bare !== undefined && /^\d+(\.\d+)?$/.test(String(input)))
      return error.message.replace('; expected', `; did you mean ${input}${bare}? Expected`);
    const meant = nearest(String(input), Object.keys(words));
    const more = meant === undefined ? orWords.map((word) => `;${word}`) : [`; did you mean ${meant}?`];
    return error.message + more.join('');
  }
}

function outOfBounds(kind: QuantityKind, { min, max, zero }: QuantityOptions, value: number): boolean {
  if (value === 0) return zero !== true;
  return (min !== undefined && value < kind.read(min)) || (max !== undefined && value > kind.read(max));
}

function boundsText({ what }: QuantityKind, { min, max, zero }: QuantityOptions): string {
  const lower = min === undefined ? (zero === true ? '' : ' above 0') : ` from ${min}`;
  if (max === undefined) return what + lower;
  return (
    what + (min === undefined ? `${lower}${lower === '' ? '' : ' and'} up to ${max}` : `${lower} to ${max}`)
  );
}

/** The written forms of a value that `either` reads, for the JSON Schema. */
const writtenForms = new WeakMap<object, () => readonly z.ZodType[]>();

/** What `read` says instead of a value: where inside the value, or which key in it, and what is wrong. */
export interface Wrong {
  readonly path?: readonly PropertyKey[];
  readonly at?: 'key' | 'value';
  readonly message: string;
}

/**
 * A value that may be written in several ways. `read` looks at what came and picks the way, so that errors are about what
 * was meant, not about all that could have been; `forms` are the same ways as schemas, for completion in editors.
 */
export function either<Value>(
  description: string,
  forms: () => readonly z.ZodType[],
  read: (input: unknown, wrong: (...wrongs: readonly Wrong[]) => void) => Value | undefined,
): z.ZodType<Value, unknown> {
  const written = z.unknown().meta({ description });
  writtenForms.set(written, forms);
  return written.transform((input, context): Value => {
    const value = read(input, (...wrongs) => {
      for (const { path = [], at = 'value', message } of wrongs) {
        const key = at === 'key' ? path.at(-1) : undefined;
        if (key === undefined) {
          context.issues.push({ code: 'custom', message, path: [...path], input });
        } else {
          const owner = path.slice(0, -1);
          context.issues.push({
            code: 'unrecognized_keys',
            keys: [String(key)],
            message,
            path: owner,
            input: {},
          });
        }
      }
    });
    return value === undefined ? z.NEVER : value;
  });
}

/** The written forms of a schema made by `either`. */
export function formsOf(schema: object): readonly z.ZodType[] | undefined {
  return writtenForms.get(schema)?.();
}

/** A map with these keys; `such` shows one. */
export function section<Shape extends z.ZodRawShape>(such: string, shape: Shape) {
  return z.strictObject(shape, {
    error: ({ code, input }) =>
      code === 'invalid_type' ? expected(`a map such as ${such}`, input) : undefined,
  });
}

/** A list of such values; `such` shows one. */
export function list<Entry extends z.ZodType>(entry: Entry, such: string): z.ZodArray<Entry> {
  return z.array(entry, {
    error: ({ code, input }) =>
      code === 'invalid_type' ? expected(`a list such as ${such}`, input) : undefined,
  });
}

export function isMap(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

/** Entries of a vCPU's dirty ring; 0 turns it off. */
export function ringSize(description: string): z.ZodType<number, unknown> {
  const powers = Array.from({ length: 9 }, (_, i) => 256 * 2 ** i);
  return z
    .unknown()
    .meta({ enum: [0, ...powers], description })
    .transform((input, context) => {
      if (input === 0 || powers.includes(input as number)) return input as number;
      const close = typeof input === 'number' && input > 128 && input < 100_000;
      const meant = close ? powers[Math.round(Math.log2(input)) - 8] : undefined;
      context.addIssue(
        `expected a power of two from 256 to 65536, or 0 for the dirty bitmap, got ${show(input)}` +
          (meant === undefined ? '' : `; did you mean ${meant}?`),
      );
      return z.NEVER;
    });
}
