/** What the pause is made of: as QEMU reports it (`downtime`) and as the guest feels it (blackout). */
import { describe, expect, test } from '@jest/globals';
import type { MigrationStats } from '../../src/migration/controls.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { QemuVersion } from '../../src/migration/rules/versions.js';
import { MIB, NORMAL_RECORD, type SetupFields, migrate, setupOf, writer } from './setups.js';

/** An idle guest of two vCPUs whose switchover takes 40 ms in all. */
const IDLE: SetupFields = {
  guest: { vcpus: [writer({ pages: 1, writesPerSecond: 0 }), writer({ pages: 1, writesPerSecond: 0 })] },
  host: { deviceSaveUs: 20_000, destinationLoadUs: 20_000 },
  // Nothing may be left for the switchover, and nothing is: what it takes does not depend on where a pass stood.
  migration: { downtimeLimitMs: 0 },
};

function merged(a: SetupFields, b: SetupFields): SetupFields {
  return {
    guest: { ...a.guest, ...b.guest },
    host: { ...a.host, ...b.host },
    link: { ...a.link, ...b.link },
    migration: { ...a.migration, ...b.migration },
  };
}

interface Pause {
  readonly downtimeMs: number;
  readonly blackoutMs: number;
}

function pauseOf(fields: SetupFields): Pause {
  const { downtimeMs, blackoutMs } = migrate(setupOf(merged(IDLE, fields)));
  return { downtimeMs: downtimeMs!, blackoutMs: blackoutMs! };
}

describe.each([false, true])('with return-path %s', (returnPath) => {
  const migration = { returnPath };
  const base = pauseOf({ migration });

  test('downtime ends with the last byte into the socket, or when the destination has reported that it runs', () => {
    expect(base.downtimeMs).toBe(returnPath ? 40 : 20);
    expect(base.blackoutMs).toBeCloseTo(40, 6);
  });

  /** What is added, what it adds to the downtime without and with a return path, and to the blackout; ms. */
  const parts: [string, SetupFields, number, number, number][] = [
    ['pausing vCPUs and telling devices', { host: { stopUs: 10_000 } }, 10, 10, 10],
    ['flushing block devices', { host: { blockFlushUs: 10_000 } }, 10, 10, 10],
    ['the final sync', { host: { syncFixedUs: 10_000 } }, 10, 10, 10],
    ['the final sync of 64 MiB', { host: { bitmapSyncUsPerGiB: 160_000 } }, 10, 10, 10],
    ['saving devices', { host: { deviceSaveUs: 30_000 } }, 10, 10, 10],
    ['saving each of two vCPUs', { host: { deviceSaveUsPerVcpu: 5_000 } }, 10, 10, 10],
    ['device state on the wire, saved at the same time', { host: { deviceStateBytes: 30e6 } }, 10, 10, 10],
    ['the state of each of two vCPUs', { host: { deviceStateBytesPerVcpu: 15e6 } }, 10, 10, 10],
    ['loading devices', { host: { destinationLoadUs: 30_000 } }, 0, 10, 10],
    ['loading each of two vCPUs', { host: { destinationLoadUsPerVcpu: 5_000 } }, 0, 10, 10],
    ['starting the guest there', { host: { destinationStartUs: 10_000 } }, 0, 10, 10],
    // One way for the state, and with a return path another for the answer.
    ['the latency of the network', { link: { latencyUs: 10_000 } }, 0, 20, 10],
    [
      'a user who takes his time to answer',
      { migration: { pauseBeforeSwitchover: true, migrateContinueDelayUs: 10_000 } },
      ...([10, 10, 10] as const),
    ],
    [
      'an orchestrator that starts the destination itself',
      { migration: { orchestratorContUs: 10_000 } },
      0,
      0,
      10,
    ],
    ['a user who is not asked', { migration: { migrateContinueDelayUs: 10_000 } }, 0, 0, 0],
    ['a bandwidth limit', { migration: { maxBandwidth: 50e6 } }, 0, 0, 0],
    ['a longer first pass', { guest: { ramPages: 256 * MIB } }, 0, 0, 0],
  ];

  test.each(parts)('%s', (_, fields, withoutPath, withPath, blackout) => {
    const pause = pauseOf(merged({ migration }, fields));
    expect(pause.downtimeMs - base.downtimeMs).toBe(returnPath ? withPath : withoutPath);
    expect(pause.blackoutMs - base.blackoutMs).toBeCloseTo(blackout, 6);
  });
});

