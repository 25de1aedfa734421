import { parseOptions, readOptions } from '../../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import { dirtyLimit } from '../../src/strategies/dirty-limit.js';
import {
  adjustSleep,
  isWithinTolerance,
  queryRingFullTime,
  ringFullTimeUs,
} from '../../src/strategies/kit/dirty-limiter.js';
import { FakeControls, type FakeOptions } from './fake-controls.js';
import { setupWith } from './setups.js';

const { floor } = Math;

/** 4096 entries are 16 MiB. */
const RING = 4096;
/** With this maximum F is 16 MiB / 1000 MiB/s = 16,000 us. */
const AT_1000 = { sleepUs: 100_000, maxRate: 1000 };

function startOn(options: FakeOptions, given: Record<string, unknown>, ...rates: number[]): FakeControls {
  const migration = new FakeControls({ vcpuCount: rates.length, ...options });
  migration.rates.splice(0, rates.length, ...rates);
  dirtyLimit.start(parseOptions(dirtyLimit.options, given), migration);
  return migration;
}

describe('the time in which a ring fills', () => {
  test('is its size over the highest rate, in whole us', () => {
    expect(ringFullTimeUs(RING, 1000)).toBe(16_000);
    expect(ringFullTimeUs(RING, 47)).toBe(340_425); // As real QEMU reported.
  });

  test('is 0 for a ring below 1 MiB: such a ring cannot limit', () => {
    expect(ringFullTimeUs(128, 1000)).toBe(0);
    expect(adjustSleep({ sleepUs: 0, maxRate: 0 }, 1, 1000, 128).sleepUs).toBe(0);
  });
});

describe('one adjustment', () => {
  // Error 99 %: 16,000 us * 99/1 = 1.584 s, which is also the cap of 99 F.
  test('the default quota of 1 sends a fast writer to the cap at once', () => {
    expect(adjustSleep({ sleepUs: 0, maxRate: 0 }, 1, 1000, RING)).toEqual({
      sleepUs: 1_584_000,
      maxRate: 1000,
    });
  });

  // Error 90 %: 16,000 us * 90/10.
  test('a quota of 100 gives 144 ms', () => {
    expect(adjustSleep({ sleepUs: 0, maxRate: 0 }, 100, 1000, RING)).toEqual({
      sleepUs: 144_000,
      maxRate: 1000,
    });
  });

  test('within 25 MiB/s nothing changes, not even the highest rate', () => {
    expect(isWithinTolerance(1, 26)).toBe(true);
    expect(isWithinTolerance(1, 27)).toBe(false);
    expect(isWithinTolerance(100, 75)).toBe(true);
    expect(isWithinTolerance(100, 74)).toBe(false);
    expect(adjustSleep({ sleepUs: 500, maxRate: 100 }, 1000, 1025, RING)).toEqual({
      sleepUs: 500,
      maxRate: 100,
    });
  });

  test('a rate of 0 ends the sleep, unless 0 is within tolerance', () => {
    expect(adjustSleep(AT_1000, 100, 0, RING)).toEqual({ sleepUs: 0, maxRate: 1000 });
    expect(adjustSleep(AT_1000, 25, 0, RING)).toEqual(AT_1000);
  });

  // 100 against 200 is an error of just 50 %, 98 against 200 one of 51 %: 16,000 * 51/49 = 16,653.06.
  test('up to 50 % the step is F/10, above it is F*error/(100-error)', () => {
    expect(adjustSleep(AT_1000, 100, 200, RING).sleepUs).toBe(101_600);
    expect(adjustSleep(AT_1000, 200, 100, RING).sleepUs).toBe(98_400);
    expect(adjustSleep(AT_1000, 98, 200, RING).sleepUs).toBe(116_653);
    expect(adjustSleep(AT_1000, 200, 98, RING).sleepUs).toBe(83_347);
  });

  // The error of 199 against 100 is 49.7 %: truncated to 49.
  test('percentages are truncated', () => {
    expect(adjustSleep(AT_1000, 100, 199, RING).sleepUs).toBe(101_600);
    expect(adjustSleep(AT_1000, 97, 200, RING).sleepUs).toBe(116_653); // 51.5 % is 51 too
  });

  test('steps add up from period to period, up to 99 F and down to 0', () => {
    let state = { sleepUs: 0, maxRate: 1000 };
    const sleeps = [1, 2, 3].map(() => (state = adjustSleep(state, 100, 150, RING)).sleepUs);
    expect(sleeps).toEqual([1600, 3200, 4800]);
    expect(adjustSleep({ sleepUs: 1_583_000, maxRate: 1000 }, 100, 150, RING).sleepUs).toBe(1_584_000);
    expect(adjustSleep({ sleepUs: 1000, maxRate: 1000 }, 150, 100, RING).sleepUs).toBe(0);
  });

  // A burst of 4000 makes F 4,000 us for good: the cap is 396 ms, and a vCPU that still needs 1.584 s loses it.
  test('one burst shortens F for ever', () => {
    const slowed = { sleepUs: 1_584_000, maxRate: 1000 };
    expect(adjustSleep(slowed, 1, 500, RING).sleepUs).toBe(1_584_000);
    expect(adjustSleep({ ...slowed, maxRate: 4000 }, 1, 500, RING)).toEqual({
      sleepUs: 396_000,
      maxRate: 4000,
    });
  });
});

