import { describe, expect, test } from '@jest/globals';
import { acceptableCompletionS } from '../../src/policies/kit/kubevirt-monitor.js';
import { kubevirtTimeout } from '../../src/policies/kubevirt-timeout.js';
import { FakeMigration, GIB, MIB } from './fake-migration.js';

/** Calls in 10 minutes during which less is left at every poll. */
function run(given: Record<string, unknown>): string[] {
  const migration = FakeMigration.under(kubevirtTimeout, { 'completion-timeout-per-gib': '10s', ...given });
  for (let ms = 100; ms <= 600_000; ms += 100) {
    migration.remainingBytes -= 1;
    migration.runUntilMs(ms);
  }
  return migration.calls;
}

// ScaledValue(Giga) rounds up: 16 GiB = 17.18 * 10^9 bytes count as 18.
test.each([
  [16 * GIB, 18 * 150],
  [512 * MIB, 150],
  [1e9, 150],
  [1e9 + 1, 300],
])('a guest of %d bytes has %d s', (ramBytes, seconds) => {
  expect(acceptableCompletionS(150_000, ramBytes)).toBe(seconds);
});

describe('at the completion timeout', () => {
  test('it aborts', () => {
    expect(run({})).toEqual(['51.2 cancel not completed after 50 seconds']);
  });
  test('or stops the guest where that is allowed', () => {
    expect(run({ 'allow-workload-disruption': true })[0]).toBe('51.2 pause');
  });
  test('or goes post-copy where that is allowed, which implies the disruption', () => {
    expect(run({ 'allow-post-copy': true })).toEqual(['51.2 startPostcopy']);
  });
  test('none means never', () => {
    expect(run({ 'completion-timeout-per-gib': 'none' })).toEqual([]);
  });
});

// A guest that is stopped has twice the time: 100 s.
test('a guest that has been stopped is given the time once more', () => {
  expect(run({ 'allow-workload-disruption': true })).toEqual([
    '51.2 pause',
    '101.2 cancel not completed after 100 seconds',
  ]);
});

describe('progress', () => {
  const start = (): FakeMigration =>
    FakeMigration.under(kubevirtTimeout, { 'completion-timeout-per-gib': 'none', 'progress-timeout': '20s' });

  // The first poll, at 0.4 s, is progress; more than 20 whole seconds later, at 21.6 s, nothing has been.
  test('that stops for longer than its timeout ends the migration', () => {
    const migration = start();
    migration.runUntilMs(60_000);
    expect(migration.calls).toEqual(['21.6 cancel stuck for 21 seconds']);
  });

  // The complaint of VEP 248: what is left goes up and down around a plateau, and every dip counts as progress.
  test('is seen in every dip of a curve that gains nothing', () => {
    const migration = start();
    for (let s = 1; s <= 600; s++) {
      migration.remainingBytes = 500 * MIB + (s % 10) * MIB;
      migration.runUntilMs(s * 1000);
    }
    expect(migration.calls).toEqual([]);
  });
});
