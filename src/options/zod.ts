/** Tables as parts of larger schemas, and schemas as entries of tables. */
import { en } from 'zod/locales';
import * as z from 'zod/mini';
import { jsonSchemaOf, jsonSchemaOfTable } from './json-schema.js';
import { rangeOf } from './range.js';
import { readEntry, readOptions } from './read.js';
import type { CustomEntry, OptionEntry, OptionTable, TableValues } from './table.js';

/** For `safeParse`: zod's own words. */
export const ENGLISH = { error: en().localeError };

/** What the schemas made of entries accept, in words. */
const ranges = new WeakMap<object, string>();

/** `a size from 1MiB to 64TiB`, of a schema that `entrySchema` made; else undefined. */
export function rangeOfSchema(schema: object): string | undefined {
  return ranges.get(schema);
}

/** The tables of the schemas that `tableSchema` made. */
const tables = new WeakMap<object, OptionTable>();

/** What each option of such a schema accepts, in words. */
export function rangesOfSchema(schema: object): Readonly<Record<string, string>> {
  const entries = Object.entries(tables.get(schema) ?? {});
  return Object.fromEntries(entries.map(([key, entry]) => [key, rangeOf(entry)]));
}

/** One entry. Its default is not filled in. */
export function entrySchema<Value>(entry: OptionEntry): z.ZodMiniType<Value, unknown> {
  const { default: _, ...written } = jsonSchemaOf(entry);
  const form = z.unknown().register(z.globalRegistry, written);
  ranges.set(form, rangeOf(entry));
  return z.pipe(
    form,
    z.transform((input, context) => {
      const before = context.issues.length;
      const value = readEntry(entry, input, (message, path = []) => {
        context.issues.push({ code: 'custom', message, path: [...path], input });
      });
      return context.issues.length > before ? z.NEVER : (value as Value);
    }),
  );
}

/** A whole table. */
export function tableSchema<const Table extends OptionTable>(
  table: Table,
  description?: string,
): z.ZodMiniType<TableValues<Table>, unknown> {
  const form = z.unknown().register(z.globalRegistry, {
    ...jsonSchemaOfTable(table),
    ...(description === undefined ? {} : { description }),
  });
  tables.set(form, table);
  return z.pipe(
    form,
    z.transform((input, context): TableValues<Table> => {
      const result = readOptions(table, input);
      if ('value' in result) return result.value as TableValues<Table>;
      for (const { path, at, message } of result.problems) {
        const [key] = path;
        if (at === 'key') {
          context.issues.push({
            code: 'unrecognized_keys',
            keys: [String(key)],
            message,
            path: [],
            input: {},
          });
        } else context.issues.push({ code: 'custom', message, path: [...path], input });
      }
      return z.NEVER;
    }),
  );
}

/** Such a schema with what `read` makes of its values. `read` may refuse one instead. */
export function transformed<Schema extends z.ZodMiniType, Value>(
  schema: Schema,
  read: (value: z.output<Schema>, refuse: (message: string) => never) => Value,
) {
  return z.pipe(
    schema,
    z.transform((input: z.output<Schema>, context) =>
      read(input, (message) => {
        context.issues.push({ code: 'custom', message, input });
        return z.NEVER;
      }),
    ),
  );
}

/** An entry that is read by a schema. */
export function customEntry<Value>(
  schema: z.ZodMiniType<Value, unknown>,
  { summary, default: fallback }: Pick<CustomEntry, 'summary' | 'default'>,
): CustomEntry<Value> & { readonly kind: 'custom' } {
  return {
    kind: 'custom',
    summary,
    default: fallback,
    read(input, report) {
      const result = schema.safeParse(input, ENGLISH);
      if (result.success) return result.data;
      for (const { path, message } of result.error.issues) report(message, path);
      return undefined;
    },
    get jsonSchema(): Record<string, unknown> {
      const { $schema: _, ...written } = z.toJSONSchema(schema, {
        io: 'input',
        target: 'draft-7',
        unrepresentable: 'any',
      });
      return written;
    },
  };
}
