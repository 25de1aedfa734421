/** The values of a scenario file that carry a unit, and those that may be written in several ways. */
import * as z from 'zod/mini';
import { isOneOf } from '../../lists.js';
import { entryDefault } from '../../options/read.js';
import type { OptionEntry, OptionValue, QuantityEntry } from '../../options/table.js';
import { entrySchema, transformed } from '../../options/zod.js';
import { expected, show } from '../../options/wording.js';

/** A text with a unit in, a plain number out. */
export type QuantitySchema = z.ZodMiniType<number, unknown>;
export type QuantityOptions = Omit<QuantityEntry, 'kind' | 'summary' | 'default' | 'optional'>;

/** To bytes. */
export const size = quantity('size');
/** To bytes/s. */
export const rate = quantity('rate');
/** To a number, 100 % being 1. */
export const share = quantity('share');

function quantity(
  kind: QuantityEntry['kind'],
): (description: string, options?: QuantityOptions) => QuantitySchema {
  return (summary, options = {}) => entrySchema<number>({ ...options, kind, summary });
}

/** The written forms of a value that `either` reads, for the JSON Schema. */
const writtenForms = new WeakMap<object, () => readonly z.ZodMiniType[]>();

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
  forms: () => readonly z.ZodMiniType[],
  read: (input: unknown, wrong: (...wrongs: readonly Wrong[]) => void) => Value | undefined,
): z.ZodMiniType<Value, unknown> {
  const written = z.unknown().register(z.globalRegistry, { description });
  writtenForms.set(written, forms);
  // What is around a value that is put in stays the same objects, and need not be read again.
  const readBefore = new WeakMap<object, Value>();
  return z.pipe(
    written,
    z.transform((input, context): Value => {
      const known = typeof input === 'object' && input !== null ? readBefore.get(input) : undefined;
      if (known !== undefined) return known;
      const before = context.issues.length;
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
      if (value === undefined) return z.NEVER;
      if (typeof input === 'object' && input !== null && context.issues.length === before)
        readBefore.set(input, value);
      return value;
    }),
  );
}

/** The written forms of a schema made by `either`. */
export function formsOf(schema: object): readonly z.ZodMiniType[] | undefined {
  return writtenForms.get(schema)?.();
}

/** What stands under a key: an entry of a table, or the schema of a value that has parts or several forms. */
type Part = OptionEntry | z.ZodMiniType;

type SchemaOf<Of extends Part> = Of extends z.ZodMiniType
  ? Of
  : Of extends { readonly optional: true }
    ? z.ZodMiniOptional<z.ZodMiniType<Exclude<OptionValue<Of>, undefined>, unknown>>
    : Of extends { readonly default: unknown }
      ? z.ZodMiniPrefault<z.ZodMiniType<OptionValue<Of>, unknown>>
      : z.ZodMiniType<OptionValue<Of>, unknown>;

type Shape<Parts extends Readonly<Record<string, Part>>> = {
  -readonly [Key in keyof Parts]: SchemaOf<Parts[Key]>;
};

/** A map with these keys; `such` shows one. Defaults are filled in. */
export function section<const Parts extends Readonly<Record<string, Part>>>(such: string, parts: Parts) {
  const shape = Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, schemaOf(part)]));
  return z.strictObject(shape as Shape<Parts>, {
    error: ({ code, input }) =>
      code === 'invalid_type' ? expected(`a map such as ${such}`, input) : undefined,
  });
}

function schemaOf(part: Part): z.ZodMiniType {
  if (part instanceof z.ZodMiniType) return part;
  const schema = entrySchema(part);
  const fallback = entryDefault(part);
  if (fallback !== undefined) return z.prefault(schema, fallback);
  return part.optional === true ? z.optional(schema) : schema;
}

/** A list of such values; `such` shows one. */
export function list<Entry extends z.ZodMiniType>(entry: Entry, such: string): z.ZodMiniArray<Entry> {
  return z.array(entry, {
    error: ({ code, input }) =>
      code === 'invalid_type' ? expected(`a list such as ${such}`, input) : undefined,
  });
}

/** Entries of a vCPU's dirty ring; 0 turns it off. */
export function ringSize(description: string): z.ZodMiniType<number, unknown> {
  const powers = Array.from({ length: 9 }, (_, i) => 256 * 2 ** i);
  return transformed(
    z.unknown().register(z.globalRegistry, { enum: [0, ...powers], description }),
    (input, refuse) => {
      if (input === 0 || isOneOf(powers, input)) return input;
      const close = typeof input === 'number' && input > 128 && input < 100_000;
      const meant = close ? powers[Math.round(Math.log2(input)) - 8] : undefined;
      return refuse(
        `expected a power of two from 256 to 65536, or 0 for the dirty bitmap, got ${show(input)}` +
          (meant === undefined ? '' : `; did you mean ${meant}?`),
      );
    },
  );
}