describe('memory in the switchover', () => {
  // 8192 pages are written over and over. Over 100 MB/s they take 336 ms, over 10 MB/s they would take 3.4 s; allowed
  // are 4 s at 10 MB/s, which is 40 MB.
  const fields: SetupFields = {
    guest: { ramPages: 32 * MIB, vcpus: [writer({ pages: 32 * MIB, writesPerSecond: 1e6 })] },
    link: { bandwidthBytesPerSecond: 100e6 },
    migration: { maxBandwidth: 10e6, downtimeLimitMs: 4_000 },
  };

  test('goes out at the speed of the link: the limiter is off, and only the threshold knew of it', () => {
    const result = migrate(setupOf(fields));
    expect(result.downtimeBytes).toBe(32 * MIB * NORMAL_RECORD);
    expect(result.downtimeMs).toBe(336);
    expect(result.expectedDowntimeMs).toBeGreaterThan(3_000);
  });

  test('is more than was pending at the decision: what is written until the stop is found by the final sync', () => {
    const result = migrate(setupOf(merged(fields, { host: { syncFixedUs: 30_000 } })));
    const [decision, final] = result.syncs.slice(-2);
    expect(decision!.cause).toBe('natural');
    expect(final!.remainingBytes).toBeGreaterThanOrEqual(decision!.remainingBytes);
    expect(result.downtimeBytes).toBe((final!.remainingBytes / 4096) * NORMAL_RECORD);
  });
});

describe('a vCPU that sleeps when it is to stop', () => {
  /** One vCPU that fills its ring of 960 in 1 ms, then sleeps for 2 s; paused by hand after 500 ms. */
  function paused(qemu: QemuVersion): MigrationResult {
    return migrate(
      setupOf({
        guest: {
          dirtyRingSize: 1024,
          vcpus: [writer({ pages: 16 * MIB, writesPerSecond: 960_000, pattern: 'sequential' })],
        },
        link: { bandwidthBytesPerSecond: 50e6 },
        migration: { qemu, maxBandwidth: 0 },
      }),
      'none',
      {},
      (controls) => {
        controls.dirtyLimitInService(true);
        controls.ringFullSleep(0, 2_000_000);
        controls.after(500, () => controls.pause());
      },
    );
  }

  // It sleeps from 1 ms to 2001 ms and is paused between 500 ms and 600 ms, at the loop's next turn. In 7.2 the kick wakes it;
  // from 8.x on nothing does, and nothing is sent until it has answered: the pause is longer by the rest of the sleep.
  test('in a ring-full sleep holds the stop up until that is over, but in QEMU 7.2', () => {
    const wait = paused('10.0').blackoutMs! - paused('7.2').blackoutMs!;
    expect(wait).toBeGreaterThan(1_300);
    expect(wait).toBeLessThan(1_501);
  });

  test('in a CPU throttle sleep wakes at once', () => {
    const throttled = (percent: number): MigrationResult =>
      migrate(setupOf(IDLE), 'none', {}, (controls) => controls.throttle('all', percent));
    expect(throttled(99).downtimeMs).toBe(throttled(0).downtimeMs);
  });
});

describe('the status', () => {
  function statuses(qemu: QemuVersion, pauseBeforeSwitchover: boolean): MigrationStats['status'][] {
    const seen: MigrationStats['status'][] = [];
    const migration = { qemu, pauseBeforeSwitchover, migrateContinueDelayUs: 20_000 };
    migrate(setupOf(merged(IDLE, { migration })), 'none', {}, (controls) => {
      const look = (): void => {
        const { status } = controls.stats();
        if (seen.at(-1) !== status) seen.push(status);
      };
      controls.every(1, look);
      controls.onSync(look);
      controls.onEnd(look);
    });
    return seen;
  }

  test('goes through device in every switchover of 10.0 and later', () => {
    expect(statuses('10.0', false)).toEqual(['setup', 'active', 'device', 'completed']);
    expect(statuses('10.2', false)).toEqual(['setup', 'active', 'device', 'completed']);
  });

  test('up to 9.2 only when the switchover was paused', () => {
    expect(statuses('9.2', false)).toEqual(['setup', 'active', 'completed']);
    expect(statuses('9.2', true)).toEqual(['setup', 'active', 'pre-switchover', 'device', 'completed']);
  });

  test('waits in pre-switchover, with the guest stopped, where it is asked to', () => {
    expect(statuses('10.0', true)).toEqual(['setup', 'active', 'pre-switchover', 'device', 'completed']);
  });
});

