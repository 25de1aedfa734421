import { describe, expect, test } from '@jest/globals';
import { kubevirtDowntimeRamp, rampStep } from '../../src/policies/kubevirt-downtime-ramp.js';
import { FakeMigration } from './fake-migration.js';

/** `passes` so many at once, then 200 s. */
function run(given: Record<string, unknown>, passes = 5): string[] {
  const migration = FakeMigration.under(kubevirtDowntimeRamp, {
    'completion-timeout-per-gib': 'none',
    ...given,
  });
  for (let pass = 1; pass < passes; pass++) migration.endPass();
  for (let ms = 1000; ms <= 200_000; ms += 1000) {
    migration.remainingBytes -= 1;
    migration.runUntilMs(ms);
  }
  return migration.takeLimits();
}

describe('the ramp', () => {
  // (900 - 150)/7 = 107.1, cut to 107: seven of them lead to 899, and the eighth is cut off at 900.
  test('by the defaults is 150, 257, 364 … 899, 900 and ends there', () => {
    const limits = [150, 257, 364, 471, 578, 685, 792, 899, 900];
    // The first poll sets it; then 25 polls of 400 ms make 10 s.
    expect(run({})).toEqual(limits.map((ms, i) => `${(400 + 10_000 * i) / 1000} ${ms}`));
  });

  test('rises by at least 1 ms, and never above the ceiling', () => {
    expect(rampStep(899, 150, 900, 7)).toBe(900);
    expect(rampStep(900, 150, 900, 7)).toBe(900);
    expect(rampStep(150, 150, 153, 7)).toBe(151);
  });

  test('does not begin above its ceiling', () => {
    expect(run({ 'max-downtime': '100ms' })).toEqual(['0.4 100']);
  });

  test('does not begin before its iteration', () => {
    expect(run({}, 2)).toEqual(['0.4 150']);
    expect(run({}, 3)[1]).toBe('10.4 257');
  });
});

// 4 GiB are 4.29 * 10^9 bytes, five started units: 5 * 10 s. The poll at 50.8 s is the first to count 51 whole seconds … 50 is not more than 50.
test('the completion timeout goes by started 10^9 bytes', () => {
  const migration = FakeMigration.under(kubevirtDowntimeRamp, { 'completion-timeout-per-gib': '10s' });
  migration.runUntilMs(60_000);
  expect(migration.takeLimits()).toEqual(['0.4 150', '51.2 cancel not completed after 50 seconds']);
});
