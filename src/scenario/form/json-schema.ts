/** The form of scenario files as a JSON Schema, for completion and checking in editors. */
import * as z from 'zod/mini';
import { isList, isMap, isOneOf } from '../../lists.js';
import { rangeOfSchema, rangesOfSchema } from '../../options/zod.js';
import { formsOf } from './forms.js';
import { scenarioSchema } from './schema.js';
import { UNCERTAIN_SECTIONS } from '../uncertain/find.js';

type JsonSchema = Record<string, unknown>;

const UNCERTAIN = 'uncertain';

const pair = (second: JsonSchema): JsonSchema => ({
  type: 'array',
  items: [{ type: ['string', 'number'] }, second],
  minItems: 2,
  maxItems: 2,
});

/** A distribution; a range such as 500..700MiB/s is a text like any other. */
const UNCERTAIN_JSON_SCHEMA: JsonSchema = {
  description: 'a distribution: every run of several draws a value, a single run has the median',
  anyOf: [
    {
      type: 'object',
      properties: { normal: pair({ type: 'string' }) },
      required: ['normal'],
      additionalProperties: false,
      description: 'mean and standard deviation, cut at three of them: { normal: [600MiB/s, 10%] }',
    },
    {
      type: 'object',
      properties: { lognormal: pair({ type: 'string' }) },
      required: ['lognormal'],
      additionalProperties: false,
      description: 'median and standard deviation of the logarithm: { lognormal: [600MiB/s, 20%] }',
    },
    {
      type: 'object',
      properties: {
        'any-of': { type: 'array', minItems: 2 },
        weights: { type: 'array', items: { type: 'number', minimum: 0 } },
      },
      required: ['any-of'],
      additionalProperties: false,
      description: 'one of these values, by weight: { any-of: [4GiB, 8GiB], weights: [3, 1] }',
    },
  ],
};

/** JSON Schema, draft 7. schema/scenario.schema.json is this, written by `npm run generate`. */
export function scenarioJsonSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'migsim scenario',
    ...withUncertain(toJsonSchema(scenarioSchema)),
    definitions: { [UNCERTAIN]: UNCERTAIN_JSON_SCHEMA },
  };
}

/** What describes the experiment takes distributions; what is chosen does not. */
function withUncertain(schema: JsonSchema): JsonSchema {
  const sections = Object.entries(isMap(schema['properties']) ? schema['properties'] : {}).map(
    ([key, section]) => [key, isOneOf(UNCERTAIN_SECTIONS, key) ? acceptingUncertain(section) : section],
  );
  return { ...schema, properties: Object.fromEntries(sections) };
}

/** Quantities are the texts that have examples. */
function acceptingUncertain(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(acceptingUncertain);
  if (!isMap(node)) return node;
  const { type, anyOf, ...rest } = node;
  const forms = isList(anyOf) ? anyOf : [{ type }];
  const isText = forms.some((form) => isMap(form) && form['type'] === 'string');
  if (isText && Object.hasOwn(rest, 'examples'))
    return { anyOf: [...forms, { $ref: `#/definitions/${UNCERTAIN}` }], ...rest };
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'default' ? value : acceptingUncertain(value)]),
  );
}

/** The text of schema/scenario.schema.json. */
export function scenarioJsonSchemaText(): string {
  return `${JSON.stringify(scenarioJsonSchema(), null, 1)}\n`;
}

/** The same with `range`, what is accepted in words, where a value is a quantity: for docs/scenario.md. */
export function describedScenario(): JsonSchema {
  return toJsonSchema(scenarioSchema, true);
}

function toJsonSchema(schema: z.ZodMiniType, withRanges = false): JsonSchema {
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