describe('the guest', () => {
  const busy: SetupFields = {
    guest: { vcpus: [writer({ pages: MIB, writesPerSecond: 1e6 })] },
    host: { deviceSaveUs: 100_000, destinationLoadUs: 100_000 },
  };

  test('does not run from the stop until the destination runs: its longest stall is the blackout', () => {
    const result = migrate(setupOf(busy));
    const [vcpu] = result.vcpus;
    expect(vcpu!.longestStallMs).toBeCloseTo(result.blackoutMs!, 6);
    expect(vcpu!.blackoutMs).toBe(result.blackoutMs);
    // Work is counted until it runs again: the blackout is all that it lost.
    const untilMs = vcpu!.writes / 1e3 / vcpu!.workDone!;
    expect((1 - vcpu!.workDone!) * untilMs).toBeCloseTo(result.blackoutMs!, 1);
  });

  test('runs on at the source when the migration is given up in the middle of the switchover', () => {
    const result = migrate(setupOf({ ...busy, migration: { giveUpAfterUs: 120_000 } }));
    expect(result).toMatchObject({ status: 'gave-up', downtimeMs: null, blackoutMs: null, converged: false });
    // From the stop until the cancellation took effect.
    expect(result.vcpus[0]!.longestStallMs).toBeGreaterThan(40);
  });
});

/**
 * bql_lock: a timer's sync runs in the main loop, and do_vm_stop and the switchover hold the big lock throughout, so that none
 * begins from the stop on, and one that runs is waited for. Whoever asks for syncs all the time sees them one after another.
 */
describe('syncs that a timer asks for, and the stop', () => {
  test.each([
    ['on the bitmap', 0, null],
    ['on a ring', 1024, null],
    ['of a guest that is paused and goes on', 1024, [150, 300]],
    ['of a guest that is paused until its end', 0, [150, 1e9]],
  ] as const)('%s', (_name, dirtyRingSize, pause) => {
    const result = migrate(
      setupOf({
        guest: { dirtyRingSize, vcpus: [writer({ pages: 16 * MIB, writesPerSecond: 50_000 })] },
        host: { stopUs: 36_000, syncFixedUs: 2_000, kickUs: 500 },
        link: { bandwidthBytesPerSecond: 2e8 },
      }),
      'none',
      {},
      (controls) => {
        controls.every(3, () => controls.sync('timer'));
        if (pause === null) return;
        controls.after(pause[0], () => controls.pause());
        controls.after(pause[1], () => controls.resume());
      },
    );
    const { syncs } = result;
    expect(result.status).toBe('completed');
    expect(syncs.filter(({ cause }) => cause === 'timer').length).toBeGreaterThan(1);
    expect(syncs.map(({ n }) => n)).toEqual(syncs.map((_sync, i) => i + 1));
    expect(result.dirtySyncCount).toBe(syncs.length);
    for (const [i, { timeMs, durationMs }] of syncs.entries())
      expect(timeMs - durationMs).toBeGreaterThanOrEqual((syncs[i - 1]?.timeMs ?? 0) - 1e-9);
  });
});

describe('a page of the stop phase on CPUs that source and destination share', () => {
  const EXTRA_US = 20;
  /** How much longer the downtime is for it, in pages' worth. */
  function extraPages(
    busy: number,
    occupies: number | undefined,
    percent: number,
  ): readonly [number, number] {
    const vcpu = {
      ...writer({ pages: 20 * MIB, writesPerSecond: 2000 }),
      busy,
      ...(occupies === undefined ? {} : { occupies }),
    };
    const pause = (host: SetupFields['host']): MigrationResult =>
      migrate(
        setupOf({
          guest: { vcpus: [vcpu] },
          link: { bandwidthBytesPerSecond: 5e7 },
          ...(host === undefined ? {} : { host }),
        }),
        'none',
        {},
        (controls) => {
          if (percent > 0) controls.throttle('all', percent);
        },
      );
    const [without, with_] = [pause({}), pause({ sendAfterBusyNsPerPage: EXTRA_US * 1000 })];
    expect(with_.downtimeBytes).toBe(without.downtimeBytes);
    const ms = with_.downtimeMs! - without.downtimeMs!;
    return [(ms * 1000) / EXTRA_US, without.downtimeBytes / NORMAL_RECORD];
  }

  test('takes longer when a vCPU ran until the stop, in proportion to what it occupied', () => {
    for (const [busy, occupies, percent, share] of [
      [1, undefined, 0, 1],
      [0.25, undefined, 0, 0.25],
      // It waits for its pace in a loop.
      [0.25, 1, 0, 1],
      [1, undefined, 75, 0.25],
    ] as const) {
      const [extra, pages] = extraPages(busy, occupies, percent);
      expect(pages).toBeGreaterThan(1000);
      // Downtimes are whole ms: 50 pages of 20 us.
      expect(Math.abs(extra - share * pages)).toBeLessThanOrEqual(1000 / EXTRA_US + 1);
    }
  });
});
