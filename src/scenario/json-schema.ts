/** The form of scenario files as a JSON Schema, for completion and checking in editors. */
import { z } from 'zod';
import { rangeOfSchema, rangesOfSchema } from '../options/zod.js';
import { formsOf } from './forms.js';
import { scenarioSchema } from './schema.js';

type JsonSchema = Record<string, unknown>;

/** JSON Schema, draft 7. schema/scenario.schema.json is this, written by `npm run generate`. */
export function scenarioJsonSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'migsim scenario',
    ...toJsonSchema(scenarioSchema),
  };
}

/** The text of schema/scenario.schema.json. */
export function scenarioJsonSchemaText(): string {
  return `${JSON.stringify(scenarioJsonSchema(), null, 1)}\n`;
}

/** The same with `range`, what is accepted in words, where a value is a quantity: for docs/scenario.md. */
export function describedScenario(): JsonSchema {
  return toJsonSchema(scenarioSchema, true);
}

function toJsonSchema(schema: z.ZodType, withRanges = false): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const forms = formsOf(zodSchema);
      if (forms !== undefined) jsonSchema.anyOf = forms.map((form) => toJsonSchema(form, withRanges));
      const range = withRanges ? rangeOfSchema(zodSchema) : undefined;
      if (range !== undefined) jsonSchema['range'] = range;
      const properties = jsonSchema.properties ?? {};
      for (const [key, text] of Object.entries(withRanges ? rangesOfSchema(zodSchema) : {})) {
        const property = properties[key];
        if (typeof property === 'object') property['range'] = text;
      }
    },
  });
  return rest;
}
