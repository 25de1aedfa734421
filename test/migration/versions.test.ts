/** Each fact of the version table that the rules or a strategy ask for makes a difference that can be seen. */
import { parseOptions } from '../../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import type { DeviceSpec } from '../../src/guest/spec.js';
import type { MigrationStats } from '../../src/migration/controls.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { MigrationParameters } from '../../src/migration/setup.js';
import {
  QEMU_VERSIONS,
  type QemuVersion,
  type VersionFacts,
  since,
  versionFacts,
} from '../../src/migration/rules/versions.js';
import { dirtyLimit } from '../../src/strategies/dirty-limit.js';
import { MIB, NORMAL_RECORD, PAGE, type SetupFields, migrate, setupOf, writer } from './setups.js';

/** The versions of which a fact holds. */
function having(fact: keyof VersionFacts): QemuVersion[] {
  return QEMU_VERSIONS.filter((qemu) => versionFacts[qemu][fact]);
}

function on(
  qemu: QemuVersion,
  fields: SetupFields,
  migration: Partial<MigrationParameters> = {},
): MigrationResult {
  return migrate(setupOf({ ...fields, migration: { ...fields.migration, ...migration, qemu } }));
}

/** All of its memory, 16,384 pages, is written every 16 ms. */
const RESTLESS: SetupFields = {
  guest: { vcpus: [writer({ pages: 64 * MIB, writesPerSecond: 1e6, pattern: 'sequential' })] },
};

test('the table grows with the versions: what came with one is in all later ones', () => {
  const came: readonly (readonly [keyof VersionFacts, QemuVersion])[] = [
    ['hasDirtyLimitCapability', '8.1'],
    ['hasAvailSwitchoverBandwidth', '8.2'],
    ['hasZeroPageDetection', '9.0'],
    ['multifdFindsZeroPages', '9.0'],
    ['hasPeriodicSync', '9.2'],
    ['alwaysDeviceStatus', '10.0'],
    ['completesAtThreshold', '10.1'],
    ['postcopyFirst', '10.1'],
    ['multifdWithPostcopy', '10.1'],
    ['hasPostcopyDeviceStatus', '10.2'],
    ['syncsAtThreshold', '11.1'],
    ['expectedDowntimeOnDemand', '11.1'],
    ['hasTotalRemaining', '11.1'],
  ];
  for (const [fact, first] of came) {
    expect([fact, having(fact)]).toEqual([fact, QEMU_VERSIONS.slice(QEMU_VERSIONS.indexOf(first))]);
    expect(since(fact)).toBe(first);
  }
  // And what was left behind is in none.
  const left: readonly (readonly [keyof VersionFacts, QemuVersion])[] = [
    ['detectorNeedsAutoConverge', '8.0'],
    ['multifdSyncsEveryIteration', '8.0'],
    ['countsEachPage', '8.1'],
    ['ratesInWholeMib', '8.1'],
    ['ringSleepInterruptible', '8.1'],
    ['transferredIsRamOnly', '8.1'],
    ['roundsAvailBandwidth', '11.0'],
  ];
  for (const [fact, last] of left) {
    expect([fact, having(fact)]).toEqual([fact, QEMU_VERSIONS.slice(0, QEMU_VERSIONS.indexOf(last) + 1)]);
  }
});

