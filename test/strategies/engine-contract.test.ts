/** What every strategy must keep in a real migration, whatever its rule. */
import { parseOptions } from '../../src/options/read.js';
import { describe, expect, jest, test } from '@jest/globals';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { QEMU_VERSIONS } from '../../src/migration/rules/versions.js';
import type { StrategyDefinition } from '../../src/strategies/define.js';
import { strategies } from '../../src/strategies/index.js';
import { smallGuest } from './small-guest.js';

/** Null when it refuses, which takes a sentence. */
function run(definition: StrategyDefinition, setup: MigrationSetup): MigrationResult | null {
  const options = parseOptions(definition.options, {});
  const refusal = definition.refuses?.(options, setup) ?? null;
  if (refusal !== null) {
    expect(refusal.length).toBeGreaterThan(20);
    return null;
  }
  const prepared = definition.prepare?.(options, setup) ?? setup;
  return runMigration(prepared, { strategy: definition.name, policy: 'wait' }, (migration) =>
    definition.start(options, migration),
  );
}

/** A 512 MiB guest that does not converge by itself, for no longer than some passes. */
function setupFor(qemu: MigrationSetup['migration']['qemu'], dirtyRingSize: number): MigrationSetup {
  return smallGuest({ dirtyRingSize, migration: { qemu, giveUpAfterUs: 12_000_000 } });
}

describe.each(Object.entries<StrategyDefinition>(strategies))('%s in a migration', (name, definition) => {
  test.each(QEMU_VERSIONS)('keeps the books on QEMU %s', (qemu) => {
    // Without a ring the versions differ in the timer only, which has a test of its own.
    for (const dirtyRingSize of qemu === '10.0' ? [0, 2048] : [2048]) {
      const result = run(definition, setupFor(qemu, dirtyRingSize));
      if (result === null) continue;
      expect(['completed', 'gave-up']).toContain(result.status);
      expect(result.strategy).toBe(name);
      // All of RAM goes out once, and what was dirtied again more often.
      const sentPages = result.normalPages + result.zeroPages;
      if (result.converged) expect(sentPages - result.resentPages).toBe(result.totalRamBytes / 4096);
      for (const vcpu of result.vcpus) {
        expect(vcpu.workDone).toBeGreaterThanOrEqual(0);
        expect(vcpu.workDone).toBeLessThanOrEqual(1);
        expect(vcpu.throttledMs + vcpu.ringSleepMs).toBeLessThanOrEqual(
          result.totalTimeMs + (result.blackoutMs ?? 0) + 1,
        );
        expect(vcpu.longestStallMs).toBeLessThanOrEqual(result.totalTimeMs + (result.blackoutMs ?? 0) + 1);
      }
      if (result.maxThrottlePercent > 0 || result.maxRingFullSleepUs > 0) {
        expect(result.firstThrottleMs).not.toBeNull();
        expect(result.decisions.length).toBeGreaterThan(0);
      }
      for (const decision of result.decisions) {
        expect(decision.rule).not.toBe('');
        expect(decision.text).toMatch(/\S$/);
        expect(decision.text).not.toMatch(/NaN|Infinity|undefined|null/);
      }
    }
  });

  test('gives the same result to the last bit, and draws no chance of its own', () => {
    const random = jest.spyOn(Math, 'random');
    const clock = jest.spyOn(Date, 'now');
    try {
      const setup = setupFor('10.0', 2048);
      expect(run(definition, setup)).toEqual(run(definition, setup));
      expect(random).not.toHaveBeenCalled();
      expect(clock).not.toHaveBeenCalled();
    } finally {
      random.mockRestore();
      clock.mockRestore();
    }
  });

  test('does not change what a vCPU would do: only how much of it gets done', () => {
    const setup = setupFor('10.0', 2048);
    const free = run(strategies.none, setup)!;
    const result = run(definition, setup);
    if (result === null) return;
    // A vCPU never does more a second than one that nobody restrains.
    result.vcpus.forEach((vcpu, i) => {
      const perMs = (vcpu.writes + vcpu.reads) / result.totalTimeMs;
      const freePerMs = (free.vcpus[i]!.writes + free.vcpus[i]!.reads) / free.totalTimeMs;
      expect(perMs).toBeLessThanOrEqual(freePerMs * 1.02);
    });
  });
});