describe('polling dirty-limit-ring-full-time', () => {
  test('reports F at the highest rate, not at the present one', () => {
    expect(queryRingFullTime([100, 100], 1000, RING)).toEqual({ ringFullTimeUs: 16_000, maxRate: 1000 });
  });

  test('can raise the highest rate: the mean of the running vCPUs goes through it', () => {
    expect(queryRingFullTime([150, 51], 47, RING)).toEqual({ ringFullTimeUs: 160_000, maxRate: 100 });
  });

  test('is 0 when nothing is dirtied, or so little that the mean is 0', () => {
    expect(queryRingFullTime([0, 0], 47, RING)).toEqual({ ringFullTimeUs: 0, maxRate: 47 });
    expect(queryRingFullTime([], 47, RING)).toEqual({ ringFullTimeUs: 0, maxRate: 47 });
    expect(queryRingFullTime([1, 0], 0, RING)).toEqual({ ringFullTimeUs: 0, maxRate: 0 });
  });
});

/**
 * 110 MiB/s are within tolerance of a quota of 100 and not adjusted, so that the highest rate is 0; a query passes their mean
 * through it. With a quota of 1 then, 40 MiB/s are 97 % off: 97/3 F, with F by 110 or by 40.
 */
test.each([
  ['polled', floor((floor(16e6 / 110) * 97) / 3)],
  ['not polled', floor((floor(16e6 / 40) * 97) / 3)],
] as const)('the first sleep after a stretch within tolerance, %s', (polled, sleepUs) => {
  const migration = startOn({}, { 'vcpu-dirty-limit': 100 }, 110, 110);
  migration.happenDetector();
  migration.runUntilMs(1000);
  expect(migration.takeCalls()).toEqual(['0 dirtyLimitInService true']);
  migration.rates.fill(40);
  if (polled === 'polled') migration.stats();
  migration.set({ vcpuDirtyLimitMib: 1 });
  migration.happenDetector();
  migration.runUntilMs(2000);
  expect(migration.takeCalls()[1]).toBe(`2 ringFullSleep 0 ${sleepUs}`);
});

describe('as a capability', () => {
  test('limits all vCPUs when the detector first acts; the first sleep comes a period later', () => {
    const migration = startOn({}, { 'vcpu-dirty-limit': 100 }, 1000, 10, 1000);
    migration.runUntilMs(20_000);
    expect(migration.takeCalls()).toEqual([]);
    migration.happenDetector();
    migration.runUntilMs(21_000);
    // The vCPU at 10 MiB/s is 90 below its quota: nothing to ease.
    expect(migration.takeCalls()).toEqual([
      '20 dirtyLimitInService true',
      '21 ringFullSleep 0 144000',
      '21 ringFullSleep 2 144000',
    ]);
  });

  test('later triggers do nothing', () => {
    const migration = startOn({}, {}, 1000);
    migration.happenDetector();
    migration.runUntilMs(1500);
    migration.happenDetector();
    migration.runUntilMs(10_000);
    // At the cap from the first period on: nothing changes any more, and nothing is tightened.
    expect(migration.calls).toEqual(['0 dirtyLimitInService true', '1 ringFullSleep 0 1584000']);
  });

  test('adjusts once a period of x-vcpu-dirty-limit-period', () => {
    const migration = startOn({}, { 'vcpu-dirty-limit': 700, 'x-vcpu-dirty-limit-period': '250ms' }, 1000);
    migration.happenDetector();
    migration.runUntilMs(800);
    expect(migration.calls.slice(1)).toEqual([
      '0.25 ringFullSleep 0 1600',
      '0.5 ringFullSleep 0 3200',
      '0.75 ringFullSleep 0 4800',
    ]);
  });

  // 1.03 s at 1000 MiB/s are 1030 MiB, divided by 1 s. F = floor(16e6/1030) = 15,533 us; quota 1: 99 times that.
  test('the drain after a period makes the rate too high', () => {
    const migration = startOn({ flushMs: 30 }, {}, 1000);
    migration.happenDetector();
    migration.runUntilMs(1500);
    expect(migration.calls.slice(1)).toEqual(['1.03 ringFullSleep 0 1537767']);
  });

  // 1030 against 700 is an error of 32 %: F/10 = 1,553 us a cycle.
  test('a cycle lasts a period and a drain', () => {
    const migration = startOn({ flushMs: 30 }, { 'vcpu-dirty-limit': 700 }, 1000);
    migration.happenDetector();
    migration.runUntilMs(3100);
    expect(migration.calls.slice(1)).toEqual([
      '1.03 ringFullSleep 0 1553',
      '2.06 ringFullSleep 0 3106',
      '3.09 ringFullSleep 0 4659',
    ]);
  });

  test('the highest rate is shared: a fast vCPU shortens the steps of the others', () => {
    const alone = startOn({}, { 'vcpu-dirty-limit': 100 }, 0, 1000);
    const beside = startOn({}, { 'vcpu-dirty-limit': 100 }, 4000, 1000);
    for (const migration of [alone, beside]) {
      migration.happenDetector();
      migration.runUntilMs(1000);
    }
    expect(alone.calls).toContain('1 ringFullSleep 1 144000');
    expect(beside.calls).toContain('1 ringFullSleep 1 36000'); // F is 4,000 us instead of 16,000.
  });
});