describe.each(QEMU_VERSIONS)('QEMU %s', (qemu) => {
  const facts = versionFacts[qemu];

  /**
   * The threshold is made exactly what the guest's memory is: avail-switchover-bandwidth gives 4,096 B a ms, and 16,384 ms
   * are allowed. Before a sync less is pending, after it all: only where the threshold may be met is that good enough.
   * Without avail-switchover-bandwidth it is far less, and never reached.
   */
  test(`${facts.completesAtThreshold ? 'completes' : 'does not complete'} when just the threshold is pending`, () => {
    const setup = setupOf({
      ...RESTLESS,
      link: { bandwidthBytesPerSecond: 100e6 },
      migration: {
        ...{ qemu: facts.hasAvailSwitchoverBandwidth ? qemu : '8.2', giveUpAfterUs: 2e6 },
        ...{ availSwitchoverBandwidth: PAGE * 1000, downtimeLimitMs: 64 * MIB },
      },
    });
    const result = migrate(setup);
    expect(result.thresholdBytes).toBe(64 * MIB * PAGE);
    expect(result.syncs[1]!.remainingBytes).toBe(64 * MIB * PAGE);
    expect(result.converged).toBe(facts.completesAtThreshold);
  });

  // 100 MB/s and 10 ms allow 1 MB, 16,384 pages are 67 MB; told of 10 GB/s, it takes 100 MB for what fits.
  test(`${facts.hasAvailSwitchoverBandwidth ? 'heeds' : 'knows no'} avail-switchover-bandwidth`, () => {
    const fields = { ...RESTLESS, link: { bandwidthBytesPerSecond: 100e6 } };
    const migration = { downtimeLimitMs: 10, giveUpAfterUs: 2e6 };
    expect(on(qemu, fields, migration).converged).toBe(false);
    const told = on(qemu, fields, { ...migration, availSwitchoverBandwidth: 10e9 });
    expect(told.converged).toBe(facts.hasAvailSwitchoverBandwidth);
    // It decides and shapes nothing: the pause takes what the link takes.
    if (told.converged) expect(told.downtimeMs).toBe(672);
  });

  // Every pass brings all of the memory back, and takes 1.3 s: bad from the first judged sync on.
  test(`without auto-converge ${facts.detectorNeedsAutoConverge ? 'counts no' : 'counts'} bad syncs`, () => {
    const fields = { ...RESTLESS, migration: { maxBandwidth: 50e6, downtimeLimitMs: 1, giveUpAfterUs: 6e6 } };
    const { syncs } = on(qemu, fields);
    const judged = syncs.slice(1).map(({ detector }) => detector);
    expect(judged).toHaveLength(4);
    const counts = ['bad', 'act', 'bad', 'act'];
    const off = judged.map(() => 'not-eligible');
    expect(judged).toEqual(facts.detectorNeedsAutoConverge ? off : counts);
    // The rate is none of the detector's business.
    expect(syncs.at(-1)!.dirtyPagesRate).toBeGreaterThan(10_000);
    const setup = setupOf({ ...fields, migration: { ...fields.migration, qemu } });
    expect(migrate(setup, 'auto-converge').syncs[2]).toMatchObject({ detector: 'act', throttlePercent: 20 });
  });

  test(`with auto-converge ${facts.hasPeriodicSync ? 'syncs by timer' : 'syncs only when a pass ends'}`, () => {
    const setup = setupOf({
      ...RESTLESS,
      migration: { qemu, maxBandwidth: 5e6, downtimeLimitMs: 1, giveUpAfterUs: 21e6 },
    });
    // A pass of 12.8 s: the tick at 20 s is the first that finds the count as the tick before left it.
    const { syncs } = migrate(setup, 'auto-converge');
    expect(syncs.some(({ cause }) => cause === 'timer')).toBe(facts.hasPeriodicSync);
    expect(syncs.some(({ cause }) => cause === 'natural')).toBe(true);
    // Dirty limit has no such timer in any version.
    const ring = { ...RESTLESS, guest: { ...RESTLESS.guest, dirtyRingSize: 4096 } };
    const limited = migrate(setupOf({ ...ring, migration: setup.migration }), 'dirty-limit', {
      when: 'start',
    });
    expect(limited.syncs.some(({ cause }) => cause === 'timer')).toBe(false);
  });

  test(`${facts.hasDirtyLimitCapability ? 'has' : 'lacks'} the dirty-limit capability, and always has the command`, () => {
    const setup = setupOf({ guest: { ...RESTLESS.guest, dirtyRingSize: 4096 }, migration: { qemu } });
    const refusal = (given: object): string | null =>
      dirtyLimit.refuses!(parseOptions(dirtyLimit.options, given), setup);
    expect(refusal({}) === null).toBe(facts.hasDirtyLimitCapability);
    expect(refusal({ when: 'start' })).toBeNull();
  });

  /**
   * Asleep at a full ring for 2 s, once: the sync at the end of the first pass kicks the vCPU and waits for it, unless the
   * kick ends the sleep.
   */
  test(`${facts.ringSleepInterruptible ? 'does not wait' : 'waits'} for a vCPU in a ring-full sleep`, () => {
    const setup = setupOf({
      guest: {
        dirtyRingSize: 1024,
        vcpus: [writer({ pages: 16 * MIB, writesPerSecond: 1e6, pattern: 'sequential' })],
      },
      link: { bandwidthBytesPerSecond: 500e6 },
      migration: { qemu, downtimeLimitMs: 10 },
    });
    const result = migrate(setup, 'none', {}, (controls) => {
      controls.dirtyLimitInService(true);
      controls.ringFullSleep(0, 2_000_000);
    });
    const [sync] = result.syncs.filter(({ cause }) => cause === 'natural');
    expect(sync!.durationMs > 1_000).toBe(!facts.ringSleepInterruptible);
    expect(result.vcpus[0]!.ringSleepMs < 1_000).toBe(facts.ringSleepInterruptible);
  });

  test(`${facts.alwaysDeviceStatus ? 'passes through' : 'skips'} the status device`, () => {
    const seen: MigrationStats['status'][] = [];
    migrate(setupOf({ migration: { qemu } }), 'none', {}, (controls) => {
      controls.onSync(({ cause }) => {
        if (cause === 'switchover') seen.push(controls.stats().status);
      });
    });
    expect(seen).toEqual([facts.alwaysDeviceStatus ? 'device' : 'active']);
  });

  // 1,000,000 B a window: counted page by page that is 244 pages and the end of an iteration; by flushes of 32, 256.
  test(`counts bytes ${facts.countsEachPage ? 'page by page' : 'when they are flushed'}`, () => {
    const seen: number[] = [];
    migrate(
      setupOf({ migration: { qemu, maxBandwidth: 10e6, giveUpAfterUs: 2e6 } }),
      'none',
      {},
      (controls) => {
        controls.every(100, () => seen.push(controls.stats().bandwidthBytesPerSecond / 10));
      },
    );
    const pages = facts.countsEachPage ? 244 : 256;
    expect(seen[10]).toBeCloseTo(pages * NORMAL_RECORD + 18, 6);
  });
});

