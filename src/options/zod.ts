/** Tables as parts of larger schemas, and schemas as entries of tables. */
import { z } from 'zod';
import { jsonSchemaOf, jsonSchemaOfTable } from './json-schema.js';
import { readEntry, readOptions } from './read.js';
import type { CustomEntry, OptionEntry, OptionTable, TableValues } from './table.js';

/** One entry. Its default is not filled in. */
export function entrySchema<Value>(entry: OptionEntry): z.ZodType<Value, unknown> {
  const { default: _, ...written } = jsonSchemaOf(entry);
  return z
    .unknown()
    .meta(written)
    .transform((input, context) => {
      const before = context.issues.length;
      const value = readEntry(entry, input, (message, path = []) => {
        context.issues.push({ code: 'custom', message, path: [...path], input });
      });
      return context.issues.length > before ? z.NEVER : (value as Value);
    });
}

/** A whole table. */
export function tableSchema<const Table extends OptionTable>(
  table: Table,
  description?: string,
): z.ZodType<TableValues<Table>, unknown> {
  return z
    .unknown()
    .meta({ ...jsonSchemaOfTable(table), ...(description === undefined ? {} : { description }) })
    .transform((input, context): TableValues<Table> => {
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
    });
}

/** An entry that is read by a schema. */
export function customEntry<Value>(
  schema: z.ZodType<Value, unknown>,
  { summary, default: fallback }: Pick<CustomEntry, 'summary' | 'default'>,
): CustomEntry<Value> & { readonly kind: 'custom' } {
  return {
    kind: 'custom',
    summary,
    default: fallback,
    read(input, report) {
      const result = schema.safeParse(input);
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
