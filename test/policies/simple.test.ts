/** The policies of one rule: timeout, libvirt, after some passes, smart termination. */
import { describe, expect, test } from '@jest/globals';
import { abortAfterPasses } from '../../src/policies/abort-after-passes.js';
import { libvirt } from '../../src/policies/libvirt.js';
import { pauseAfterPasses } from '../../src/policies/pause-after-passes.js';
import { postcopyAfterPasses } from '../../src/policies/postcopy-after-passes.js';
import { smartTermination } from '../../src/policies/smart-termination.js';
import { timeout } from '../../src/policies/timeout.js';
import { FakeMigration, MIB, refusal } from './fake-migration.js';

describe('timeout', () => {
  test.each([
    ['abort', '30 cancel not done after 30 s'],
    ['pause', '30 pause'],
    ['postcopy', '30 startPostcopy'],
  ])('%s', (action, call) => {
    const migration = FakeMigration.under(timeout, { after: '30s', action });
    migration.runUntilMs(100_000);
    expect(migration.calls).toEqual([call]);
  });

  test.each(['completed', 'failed', 'postcopy-active'] as const)(
    'leaves a migration alone that is %s',
    (status) => {
      const migration = FakeMigration.under(timeout, { after: '30s' });
      migration.status = status;
      migration.runUntilMs(100_000);
      expect(migration.calls).toEqual([]);
    },
  );

  test('in the switchover it can still abort, but no longer pause', () => {
    const calls = ['abort', 'pause'].map((action) => {
      const migration = FakeMigration.under(timeout, { after: '30s', action });
      migration.status = 'device';
      migration.runUntilMs(100_000);
      return migration.calls.length;
    });
    expect(calls).toEqual([1, 0]);
  });
});

describe('libvirt', () => {
  // Looks are half a second apart; at 30.0 s no more than 30 s have gone by.
  test.each([
    ['pause', { timeout: '30s' }],
    ['pause', { timeout: '30s', 'timeout-suspend': true }],
    ['startPostcopy', { timeout: '30s', 'timeout-postcopy': true }],
  ])('%s with %j, once', (call, options) => {
    const migration = FakeMigration.under(libvirt, options);
    migration.runUntilMs(100_000);
    expect(migration.calls).toEqual([`30.5 ${call}`]);
  });

  test('by its defaults only waits', () => {
    const migration = FakeMigration.under(libvirt);
    for (let pass = 2; pass < 9; pass++) migration.endPass();
    migration.runUntilMs(1000_000);
    expect(migration.calls).toEqual([]);
  });

  test('--postcopy-after-precopy switches at the second sync, not at the first and not again', () => {
    const migration = FakeMigration.under(libvirt, { 'postcopy-after-precopy': true });
    migration.runUntilMs(20_000);
    expect(migration.calls).toEqual([]);
    migration.endPass();
    migration.status = 'active';
    migration.endPass();
    expect(migration.calls).toEqual(['20 startPostcopy']);
  });

  test('a migration that ends with its first pass is not switched', () => {
    const migration = FakeMigration.under(libvirt, { 'postcopy-after-precopy': true });
    migration.endPass(0, 'switchover');
    expect(migration.calls).toEqual([]);
  });

  test('refuses what virsh refuses', () => {
    const both = { timeout: '30s', 'timeout-suspend': true, 'timeout-postcopy': true };
    expect(refusal(libvirt, both, true)).toMatch(/mutually exclusive/);
    expect(refusal(libvirt, { 'timeout-suspend': true })).toBe('Unexpected timeout-* option without timeout');
  });
});

describe.each([
  ['pause', pauseAfterPasses],
  ['startPostcopy', postcopyAfterPasses],
] as const)('%s after passes', (call, policy) => {
  test('at the first poll that finds the count', () => {
    const migration = FakeMigration.under(policy, { passes: 3 });
    migration.endPass();
    migration.runUntilMs(1010);
    expect(migration.calls).toEqual([]);
    migration.endPass();
    migration.runUntilMs(9000);
    expect(migration.calls).toEqual([`1.05 ${call}`]);
  });

  test.each([0, 1])('%i is reached in the first pass', (passes) => {
    const migration = FakeMigration.under(policy, { passes });
    migration.runUntilMs(1000);
    expect(migration.calls).toEqual([`0.05 ${call}`]);
  });
});

describe('smart termination', () => {
  /** What each pass leaves, in MiB, after a first that left 1000; the pass after which it acted. */
  function actsAfter(left: readonly number[], given: Record<string, unknown> = {}): number | null {
    const migration = FakeMigration.under(smartTermination, given);
    for (const [i, mib] of [1000, ...left].entries()) {
      migration.endPass(mib * MIB);
      if (migration.calls.length > 0) return i;
    }
    return null;
  }

  test('acts after three passes in a row that gained less than 5 %', () => {
    expect(actsAfter([500, 490, 480, 470])).toBe(4);
  });
  test('a pass that gains enough starts the count anew', () => {
    expect(actsAfter([990, 980, 900, 890, 880, 870])).toBe(6);
  });
  test('a pass that leaves more than the one before has gained less than nothing', () => {
    expect(actsAfter([1100, 1200, 1300])).toBe(3);
  });
  // 950 of 1000 is a gain of exactly 5 %, which is not less.
  test('a gain of exactly the least is a gain', () => {
    expect(actsAfter([950], { rounds: 1 })).toBeNull();
    expect(actsAfter([951], { rounds: 1 })).toBe(1);
  });
  test('does as it is told', () => {
    const migration = FakeMigration.under(smartTermination, { rounds: 1, action: 'abort' });
    migration.endPass();
    expect(migration.calls).toEqual(['0 cancel 1 passes gained less than 5 % each, 4.017 GiB are left']);
  });
});

describe('guestperf’s --max-iters', () => {
  /** Ten passes, of which the first is under way at the start. */
  const tenPasses = (migration: FakeMigration): readonly string[] => {
    for (let pass = 1; pass <= 10; pass += 1) {
      migration.runUntilMs(1000 * pass);
      migration.endPass(600e6);
    }
    return migration.calls;
  };

  test('aborts in the pass after the last that is allowed, and not before', () => {
    expect(tenPasses(FakeMigration.under(abortAfterPasses, { passes: 4 })).join()).toMatch(/cancel.*is 5/);
    expect(tenPasses(FakeMigration.under(abortAfterPasses, { passes: 20 }))).toEqual([]);
  });

  test.each([
    ['pause', pauseAfterPasses],
    ['startPostcopy', postcopyAfterPasses],
  ])('goes on beside %s, unless it is 0', (call, policy) => {
    const after = tenPasses(FakeMigration.under(policy, { passes: 8, 'max-passes': 4 }));
    expect(after.join()).toMatch(/^[\d.]+ cancel.*is 5/);
    const without = tenPasses(FakeMigration.under(policy, { passes: 8 }));
    expect(without.join()).toMatch(new RegExp(`^[\\d.]+ ${call}`));
    expect(without.join()).not.toContain('cancel');
  });
});