/** All memory goes within the first 100 ms, before any threshold is known: 0 bytes are left of the first pass, and 0 may be. */
test.each([
  ['11.0', ['setup', 'switchover']],
  ['11.1', ['setup', 'natural', 'switchover']],
] as const)('QEMU %s: a first pass within one window', (qemu, causes) => {
  const idle = {
    guest: { vcpus: [writer({ pages: 1, writesPerSecond: 1 })] },
    link: { bandwidthBytesPerSecond: 10e9 },
  };
  expect(on(qemu, idle).syncs.map(({ cause }) => cause)).toEqual(causes);
});

/** Whatever the guest does: from 11.1 on a sync comes between setup and the switchover, before that it may not. */
test('QEMU 11.1 never completes without a sync', () => {
  const rates = [1, 1000, 1e5, 1e6];
  const links = [1e8, 1e9, 1e10];
  const counts = (qemu: QemuVersion): number[] =>
    rates.flatMap((writesPerSecond) =>
      links.map((bandwidthBytesPerSecond) => {
        const guest = { vcpus: [writer({ pages: 4 * MIB, writesPerSecond })] };
        const { converged, syncs } = on(qemu, { guest, link: { bandwidthBytesPerSecond } });
        expect(converged).toBe(true);
        return syncs.filter(({ cause }) => cause === 'natural').length;
      }),
    );
  expect(Math.min(...counts('11.1'))).toBeGreaterThanOrEqual(1);
  expect(Math.min(...counts('11.0'))).toBe(0);
});

test('remaining of all devices is shown from 11.1 on, until it has completed', () => {
  for (const qemu of ['11.0', '11.1'] as const) {
    const seen: MigrationStats[] = [];
    migrate(
      setupOf({ ...RESTLESS, migration: { qemu, maxBandwidth: 50e6, giveUpAfterUs: 1e6 } }),
      'none',
      {},
      (controls) => controls.after(500, () => seen.push(controls.stats())),
    );
    expect(seen[0]!.totalRemainingBytes).toBe(qemu === '11.1' ? seen[0]!.remainingBytes : undefined);
  }
});

/** A device that sends so many bytes, and only when it is stopped. */
function stoppedDevice(stopCopyBytes: number): DeviceSpec {
  return {
    preCopyBytes: 0,
    dirtyBytesPerSecond: 0,
    stopCopyBytes,
    bytesPerSecond: 0,
    stopUs: 0,
    startUs: 0,
  };
}

