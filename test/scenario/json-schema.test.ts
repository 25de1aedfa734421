import { describe, expect, test } from '@jest/globals';
import { scenarioJsonSchema } from '../../src/scenario/form/json-schema.js';
import { policies } from '../../src/policies/index.js';
import { strategies } from '../../src/strategies/index.js';
import { workloads } from '../../src/guest/workloads/index.js';

interface Schema {
  readonly properties: Readonly<Record<string, Schema>>;
  readonly items: Schema;
  readonly anyOf: readonly Schema[];
  readonly enum: readonly unknown[];
  readonly description?: string;
  readonly required?: readonly string[];
}

const schema = scenarioJsonSchema() as unknown as Schema;

describe('the JSON Schema', () => {
  const guest = schema.properties['guest']!.properties;

  test('asks only for what has no default', () => {
    expect(schema.required).toEqual(['guest', 'link']);
    expect(schema.properties['guest']!.required).toEqual(['memory', 'vcpus']);
    expect(schema.properties['link']!.required).toEqual(['bandwidth']);
  });

  test.each([
    ['strategies', schema.properties['strategies']!.items, strategies],
    ['policies', schema.properties['policy']!, policies],
    ['workloads', guest['vcpus']!.items.properties['workload']!, workloads],
  ] as const)('offers all %s, by name and with their options', (_, choice, registry) => {
    const names = Object.keys(registry);
    expect(choice.anyOf[0]!.enum).toEqual(names);
    const withOptions = choice.anyOf
      .slice(1, names.length + 1)
      .map(({ properties }) => Object.keys(properties));
    expect(withOptions).toEqual(names.map((name) => [name]));
  });

  test('describes every key of guest, link, host and migration', () => {
    for (const part of ['guest', 'link', 'host', 'migration']) {
      for (const [key, { description }] of Object.entries(schema.properties[part]!.properties)) {
        expect(`${part}.${key}: ${description ?? ''}`.length).toBeGreaterThan(`${part}.${key}: `.length + 5);
      }
    }
  });
});