describe('by command', () => {
  test('limits the vCPUs that are named, from the start, without waiting for the detector', () => {
    const migration = startOn({}, { 'vcpu-dirty-limit': 100, when: 'start', vcpus: [1] }, 1000, 1000);
    migration.runUntilMs(1000);
    expect(migration.calls).toEqual(['0 dirtyLimitInService true', '1 ringFullSleep 1 144000']);
    expect(migration.explanations[0]).toBe('dirtylimit_set_vcpu: vCPUs 1 limited to 100 MiB/s each');
  });

  test('limits all when none is named', () => {
    const migration = startOn({}, { 'vcpu-dirty-limit': 100, when: 'start' }, 1000, 1000);
    migration.runUntilMs(1000);
    expect(migration.calls.slice(1)).toEqual(['1 ringFullSleep 0 144000', '1 ringFullSleep 1 144000']);
  });
});

describe('rates are whole MiB before they are scaled up to 8.1, and after from 8.2 on', () => {
  /**
   * 28 MiB/s make 2.8 MiB in a period of 100 ms: 2 whole MiB are 20 MiB/s, 19 from the quota of 1, and such a vCPU is left
   * alone; scaled first they are 28, 27 from it. From 30 on both see it.
   */
  test.each([
    ['8.1', 28, []],
    ['8.2', 28, ['vCPU 0 dirties 28 MiB/s']],
    ['10.2', 28, ['vCPU 0 dirties 28 MiB/s']],
    ['8.1', 31, ['vCPU 0 dirties 30 MiB/s']],
  ] as const)('QEMU %s, %d MiB/s at a quota of 1 MiB/s', (qemu, rate, adjusted) => {
    const migration = startOn({ qemu }, { 'x-vcpu-dirty-limit-period': 100 }, rate);
    migration.happenDetector();
    migration.runUntilMs(101);
    const steps = migration.explanations.filter((text) => text.startsWith('dirtylimit_set_throttle'));
    expect(steps.map((text) => /vCPU \d+ dirties \d+ MiB\/s/.exec(text)?.[0])).toEqual(adjusted);
  });
});

describe('what QEMU refuses', () => {
  test.each([
    ['no dirty ring', {}, { dirtyRingSize: 0 }, /requires KVM with accelerator property 'dirty-ring-size'/],
    ['the capability in 7.2', {}, { qemu: '7.2' }, /QEMU 7\.2 has no dirty-limit capability.*when: start/],
    ['a choice of vCPUs for the capability', { vcpus: [0] }, {}, /limits all vCPUs/],
    [
      'an index that does not exist',
      { when: 'start', vcpus: [0, 2] },
      {},
      /incorrect cpu index specified: 2/,
    ],
    ['a period for the command', { when: 'start', 'x-vcpu-dirty-limit-period': 500 }, {}, /period is 1000ms/],
  ] as const)('%s', (_what, given, fields, message) => {
    expect(dirtyLimit.refuses!(parseOptions(dirtyLimit.options, given), setupWith(fields))).toMatch(message);
  });

  test('but not the command in 7.2', () => {
    const options = parseOptions(dirtyLimit.options, { when: 'start', vcpus: [1] });
    expect(dirtyLimit.refuses!(options, setupWith({ qemu: '7.2' }))).toBeNull();
  });

  test('a quota below 1 MiB/s and a period beyond 1000 ms are refused as options', () => {
    expect(readOptions(dirtyLimit.options, { 'vcpu-dirty-limit': 0 })).toHaveProperty('problems');
    expect(readOptions(dirtyLimit.options, { 'x-vcpu-dirty-limit-period': 1001 })).toHaveProperty('problems');
  });
});
