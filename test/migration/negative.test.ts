/** Times, pages and bytes are never below 0, not by a rounding error either: what reads a result may take their root or logarithm. */
import { expect } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import { QEMU_VERSIONS } from '../../src/migration/rules/versions.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { parseOptions } from '../../src/options/read.js';
import type { StrategyDefinition } from '../../src/strategies/define.js';
import { strategies } from '../../src/strategies/index.js';
import { MIB, freeHost, migrate, setupOf, writer } from './setups.js';

const scenario = fc
  .record({
    memory: fc.constantFrom('page' as const, 'fluid' as const),
    host: fc.constantFrom(freeHost, bareMetal),
    qemu: fc.constantFrom(...QEMU_VERSIONS),
    vcpus: fc.integer({ min: 1, max: 4 }),
    pages: fc.integer({ min: 1, max: 4 * MIB }),
    pattern: fc.constantFrom('uniform' as const, 'sequential' as const),
    writesPerSecond: fc.constantFrom(50, 20_000, 260_000),
    isShared: fc.boolean(),
    dirtyRingSize: fc.constantFrom(0, 1024, 4096),
    manualDirtyLogProtect: fc.boolean(),
    bandwidthBytesPerSecond: fc.constantFrom(5e6, 1.2e8, 1.2e9),
    settleUs: fc.constantFrom(0, 2_000_000),
    seed: fc.nat(1000),
  })
  .map((s): MigrationSetup => {
    const { pages, pattern, writesPerSecond } = s;
    const vcpus = Array.from({ length: s.vcpus }, (_, i) =>
      writer({ firstPage: s.isShared ? 0 : i * pages, pages, pattern, writesPerSecond }),
    );
    return setupOf({
      guest: { ramPages: 24 * MIB, dirtyRingSize: s.dirtyRingSize, vcpus },
      host: s.host,
      memory: s.memory,
      seed: s.seed,
      timelineMs: 100,
      link: { bandwidthBytesPerSecond: s.bandwidthBytesPerSecond },
      migration: {
        qemu: s.qemu,
        manualDirtyLogProtect: s.manualDirtyLogProtect,
        downtimeLimitMs: 1,
        settleUs: s.settleUs,
        giveUpAfterUs: 3_000_000,
      },
    });
  });

/** `path: number` for each number below 0, however deep. */
function negatives(value: unknown, path = ''): string[] {
  if (typeof value === 'number') return value < 0 ? [`${path}: ${value}`] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => negatives(inner, `${path}.${key}`));
}

const STRATEGIES = fc.constantFrom(
  'none' as const,
  'auto-converge' as const,
  'dirty-limit' as const,
  'dirty-quota' as const,
  'predictive-restraint' as const,
);

property.prop([scenario, STRATEGIES], { seed: 1, numRuns: 50 })('no number of a result', (setup, name) => {
  const definition: StrategyDefinition = strategies[name];
  const options = 'when' in definition.options ? { when: 'start' } : {};
  if ((definition.refuses?.(parseOptions(definition.options, options), setup) ?? null) !== null) return;
  const { decisions: _, ...result } = migrate(setup, name, options, (controls) => {
    // What strategies see is held to the same.
    controls.every(100, () => expect(negatives(controls.stats())).toEqual([]));
  });
  expect(negatives(result)).toEqual([]);
});
