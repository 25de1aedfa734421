/** The form of scenario files as a JSON Schema, for completion and checking in editors. */
import { z } from 'zod';
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

function toJsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const forms = formsOf(zodSchema);
      if (forms !== undefined) jsonSchema.anyOf = forms.map(toJsonSchema);
    },
  });
  return rest;
}
