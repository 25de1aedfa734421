import { parseOptions } from '../../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import { dirtyRestraint, nextPercent, startPercent } from '../../src/strategies/dirty-restraint.js';
import { FakeControls } from './fake-controls.js';
import { setupWith } from './setups.js';

function startOn(migration: FakeControls, given: Record<string, unknown>): FakeControls {
  dirtyRestraint.start(parseOptions(dirtyRestraint.options, given), migration);
  return migration;
}

describe('the first percentage', () => {
  test.each([
    // quota, rate, percent
    [100, 0, 0], // not measured yet
    [100, 50, 0], // below its quota
    [100, 115, 0], // 15 above: within tolerance
    [100, 116, 13], // 16/116 = 13.8 %
    [100, 200, 50],
    [100, 400, 75],
    [100, 10_000, 75], // 99 %, but no more than 75 at first
  ])('quota %i, rate %i: %i %%', (quota, rate, percent) => {
    expect(startPercent(quota, rate)).toBe(percent);
  });
});

describe('the next percentage', () => {
  describe('release', () => {
    test.each([
      [99, 100, 0, 0], // nothing dirtied at all
      [2, 100, 50, 0], // throttle of a slight step or less
      [2, 100, 99, 0], // even within tolerance
      [1, 10, 0, 0],
    ])('last %i, quota %i, rate %i: %i', (last, quota, rate, percent) => {
      expect(nextPercent(last, quota, rate)).toBe(percent);
    });
  });

  describe('within 15 MiB/s either way it stays', () => {
    test.each([
      [40, 100, 115, 40],
      [40, 100, 85, 40],
      [40, 100, 100, 40],
      [3, 100, 99, 3], // above a slight step
      [99, 1, 16, 99],
      [0, 1, 0, 0],
    ])('last %i, quota %i, rate %i: %i', (last, quota, rate, percent) => {
      expect(nextPercent(last, quota, rate)).toBe(percent);
    });
  });

  describe('below 75: half the relative error', () => {
    test.each([
      [40, 100, 200, 65], // error 50 % of the rate
      [40, 100, 116, 46], // 13.8 % -> 6.9 points
      [0, 1, 1000, 49], // 99.9 % -> 49.9 points
      [60, 100, 1000, 75], // 60 + 45, but no further than 75
      [74, 100, 1000, 75],
      [40, 100, 50, 15], // error 50 % of the quota
      [26, 100, 50, 1],
      [25, 100, 50, 0],
      [10, 100, 50, 0],
    ])('last %i, quota %i, rate %i: %i', (last, quota, rate, percent) => {
      expect(nextPercent(last, quota, rate)).toBe(percent);
    });
  });

  describe('from 75: 5 points', () => {
    test.each([
      [75, 100, 1000, 80],
      [75, 100, 116, 80], // however small the error
      [85, 100, 1000, 90],
      [88, 100, 1000, 90], // no further than 90
      [89, 100, 20, 84],
      [75, 100, 20, 70],
    ])('last %i, quota %i, rate %i: %i', (last, quota, rate, percent) => {
      expect(nextPercent(last, quota, rate)).toBe(percent);
    });
  });

  describe('from 90: 2 points', () => {
    test.each([
      [90, 100, 1000, 92],
      [98, 100, 1000, 99], // no further than 99
      [99, 100, 1000, 99],
      [99, 100, 20, 97],
      [90, 100, 20, 88],
    ])('last %i, quota %i, rate %i: %i', (last, quota, rate, percent) => {
      expect(nextPercent(last, quota, rate)).toBe(percent);
    });
  });
});

