import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { lostWorkSeconds } from '../../src/experiment/regret.js';
import { hostFields } from '../../src/guest/host-profiles/fields.js';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { parseOptions } from '../../src/options/read.js';
import { strategies } from '../../src/strategies/index.js';
import { close, goldenRow } from './figures.mjs';

type Row = Readonly<Record<string, unknown>>;

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
}

const setups = read('setups.json') as Record<string, MigrationSetup>;
const golden = read('strategies.json') as Record<string, Record<string, Row>>;

describe.each(Object.entries(setups))('%s', (name, setup) => {
  test('has golden numbers of every strategy, and of no other', () => {
    expect(Object.keys(golden[name]!)).toEqual(Object.keys(strategies));
  });

  // One that is missing would be no number in whatever it is a cost of, and that part would be left out.
  test('has every cost of a host', () => {
    const missing = Object.entries(hostFields).filter(
      ([field, { kind }]) => kind !== 'flag' && !Number.isFinite(Reflect.get(setup.host, field)),
    );
    expect(missing).toEqual([]);
  });

  // After a change of a rule: npm run generate
  test.each(Object.values(strategies).map((definition) => [definition.name, definition] as const))(
    '%s does what it did',
    (strategy, definition) => {
      const expected = golden[name]![strategy]!;
      const actual = goldenRow(definition, setup, { parseOptions, runMigration, lostWorkSeconds }) as Row;
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      const flat = (row: Row): [string, unknown][] =>
        Object.entries(row).flatMap(([key, value]) =>
          Array.isArray(value) ? value.map((v, i): [string, unknown] => [`${key} ${i}`, v]) : [[key, value]],
        );
      const wanted = flat(expected);
      const differing = flat(actual).filter(([, value], i) => !close(value, wanted[i]![1]));
      expect(differing).toEqual([]);
    },
  );
});
