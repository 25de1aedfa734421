import { describe, expect, test } from '@jest/globals';
import { findPolicy, policies } from '../../src/policies/index.js';
import { parseOptions } from '../../src/options/read.js';
import { setupWith } from '../strategies/setups.js';
import type { PolicyDefinition } from '../../src/strategies/define.js';
import { FakeControls } from '../strategies/fake-controls.js';
import { testRegistry } from '../strategies/registry-laws.js';
import { FakeMigration, NEEDS_POSTCOPY, refusal } from './fake-migration.js';

const entries = Object.entries(policies) as [string, PolicyDefinition][];

/** On a migration that has post-copy, which some policies do nothing without. */
const withPostcopy = Object.fromEntries(
  entries.map(([name, policy]): [string, PolicyDefinition] => [
    name,
    {
      ...policy,
      refuses: (options, setup) =>
        policy.refuses?.(options, { ...setup, migration: { ...setup.migration, postcopy: true } }) ?? null,
    },
  ]),
);

testRegistry('policy', withPostcopy);

test('the first policy, the default, is the one that only waits', () => {
  expect(Object.keys(policies)[0]).toBe('wait');
});

test('wait calls no knob, however the migration goes', () => {
  const migration = new FakeControls();
  policies.wait.start({}, migration);
  migration.happenSync('setup');
  migration.runUntilMs(100_000);
  migration.happenDetector();
  migration.happenEnd();
  expect(migration.calls).toEqual([]);
});

test('an unknown policy is refused as a policy', () => {
  expect(() => findPolicy('wiat')).toThrow(/^unknown policy "wiat"; did you mean wait\?/);
});

/** Options with which a policy may use post-copy. */
const WITH_POSTCOPY: Readonly<Record<string, Record<string, unknown>>> = {
  timeout: { action: 'postcopy' },
  libvirt: { timeout: '30s', 'timeout-postcopy': true },
  nova: { 'permit-post-copy': true },
  ovirt: { schedule: 'post-copy' },
  'kubevirt-timeout': { 'allow-post-copy': true },
  'kubevirt-downtime-ramp': { 'allow-post-copy': true },
  'kubevirt-stall-detection': { 'allow-post-copy': true },
  'postcopy-after-passes': {},
  hybrid: {},
  'smart-termination': { action: 'postcopy' },
};

describe('post-copy', () => {
  test.each(Object.entries(WITH_POSTCOPY))('%s is refused without the capability', (name, options) => {
    const policy = findPolicy(name);
    expect(refusal(policy, options, false)).toBe(NEEDS_POSTCOPY);
    expect(refusal(policy, options, true)).toBeNull();
  });

  test.each(entries.filter(([name]) => !['postcopy-after-passes', 'hybrid'].includes(name)))(
    '%s by its defaults needs no capability',
    (_name, policy) => {
      expect(refusal(policy, {}, false)).toBeNull();
    },
  );
});

// A migration that never ends by itself: passes of half a second that always leave as much as they found.
function stalled(policy: PolicyDefinition, options: Record<string, unknown>): FakeMigration {
  const migration = FakeMigration.under(policy, options);
  migration.mbps = 8000;
  for (let ms = 500; ms <= 4 * 3600_000; ms += 500) {
    migration.transferredBytes += 500e6;
    migration.runUntilMs(ms);
    migration.endPass(600e6);
  }
  return migration;
}

describe.each(entries)('%s on a migration that stays where it is', (name, policy) => {
  const run = (options: Record<string, unknown>): FakeMigration => stalled(policy, options);

  test('does nothing more once the migration has been ended, paused or switched', () => {
    const migration = run(WITH_POSTCOPY[name] ?? {});
    const last = migration.calls.findIndex((call) => /cancel|pause|startPostcopy/.test(call));
    if (last !== -1) expect(migration.calls).toHaveLength(last + 1);
  });

  test('keeps downtime-limit within what QEMU takes', () => {
    for (const call of run({})
      .takeLimits()
      .filter((line) => /^\S+ \d+$/.test(line))) {
      expect(Number(call.split(' ')[1])).toBeLessThanOrEqual(2_000_000);
    }
  });
});

// What decides by how much a pass gains may go on for ever with passes that gain now and then.
test.each(entries.filter(([name]) => !['hybrid', 'smart-termination'].includes(name)))(
  '%s says that it ends a migration exactly where it does, so that no other time-out comes first',
  (name, policy) => {
    for (const given of [{}, WITH_POSTCOPY[name] ?? {}]) {
      const ends = policy.ends?.(parseOptions(policy.options, given), setupWith()) ?? null;
      const acts = /cancel|pause|startPostcopy/.test(stalled(policy, given).calls.join());
      expect([given, ends !== null]).toEqual([given, acts]);
    }
  },
);