/** 5 MB: in `remaining` of all devices, not in that of RAM. */
test('remaining of all devices counts what a device has', () => {
  const stopCopyBytes = 5e6;
  const device = stoppedDevice(stopCopyBytes);
  const seen: MigrationStats[] = [];
  migrate(
    setupOf({
      guest: { ...RESTLESS.guest, devices: [device] },
      migration: { qemu: '11.1', maxBandwidth: 50e6, giveUpAfterUs: 1e6 },
    }),
    'none',
    {},
    (controls) => controls.after(500, () => seen.push(controls.stats())),
  );
  expect(seen[0]!.totalRemainingBytes! - seen[0]!.remainingBytes).toBe(stopCopyBytes);
});

/**
 * With a downtime limit of 0 only a sync that finds nothing lets 11.1 stop the guest. They come every 1.5 ms. In that time a
 * vCPU writes 0.03, 0.3 or 0.45 pages, and so often none; or 6, and so none never.
 */
describe.each([
  [[20], true],
  [[300], true],
  [[4000], false],
  [[20, 20, 20, 20], true],
  [[200, 200, 200, 200], true],
  [[4000, 4000, 4000, 4000], false],
  // One that is never without a page is enough, however seldom the others write.
  [[2000, 10, 10, 10], false],
])('vCPUs that write %j pages a second', (rates, completes) => {
  test('QEMU 11.1 stops at no page in both memories, or in neither', () => {
    const syncs = (memory: 'page' | 'fluid', seed: number): number => {
      const result = migrate(
        setupOf({
          memory,
          seed,
          guest: {
            vcpus: rates.map((writesPerSecond, i) =>
              writer({ firstPage: i * 8 * MIB, pages: 8 * MIB, writesPerSecond }),
            ),
          },
          host: { syncFixedUs: 500 },
          migration: { qemu: '11.1', downtimeLimitMs: 0, giveUpAfterUs: 1e6 },
        }),
      );
      expect(result.status).toBe(completes ? 'completed' : 'gave-up');
      return result.syncs.length;
    };
    for (const seed of [1, 2, 3])
      expect(Math.abs(syncs('fluid', seed) - syncs('page', seed))).toBeLessThan(completes ? 10 : 50);
  });
});

/**
 * 11.1 computes `expected-downtime` when it is asked: the limit that is set now up to the second sync, then what RAM and devices
 * had pending at the last exact query, which a timer's sync is not, over the bandwidth that would count now.
 */
test.each(['page', 'fluid'] as const)(
  'QEMU 11.1 expects a downtime of all devices on demand, %s memory',
  (memory) => {
    const stopCopyBytes = 100_000;
    const device = stoppedDevice(stopCopyBytes);
    let given = 0;
    let limitMs = 40;
    let pending = 0;
    const reasons = new Set<string>();
    const setup = setupOf({
      memory,
      guest: { ...RESTLESS.guest, devices: [device] },
      migration: { qemu: '11.1', maxBandwidth: 8e6, downtimeLimitMs: limitMs, giveUpAfterUs: 30e6 },
    });
    migrate(setup, 'auto-converge', {}, (controls) => {
      controls.onSync(({ cause, remainingBytes }) => {
        if (cause === 'natural') pending = remainingBytes + stopCopyBytes;
        reasons.add(cause);
      });
      controls.after(900, () => controls.set({ downtimeLimitMs: (limitMs = 60) }));
      controls.after(17_000, () => controls.set({ availSwitchoverBandwidth: (given = 40e6) }));
      controls.every(13, () => {
        const { status, dirtySyncCount, expectedDowntimeMs, bandwidthBytesPerSecond } = controls.stats();
        if (status !== 'active') return;
        const rate = given > 0 ? given : bandwidthBytesPerSecond;
        const expected = dirtySyncCount <= 1 || rate === 0 ? limitMs : Math.trunc(pending / (rate / 1000));
        expect(Math.abs(expectedDowntimeMs - expected)).toBeLessThanOrEqual(1);
        reasons.add(`${dirtySyncCount > 1} ${limitMs} ${given}`);
      });
    });
    for (const reason of ['natural', 'timer', 'false 40 0', 'false 60 0', 'true 60 0', 'true 60 40000000'])
      expect(reasons).toContain(reason);
  },
);
