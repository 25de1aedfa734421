/** What every entry of a registry of strategies or policies must keep. */
import { describe, expect, jest, test } from '@jest/globals';
import { jsonSchemaOfTable } from '../../src/options/json-schema.js';
import { entryDefault, isTable, parseOptions, readOptions } from '../../src/options/read.js';
import { QEMU_VERSIONS } from '../../src/migration/rules/versions.js';
import type { OptionTable } from '../../src/options/table.js';
import type { StrategyDefinition } from '../../src/strategies/define.js';
import { FakeControls } from './fake-controls.js';
import { setupWith } from './setups.js';

function tableOf({ options }: StrategyDefinition): OptionTable {
  if (!isTable(options)) throw new TypeError('options are a table');
  return options;
}

export function testRegistry(kind: string, registry: Readonly<Record<string, StrategyDefinition>>): void {
  describe.each(Object.entries(registry))(`${kind} %s`, (name, entry) => {
    test('is registered under its own name, a word that needs no quotes in YAML', () => {
      expect(entry.name).toBe(name);
      expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
    });

    test('says what it does in one line, where it comes from, and its rule', () => {
      expect(entry.summary.length).toBeGreaterThan(10);
      expect(entry.summary.length).toBeLessThan(70);
      expect(entry.summary).not.toMatch(/\.$|\n/);
      expect(entry.source).not.toBe('');
      expect(entry.rule.length).toBeGreaterThan(entry.summary.length);
      expect(entry.rule).toMatch(/\.$/);
    });

    test('describes every option in one line and gives it a default', () => {
      for (const [option, described] of Object.entries(tableOf(entry))) {
        expect([option, described.summary]).toEqual([option, expect.stringMatching(/^\S.{8,118}[^.\s]$/)]);
        expect([option, entryDefault(described)]).not.toEqual([option, undefined]);
      }
    });

    test('has a JSON Schema whose defaults are themselves accepted, to the same effect', () => {
      const schema = jsonSchemaOfTable(tableOf(entry)) as {
        readonly properties: Readonly<Record<string, { readonly default?: unknown }>>;
      };
      const defaults = Object.fromEntries(
        Object.entries(schema.properties).map(([option, property]) => [option, property.default]),
      );
      expect(Object.values(defaults)).not.toContain(undefined);
      expect(parseOptions(entry.options, defaults)).toEqual(parseOptions(entry.options, {}));
    });

    test('refuses options that it does not have', () => {
      expect(readOptions(entry.options, { 'no-such-option': 1 })).toHaveProperty('problems');
    });

    test('with its defaults runs on the newest QEMU with a dirty ring', () => {
      expect(
        entry.refuses?.(parseOptions(entry.options, {}), setupWith({ qemu: QEMU_VERSIONS.at(-1)! })) ?? null,
      ).toBeNull();
    });

    test('prepares a setup without touching the one it is given', () => {
      const setup = setupWith();
      const before = structuredClone(setup);
      entry.prepare?.(parseOptions(entry.options, {}), setup);
      expect(setup).toEqual(before);
    });

    test.each(QEMU_VERSIONS)('lives through a migration on QEMU %s and draws no chance', (qemu) => {
      const random = jest.spyOn(Math, 'random');
      const clock = jest.spyOn(Date, 'now');
      try {
        const migration = new FakeControls({ qemu, vcpuCount: 3, syncMs: 20, flushMs: 3 });
        migration.rates.fill(400);
        entry.start(parseOptions(entry.options, {}), migration);
        migration.happenSync('setup');
        for (let second = 5; second <= 60; second += 5) {
          migration.runUntilMs(second * 1000);
          if (second % 15 === 0) migration.happenSync();
          if (second % 20 === 0) migration.happenDetector();
        }
        migration.happenEnd();
        expect(random).not.toHaveBeenCalled();
        expect(clock).not.toHaveBeenCalled();
        expect(migration.nowUs()).toBe(60_000_000);
      } finally {
        random.mockRestore();
        clock.mockRestore();
      }
    });
  });

  test(`every ${kind} has a summary of its own`, () => {
    const summaries = Object.values(registry).map(({ summary }) => summary);
    expect(new Set(summaries).size).toBe(summaries.length);
  });
}
