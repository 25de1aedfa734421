import { describe, expect, test } from '@jest/globals';
import {
  convergenceConfig,
  exponentialDowntimes,
  legacySchedule,
  OVIRT_SCHEDULES,
  scheduleOf,
} from '../../src/policies/kit/ovirt-schedule.js';
import { ovirt } from '../../src/policies/ovirt.js';
import { FakeMigration } from './fake-migration.js';

/** Calls of a migration with a pass every `passMs`, looked at for 300 s. */
function run(given: Record<string, unknown>, passMs = 10_000): string[] {
  const migration = FakeMigration.under(ovirt, given);
  for (let ms = passMs; ms <= 300_000; ms += passMs) {
    migration.runUntilMs(ms - 1);
    if (migration.status === 'active') migration.endPass();
  }
  return migration.takeLimits();
}

describe('with one pass between two looks', () => {
  // Syncs just before 10, 20, … s. The look at 10 s sees pass 2 and counts from there: at 20 s one pass has ended, which is
  // not above the limit of 1; at 30 s two, above 1; and so on. Limit 6 is passed by the seventh, 80 s.
  test('minimal-downtime: 100, then 150 to 500, then abort', () => {
    expect(run({})).toEqual([
      ...['0 100', '30 150', '40 200', '50 300', '60 400', '80 500'],
      '90 cancel Stalling for 8 iterations',
    ]);
  });

  test('suspend-if-needed: 5 s before the abort', () => {
    expect(run({ schedule: 'suspend-if-needed' }).slice(-3)).toEqual([
      ...['80 500', '90 5000'],
      '100 cancel Stalling for 9 iterations',
    ]);
  });

  test('post-copy: two limits, then the switch, and nothing after it', () => {
    expect(run({ schedule: 'post-copy' })).toEqual(['0 100', '30 150', '40 200', '50 startPostcopy']);
  });

  test('very-large-vms', () => {
    expect(run({ schedule: 'very-large-vms' })).toEqual([
      ...['0 300', '30 400', '40 500', '50 700', '60 1000', '80 1500', '90 5000'],
      '100 cancel Stalling for 9 iterations',
    ]);
  });
});

// 500/5 = 100, base (500 - 100)^(1/4) = 4.4721: 100 + 1, + 4.47, + 20, + 89.4, + 400.
test('legacy limits rise exponentially from the first step to the maximum', () => {
  const [one, two, three, four, last] = exponentialDowntimes(500, 5);
  expect([one, two, three, four]).toEqual([101, 104, 120, 189]);
  expect(Math.abs(last! - 500)).toBeLessThanOrEqual(1);
});

test('legacy takes one limit a pass and aborts after 42 passes', () => {
  const { init, stalling } = legacySchedule(500, 5);
  expect(init).toEqual([{ name: 'setDowntime', downtimeMs: 101 }]);
  expect(stalling.map(({ limit }) => limit)).toEqual([1, 2, 3, 4, 42, -1]);
  const calls = run({ schedule: 'legacy' }, 2000);
  expect(calls[0]).toBe('0 101');
  expect(calls.at(-1)).toMatch(/ cancel Stalling for \d+ iterations$/);
});

describe('looks', () => {
  // Five passes go by between two looks: limits 1 to 4 and 6 are all exceeded early, but each look takes one item only.
  test('take one item each, however many passes have ended', () => {
    expect(run({}, 2000)).toEqual([
      ...['0 100', '20 150', '30 200', '40 300', '50 400', '60 500'],
      '70 cancel Stalling for 30 iterations',
    ]);
  });

  test('take none while no pass has ended', () => {
    const migration = FakeMigration.under(ovirt);
    for (let pass = 0; pass < 10; pass++) migration.endPass();
    migration.runUntilMs(20_000);
    migration.endPass();
    migration.endPass();
    migration.runUntilMs(200_000);
    expect(migration.takeLimits()).toEqual(['0 100', '30 150']);
  });
});

describe('a config as in the JSON', () => {
  const config = {
    initialItems: [{ action: 'setDowntime', params: ['250'] }],
    convergenceItems: [{ stallingLimit: 2, convergenceItem: { action: 'setDowntime', params: ['750'] } }],
    lastItems: [{ action: 'abort', params: [] }],
  };

  test('becomes its schedule, the last items without a limit', () => {
    expect(scheduleOf(convergenceConfig.parse(config))).toEqual({
      init: [{ name: 'setDowntime', downtimeMs: 250 }],
      stalling: [
        { limit: 2, action: { name: 'setDowntime', downtimeMs: 750 } },
        { limit: -1, action: { name: 'abort' } },
      ],
    });
  });

  test('is followed', () => {
    expect(run({ schedule: config })).toEqual(['0 250', '40 750', '50 cancel Stalling for 4 iterations']);
  });

  test('of a shipped policy gives the shipped schedule', () => {
    const set = (ms: string) => ({ action: 'setDowntime', params: [ms] });
    const items = ['150', '200', '300', '400', '500'].map((ms, i) => ({
      stallingLimit: [1, 2, 3, 4, 6][i],
      convergenceItem: set(ms),
    }));
    const written = {
      convergenceItems: items,
      initialItems: [set('100')],
      lastItems: [{ action: 'abort', params: [] }],
    };
    expect(scheduleOf(convergenceConfig.parse(written))).toEqual(OVIRT_SCHEDULES['minimal-downtime']);
  });

  test.each([
    [{ initialItems: [{ action: 'setDowntime', params: [] }] }, 'setDowntime takes one parameter'],
    [{ lastItems: [{ action: 'abort', params: ['5'] }] }, 'abort takes no parameters'],
    [
      { initialItems: [{ action: 'setDowntime', params: ['150ms'] }] },
      'expected a downtime in ms from 1 to 2000000',
    ],
  ])('%j is refused', (written, message) => {
    const result = convergenceConfig.safeParse(written);
    expect(result.error?.issues[0]?.message).toContain(message);
  });
});
