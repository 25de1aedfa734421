import { describe, expect, test } from '@jest/globals';
import { nova, novaDataGib, novaDowntimeSteps } from '../../src/policies/nova.js';
import { FakeMigration, GIB, MIB } from './fake-migration.js';

const DOCUMENTED = { downtime: '400ms', 'downtime-steps': 10, 'downtime-delay': '30s' };

describe('the steps', () => {
  // The example in Nova's own documentation of the function: 3 GiB, 400 ms, 10 steps, 30 s a GiB.
  test('are those of the documented example', () => {
    expect(novaDowntimeSteps(400, 10, 30, 3)).toEqual(
      [40, 76, 112, 148, 184, 220, 256, 292, 328, 364, 400].map((downtimeMs, i) => ({
        afterS: 90 * i,
        downtimeMs,
      })),
    );
  });

  // 500/10 = 50, then ten rises of (500 - 50)/10 = 45.
  test('by the defaults go from 50 ms by 45 ms to 500 ms, one every 75 s a GiB', () => {
    const steps = novaDowntimeSteps(500, 10, 75, 4);
    expect(steps.map(({ downtimeMs }) => downtimeMs)).toEqual([
      50, 95, 140, 185, 230, 275, 320, 365, 410, 455, 500,
    ]);
    expect(steps.at(-1)!.afterS).toBe(10 * 75 * 4);
  });

  // 1000/3 = 333.33, rises of 222.22: 333.3, 555.6, 777.8, 1000; the delay is cut before it is multiplied: int(10 * 2.55) = 25.
  test('cut milliseconds and the delay to whole numbers', () => {
    const steps = novaDowntimeSteps(1000, 3, 10, 2.55);
    expect(steps.slice(0, 3).map(({ downtimeMs }) => downtimeMs)).toEqual([333, 555, 777]);
    expect(steps.map(({ afterS }) => afterS)).toEqual([0, 25, 50, 75]);
  });

  test('a guest below 2 GiB counts as one of 2 GiB', () => {
    expect(novaDataGib(512 * MIB)).toBe(2);
    expect(novaDataGib(3 * GIB)).toBe(3);
    expect(novaDataGib(2.5 * GIB)).toBe(2.5);
  });
});

describe('attached to a migration', () => {
  // A step is taken at the first look at which its time lies behind: looks are half a second apart.
  test('takes the documented steps at the first look after each 90 s', () => {
    const migration = FakeMigration.under(nova, DOCUMENTED, 3 * GIB);
    migration.runUntilMs(1000_000);
    expect(migration.takeLimits()).toEqual(
      [40, 76, 112, 148, 184, 220, 256, 292, 328, 364, 400].map((ms, i) => `${90 * i + 0.5} ${ms}`),
    );
  });

  // `ram.total` of this guest is 64 GiB and 17 MiB; Nova counts the 64 GiB that were ordered: 75 s * 64.
  test('counts guest RAM without ROMs and video memory', () => {
    const migration = FakeMigration.under(nova, {}, 64 * GIB);
    migration.runUntilMs(5000_000);
    expect(migration.takeLimits()).toEqual(['0.5 50', '4800.5 95']);
  });

  // 800 s a GiB, 2 GiB: 1600 s. The look at 1600.0 s is not yet after it.
  test('aborts at the first look after the completion timeout', () => {
    const migration = FakeMigration.under(nova, {}, GIB);
    migration.runUntilMs(3000_000);
    const calls = migration.takeLimits();
    expect(calls.at(-1)).toBe('1600.5 cancel Live migration not completed after 1600 sec');
  });

  test('none as timeout leaves the migration alone', () => {
    const migration = FakeMigration.under(nova, { 'completion-timeout': 'none' }, GIB);
    migration.runUntilMs(9000_000);
    expect(migration.takeLimits().filter((call) => !/^\S+ \d+$/.test(call))).toEqual([]);
  });

  // The timeout appends a task; the next look, 500 ms later, takes it from the queue.
  test.each([
    ['pause', {}],
    ['startPostcopy', { 'permit-post-copy': true }],
  ])('force_complete: %s, one look after the timeout', (call, more) => {
    const given = { 'timeout-action': 'force_complete', 'completion-timeout': '10s', ...more };
    const migration = FakeMigration.under(nova, given, 4 * GIB);
    migration.runUntilMs(100_000);
    expect(migration.takeLimits()).toEqual(['0.5 50', `41 ${call}`]);
  });
});