describe('attached to a migration', () => {
  // 15 s without a rate; from 0 twice 49 points reach 75 after another period; then 3 periods of 5 points to 90 and 5 of
  // 2 points to 99: two and a half minutes against a writer that stays above its quota.
  test('climbs to 99 % within 15 + 15 + 45 + 75 s', () => {
    const migration = new FakeControls({ vcpuCount: 1 });
    migration.rates[0] = 1000;
    startOn(migration, { quota: 1, when: 'start' }).runUntilMs(600_000);
    expect(migration.calls).toEqual([
      '15 throttle 0 49',
      ...['30 throttle 0 75', '45 throttle 0 80', '60 throttle 0 85'],
      ...[
        '75 throttle 0 90',
        '90 throttle 0 92',
        '105 throttle 0 94',
        '120 throttle 0 96',
        '135 throttle 0 98',
      ],
      '150 throttle 0 99',
    ]);
  });

  test('does nothing before the detector acts, and measures from then on', () => {
    const migration = new FakeControls({ vcpuCount: 1 });
    migration.rates[0] = 1000;
    startOn(migration, { quota: 100 }).runUntilMs(40_000);
    migration.happenDetector();
    migration.runUntilMs(54_999);
    expect(migration.takeCalls()).toEqual([]);
    migration.runUntilMs(60_000);
    migration.happenDetector();
    migration.runUntilMs(70_000);
    // 900 of 1000 too much: 45 points; then 90 is cut to 75. A second trigger starts no second controller.
    expect(migration.calls).toEqual(['55 throttle 0 45', '70 throttle 0 75']);
  });

  // Windows are [0, 1], [16, 17], [32, 33] s: the turn at 30 s still acts on what was measured until 17 s.
  test('sees only what a vCPU does in one second out of sixteen', () => {
    const migration = new FakeControls({ vcpuCount: 1 });
    startOn(migration, { quota: 100, when: 'start' });
    migration.rates[0] = 200;
    migration.runUntilMs(1000);
    migration.rates[0] = 0;
    migration.runUntilMs(16_000);
    migration.rates[0] = 200;
    migration.runUntilMs(17_000);
    migration.rates[0] = 0;
    migration.runUntilMs(44_000);
    expect(migration.takeCalls()).toEqual(['15 throttle 0 25', '30 throttle 0 50']);
    migration.runUntilMs(45_000);
    expect(migration.takeCalls()).toEqual(['45 throttle 0 0']);
  });

  test('a release does not clear the remembered percentage', () => {
    const migration = new FakeControls({ vcpuCount: 1 });
    migration.rates[0] = 1000;
    startOn(migration, { quota: 100, when: 'start' }).runUntilMs(46_000);
    expect(migration.takeCalls()).toEqual(['15 throttle 0 45', '30 throttle 0 75', '45 throttle 0 80']);
    migration.rates[0] = 0; // Seen in the window that begins at 48 s.
    migration.runUntilMs(60_000);
    expect(migration.takeCalls()).toEqual(['60 throttle 0 0']);
    migration.rates[0] = 1000; // Seen in the window that begins at 64 s.
    migration.runUntilMs(75_000);
    // From 0 % it would be 45; from the stale 80 % it is 85.
    expect(migration.takeCalls()).toEqual(['75 throttle 0 85']);
  });

  // Within tolerance the remembered percentage is kept, and a release did not clear it.
  test('a released vCPU that then keeps to its quota is throttled again', () => {
    const migration = new FakeControls({ vcpuCount: 1 });
    migration.rates[0] = 200;
    startOn(migration, { quota: 100, when: 'start' }).runUntilMs(15_500);
    migration.rates[0] = 0; // Seen in the window that begins at 16 s.
    migration.runUntilMs(31_500);
    migration.rates[0] = 90; // Seen in the window that begins at 32 s.
    migration.runUntilMs(45_000);
    expect(migration.calls).toEqual(['15 throttle 0 25', '30 throttle 0 0', '45 throttle 0 25']);
  });

  test('throttles the writers and leaves a reader alone', () => {
    const migration = new FakeControls({ vcpuCount: 3 });
    migration.rates.splice(0, 3, 400, 0, 200);
    startOn(migration, { quota: '100MiB/s', when: 'start' }).runUntilMs(15_000);
    expect(migration.calls).toEqual(['15 throttle 0 37', '15 throttle 2 25']);
  });

  test('restrains only vCPUs with a quota, each by its own', () => {
    const migration = new FakeControls({ vcpuCount: 4 });
    migration.rates.fill(400);
    startOn(migration, { quotas: ['none', '100MiB/s', '200MiB/s'], when: 'start' }).runUntilMs(15_000);
    expect(migration.calls).toEqual(['15 throttle 1 37', '15 throttle 2 25']);
  });
});

test('without a dirty ring it is refused: nothing tells whose pages are dirty', () => {
  const options = parseOptions(dirtyRestraint.options, {});
  expect(dirtyRestraint.refuses!(options, setupWith({ dirtyRingSize: 0 }))).toMatch(/dirty-ring-size/);
});

test('more quotas than vCPUs are refused', () => {
  const options = parseOptions(dirtyRestraint.options, { quotas: [1, 2, 3] });
  expect(dirtyRestraint.refuses!(options, setupWith({ vcpuCount: 2 }))).toMatch(/3 entries.* 2 vCPUs/);
  expect(dirtyRestraint.refuses!(options, setupWith({ vcpuCount: 3 }))).toBeNull();
});
