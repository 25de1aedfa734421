import { jsonSchemaOfTable } from '../../src/options/json-schema.js';
import type { OptionTable } from '../../src/options/table.js';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { policies } from '../../src/policies/index.js';
import { OVIRT_POLICIES } from '../../src/policies/kit/ovirt-schedule.js';
import type { PolicyDefinition } from '../../src/strategies/define.js';

const page = readFileSync(new URL('../../docs/policies.md', import.meta.url), 'utf8');

/** Text under `## name`. */
function section(name: string): string {
  return page.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';
}

/** Cells of the rows of the table that begins with this heading. */
function rowsOf(text: string, heading: string): string[][] {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => line.startsWith(`| ${heading} `));
  const rows = from < 0 ? [] : lines.slice(from + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end < 0 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
  );
}

describe.each(Object.entries(policies) as [string, PolicyDefinition][])(
  'docs/policies.md on %s',
  (name, policy) => {
    test('has a paragraph', () => {
      expect(section(name).split('\n\n')[1]?.length).toBeGreaterThan(80);
    });

    test('has its options with their defaults and meanings', () => {
      const { properties } = jsonSchemaOfTable(policy.options as OptionTable);
      const expected = Object.entries(
        properties as Record<string, { default: unknown; description: string }>,
      ).map(([option, property]) => [
        option,
        String(property.default),
        property.description.replaceAll('*', '\\*'),
      ]);
      expect(rowsOf(section(name), 'option')).toEqual(expected);
    });
  },
);

test('every schedule of oVirt has its row', () => {
  expect(rowsOf(section('ovirt'), 'schedule').map(([schedule]) => schedule)).toEqual([...OVIRT_POLICIES]);
});
