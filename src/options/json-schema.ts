/** JSON Schema, draft 7, of what a table describes. */
import type { OptionEntry, OptionTable, QuantityEntry, WholeQuantityEntry } from './table.js';
import { entryDefault, QUANTITIES, wholeBounds } from './read.js';

export type JsonSchema = Record<string, unknown>;

/** A map with these options; those without a default are required. */
export function jsonSchemaOfTable(table: OptionTable): JsonSchema {
  const required = Object.entries(table).filter(
    ([, entry]) => entryDefault(entry) === undefined && entry.optional !== true,
  );
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(table).map(([key, entry]) => [key, jsonSchemaOf(entry)])),
    ...(required.length === 0 ? {} : { required: required.map(([key]) => key) }),
    additionalProperties: false,
  };
}

/** One value, with its default and meaning. */
export function jsonSchemaOf(entry: OptionEntry): JsonSchema {
  const fallback = entryDefault(entry);
  return {
    ...(fallback === undefined ? {} : { default: fallback }),
    ...formOf(entry),
    description: entry.summary,
  };
}

function formOf(entry: OptionEntry): JsonSchema {
  switch (entry.kind) {
    case 'percent':
    case 'mib-per-second':
    case 'duration-ms':
      return wholeForm(entry);
    case 'count':
    case 'number': {
      const { kind, min, max } = entry;
      return {
        type: kind === 'count' ? 'integer' : 'number',
        ...(min === undefined ? {} : { minimum: min }),
        ...(max === undefined ? {} : { maximum: max }),
      };
    }
    case 'flag':
      return { type: 'boolean' };
    case 'choice':
      return { type: 'string', enum: [...entry.choices] };
    case 'vcpus':
      return { type: 'array', items: { type: 'integer', minimum: 0 } };
    case 'per-vcpu':
      return { type: 'array', items: wholeForm(entry.each) };
    case 'curve':
      return CURVE;
    case 'custom':
      return entry.jsonSchema;
    default:
      return quantityForm(entry);
  }
}

function wholeForm(entry: Omit<WholeQuantityEntry, 'summary'>): JsonSchema {
  const { min, max } = wholeBounds(entry);
  if (entry.kind === 'duration-ms' && entry.bareNumber !== true) return { type: 'string' };
  const number = { type: 'number', minimum: min, ...(max === Infinity ? {} : { maximum: max }) };
  return { anyOf: [number, { type: 'string' }] };
}

function quantityForm({ kind, zero, words = {} }: QuantityEntry): JsonSchema {
  return {
    ...(zero === true ? { anyOf: [{ type: 'string' }, { const: 0 }] } : { type: 'string' }),
    examples: [QUANTITIES[kind].such, ...Object.keys(words)],
  };
}

const CURVE: JsonSchema = {
  type: 'array',
  minItems: 1,
  items: {
    type: 'array',
    items: [
      { type: 'string', description: 'length of the interval', examples: [QUANTITIES.duration.such] },
      {
        description: 'what is dirtied in it: a size, or a number of pages',
        anyOf: [
          { type: 'string', examples: [QUANTITIES.size.such] },
          { type: 'integer', minimum: 1 },
        ],
      },
    ],
    additionalItems: false,
    minItems: 2,
    maxItems: 2,
  },
};
