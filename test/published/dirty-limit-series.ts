/**
 * The guests and hosts behind the tables of the dirty-limit series ("migration: introduce dirtylimit capability", cover
 * letters of v0 to v4, 2022 to 2023), as far as they are given, and what is assumed for the rest.
 *
 * Given for the tables by ring, set and pause and by period: QEMU 5.0 with the series, a Xeon Gold 5218, 1 Gbit/s, a guest of
 * 4 vCPUs and 4 GiB; "we update N MB on 4 cpus and sleep S us every time 1 MB data was updated". The period was 500 ms, the
 * default of the series then: the row of the first table with 10 ms of sleep and that of the second with 500 ms are the same
 * two runs. QEMU's own sleep at a full ring was a `usleep`, which the kick of every ring sync ends, the rate meter's as
 * well as the migration's (until 8.1).
 *
 * Assumed, alike for all rows of both tables, and what speaks for it:
 *
 * | assumed                                 | because                                                                     |
 * | --------------------------------------- | --------------------------------------------------------------------------- |
 * | each vCPU goes through its own quarter, | so does QEMU's own load generator (tests/migration/stress.c), which the     |
 * | in address order, all at once           | series extends                                                              |
 * | 500 µs a MB besides the sleep           | stress.c needs about that; two rows that were on the border (auto-converge  |
 * |                                         | with 500 µs, dirty limit with a ring of 2048 without sleep) are on it       |
 * | guest memory on host pages of 2 MiB     | four vCPUs dirty 24 MB between any two syncs with a ring of 2048, more than |
 * |                                         | converges on small pages, whatever the rest; it did converge                |
 * | 600 MB besides the N MB are not zero    | the two rows with 128 MB, which are little else than the first pass         |
 * | 117 MB/s of payload, varying by 5 %     | 1 Gbit/s less headers; a real link does not repeat a window to the byte     |
 * | downtime-limit 300 ms, max-bandwidth    | QEMU's default; libvirt's default                                           |
 * | not in the way                          |                                                                             |
 * | the host profile `default`: PML         | the processor has it: a ring is full 576 entries before its end             |
 * | no disk to flush at the switchover      | QEMU's own load generator boots from an initrd                              |
 *
 * The other tables name a processor and a link only. Each has its conditions below, by the same rules.
 */
import { parseOptions } from '../../src/options/read.js';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import type { AccessClass, VcpuSpec } from '../../src/guest/spec.js';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { findStrategy } from '../../src/strategies/index.js';

const MB_PAGES = 256;
const WRITE_US_PER_MB = 500;
const GBIT_BYTES_PER_SECOND = 1.17e8;
const RAM_PAGES = 4 * 262_144;
const DEFAULT_PERIOD_MS = 500;

export interface Conditions {
  readonly writers: number;
  /** vCPUs that only read. */
  readonly readers: number;
  readonly otherMB: number;
  readonly downtimeLimitMs: number;
  readonly gbits: number;
  readonly qemu: MigrationSetup['migration']['qemu'];
}

const MAIN: Conditions = {
  writers: 4,
  readers: 0,
  otherMB: 600,
  downtimeLimitMs: 300,
  gbits: 1,
  // The first release with the capability, and the last whose sleeps a kick ends.
  qemu: '8.1',
};

/**
 * Sets of 60 to 110 MB on a Xeon Platinum 8378A, 1 Gbit/s. Two writers, as in the table of guest cost from the same host. 60 MB
 * needed no throttle, 70 did: bandwidth · downtime-limit lies between them (guestperf's limit is 500 ms). 100 MB besides: the
 * first row took 2 s, of which the set takes one, in the first pass and the switchover.
 */
export const SMALL_SETS: Partial<Conditions> = { writers: 2, otherMB: 100, downtimeLimitMs: 580 };

/** 10 Gbit/s, a Xeon E5-2650. Nothing else is known: everything as in the main table. */
export const TEN_GBIT: Partial<Conditions> = { gbits: 10 };

/** UnixBench on eight vCPUs, two others writing, again on the 8378A: those that only compute stand for readers. */
export const GUEST_COST: Partial<Conditions> = { writers: 2, readers: 8 };

export interface Row {
  readonly ring: number;
  readonly setMB: number;
  readonly sleepUs: number;
  readonly periodMs?: number;
}

type Strategy = 'dirty-limit' | 'auto-converge';

function setupOf({ ring, setMB, sleepUs }: Row, conditions: Conditions, seed: number): MigrationSetup {
  const { writers, readers, otherMB, downtimeLimitMs, gbits, qemu } = conditions;
  const used = (otherMB + setMB) * MB_PAGES;
  const pages = Math.floor((setMB * MB_PAGES) / writers);
  const usPerMb = WRITE_US_PER_MB + sleepUs;
  const vcpu = (group: string, busy: number, access: Partial<AccessClass>): VcpuSpec => ({
    group,
    classes: [
      { firstPage: 0, pages, pattern: 'sequential', writesPerSecond: 0, readsPerSecond: 0, ...access },
    ],
    busy,
    phases: [],
    phasePeriodUs: 0,
  });
  return {
    name: 'published',
    guest: {
      ramPages: RAM_PAGES,
      hiddenPages: 4352,
      zeroExtents: [{ firstPage: used, pages: RAM_PAGES - used }],
      dirtyRingSize: ring,
      hostPagePages: 512,
      vcpus: [
        ...Array.from({ length: writers }, (_, index) =>
          vcpu('writer', WRITE_US_PER_MB / usPerMb, {
            firstPage: index * pages,
            writesPerSecond: (MB_PAGES * 1e6) / usPerMb,
          }),
        ),
        ...Array.from({ length: readers }, () =>
          vcpu('reader', 1, { firstPage: setMB * MB_PAGES, readsPerSecond: 1e6 }),
        ),
      ],
    },
    host: { ...bareMetal, blockFlushUs: 0 },
    link: {
      bandwidthBytesPerSecond: gbits * GBIT_BYTES_PER_SECOND,
      latencyUs: 100,
      phases: [],
      jitter: 0.05,
    },
    migration: {
      qemu,
      maxBandwidth: 0,
      downtimeLimitMs,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 50,
      returnPath: false,
      pauseBeforeSwitchover: false,
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect: true,
      clearBitmapShift: 18,
      giveUpAfterUs: 600e6,
    },
    memory: 'fluid',
    seed,
    run: 1,
    timelineMs: 0,
    keepSyncs: false,
  };
}

export function migrateRow(
  strategy: Strategy,
  row: Row,
  conditions: Partial<Conditions> = {},
  seed = 1,
): MigrationResult {
  const definition = findStrategy(strategy);
  const period = { 'x-vcpu-dirty-limit-period': row.periodMs ?? DEFAULT_PERIOD_MS };
  const options = parseOptions(definition.options, strategy === 'dirty-limit' ? period : {});
  const base = setupOf(row, { ...MAIN, ...conditions }, seed);
  const setup = definition.prepare?.(options, base) ?? base;
  return runMigration(setup, { strategy, policy: 'wait' }, (controls) => definition.start(options, controls));
}

const SEEDS = [1, 2, 3];

/** Seconds that the migration takes, median of three runs; Infinity when most of them do not converge within 10 min. */
export function secondsOf(strategy: Strategy, row: Row, conditions: Partial<Conditions> = {}): number {
  const times = SEEDS.map((seed) => {
    const result = migrateRow(strategy, row, conditions, seed);
    return result.converged ? result.totalTimeMs / 1000 : Infinity;
  });
  return times.sort((a, b) => a - b)[1]!;
}
