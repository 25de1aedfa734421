/**
 * The guest and host behind the tables of the dirty-limit series (cover letters of "migration: introduce dirtylimit
 * capability", 2022 to 2023), as far as they are given, and what is assumed for the rest.
 *
 * Given: 4 vCPUs, 4 GiB, 1 Gbit/s, an Intel Xeon 5218, the ring, N MB that are rewritten, S µs of sleep after each MB.
 * Assumed, alike for all rows:
 * - 117 MB/s of payload, varying by 5 % from one 50 ms to the next; max-bandwidth and downtime-limit (300 ms) not in the way;
 * - one vCPU writes at a time, in address order, 150 µs a MB besides the sleep: the slope between the rows of auto-converge;
 * - 1150 MB besides the N MB are not zero (guest kernel, page cache): the first pass of the fastest rows;
 * - the kicks of syncs and of the rate meter cut a sleep at a full ring short, as QEMU did until 8.1;
 * - the host profile `default`: PML, so that a ring is full 576 entries before its end.
 */
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import type { AccessClass } from '../../src/guest/spec.js';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { findStrategy } from '../../src/strategies/index.js';

const MB_PAGES = 256;
const WRITE_US_PER_MB = 150;
const OTHER_MB = 1150;
const LINK_BYTES_PER_SECOND = 1.17e8;

export interface Row {
  readonly ring: number;
  readonly setMB: number;
  readonly sleepUs: number;
  readonly periodMs?: number;
  /** vCPUs that write, each its part of the set; default 1. */
  readonly writers?: number;
  /** Default 1. */
  readonly gbits?: number;
  readonly seed?: number;
}

function setupOf({ ring, setMB, sleepUs, writers = 1, gbits = 1, seed = 1 }: Row): MigrationSetup {
  const ramPages = 4 * 262_144;
  const used = (OTHER_MB + setMB) * MB_PAGES;
  const pages = Math.floor((setMB * MB_PAGES) / writers);
  const usPerMb = WRITE_US_PER_MB + sleepUs;
  const classOf = (index: number): AccessClass => ({
    firstPage: index * pages,
    pages,
    pattern: 'sequential',
    writesPerSecond: (MB_PAGES * 1e6) / usPerMb,
    readsPerSecond: 0,
  });
  return {
    name: 'published',
    guest: {
      ramPages,
      hiddenPages: 4352,
      zeroExtents: used < ramPages ? [{ firstPage: used, pages: ramPages - used }] : [],
      dirtyRingSize: ring,
      hostPagePages: 1,
      vcpus: Array.from({ length: writers }, (_, index) => ({
        group: 'writer',
        classes: [classOf(index)],
        busy: WRITE_US_PER_MB / usPerMb,
        phases: [],
        phasePeriodUs: 0,
      })),
    },
    host: bareMetal,
    link: {
      bandwidthBytesPerSecond: gbits * LINK_BYTES_PER_SECOND,
      latencyUs: 100,
      phases: [],
      jitter: 0.05,
    },
    migration: {
      qemu: '8.1',
      maxBandwidth: 0,
      downtimeLimitMs: 300,
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

const SEEDS = [1, 2, 3];

/** Seconds that the migration takes, median of three runs; Infinity when most of them do not converge within 10 min. */
export function secondsOf(strategy: 'dirty-limit' | 'auto-converge', row: Row): number {
  const definition = findStrategy(strategy);
  const period = row.periodMs === undefined ? {} : { 'x-vcpu-dirty-limit-period': row.periodMs };
  const options = definition.options.parse(strategy === 'dirty-limit' ? period : {});
  const times = SEEDS.map((seed) => {
    const base = setupOf({ ...row, seed });
    const setup = definition.prepare?.(options, base) ?? base;
    const result = runMigration(setup, { strategy, policy: 'wait' }, (controls) =>
      definition.start(options, controls),
    );
    return result.converged ? result.totalTimeMs / 1000 : Infinity;
  });
  return times.sort((a, b) => a - b)[1]!;
}
