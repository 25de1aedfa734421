/** What every entry of a registry of strategies or policies must keep. */
import { describe, expect, jest, test } from '@jest/globals';
import { z } from 'zod';
import { NEWEST, QEMU_VERSIONS } from '../../src/migration/rules/versions.js';
import type { StrategyDefinition } from '../../src/strategies/define.js';
import { FakeControls } from './fake-controls.js';
import { setupWith } from './setups.js';

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
      for (const [option, type] of Object.entries(entry.options.shape) as [string, z.ZodType][]) {
        expect([option, type.description]).toEqual([option, expect.stringMatching(/^\S.{8,118}[^.\s]$/)]);
        expect([option, type.safeParse(undefined).success]).toEqual([option, true]);
      }
    });

    test('has a JSON Schema whose defaults are themselves accepted, to the same effect', () => {
      const schema = z.toJSONSchema(entry.options, { io: 'input', target: 'draft-7' });
      const defaults = Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([option, property]) => [
          option,
          (property as { default?: unknown }).default,
        ]),
      );
      expect(Object.values(defaults)).not.toContain(undefined);
      expect(entry.options.parse(defaults)).toEqual(entry.options.parse({}));
    });

    test('refuses options that it does not have', () => {
      expect(entry.options.safeParse({ 'no-such-option': 1 }).success).toBe(false);
    });

    test('with its defaults runs on the newest QEMU with a dirty ring', () => {
      expect(entry.refuses?.(entry.options.parse({}), setupWith({ qemu: NEWEST })) ?? null).toBeNull();
    });

    test('prepares a setup without touching the one it is given', () => {
      const setup = setupWith();
      const before = structuredClone(setup);
      entry.prepare?.(entry.options.parse({}), setup);
      expect(setup).toEqual(before);
    });

    test.each(QEMU_VERSIONS)('lives through a migration on QEMU %s and draws no chance', (qemu) => {
      const random = jest.spyOn(Math, 'random');
      const clock = jest.spyOn(Date, 'now');
      try {
        const migration = new FakeControls({ qemu, vcpuCount: 3, syncMs: 20, flushMs: 3 });
        migration.rates.fill(400);
        entry.start(entry.options.parse({}), migration);
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
