/** Logs of migrations whose guest is known: the simulator writes what a poller would have seen. */
import { parseOptions } from '../../src/options/read.js';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import type { AccessClass, GuestSpec } from '../../src/guest/spec.js';
import type { MigrationStats } from '../../src/migration/controls.js';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { findStrategy } from '../../src/strategies/index.js';
import type { MigrationSetup } from '../../src/migration/setup.js';

const GIB_PAGES = 262_144;

export interface KnownGuest {
  readonly ramPages: number;
  readonly hiddenPages: number;
  /** Zero pages of RAM, at its end; the hidden pages are zero as well. */
  readonly zeroPages: number;
  /** Uniform sets: pages and writes a second, spread evenly over four vCPUs. */
  readonly sets: readonly (readonly [pages: number, writesPerSecond: number])[];
}

/** Passes shrink from 12 s to a plateau of about 0.8 s: a hot set that fits a pass, and a cold one. */
export const KNOWN: KnownGuest = {
  ramPages: 2 * GIB_PAGES,
  hiddenPages: 4306,
  zeroPages: GIB_PAGES / 2,
  sets: [
    [20_000, 40_000],
    [200_000, 12_000],
  ],
};

const VCPUS = 4;

export function specOf({ ramPages, hiddenPages, zeroPages, sets }: KnownGuest): GuestSpec {
  const part = Math.floor((ramPages - zeroPages) / VCPUS);
  return {
    ramPages,
    hiddenPages,
    zeroExtents: [
      { firstPage: ramPages - zeroPages, pages: zeroPages },
      { firstPage: ramPages, pages: hiddenPages },
    ],
    dirtyRingSize: 0,
    hostPagePages: 1,
    vcpus: Array.from({ length: VCPUS }, (_, id) => {
      let firstPage = id * part;
      const classes = sets.map(([pages, writesPerSecond]): AccessClass => {
        const own = pages / VCPUS;
        firstPage += own;
        return {
          firstPage: firstPage - own,
          pages: own,
          pattern: 'uniform',
          writesPerSecond: writesPerSecond / VCPUS,
          readsPerSecond: 0,
        };
      });
      return { group: 'known', classes, busy: 1, phases: [], phasePeriodUs: 0 };
    }),
  };
}

export interface LogOptions {
  readonly pollMs?: number;
  /** bytes/s; 0: the link is the limit. */
  readonly maxBandwidth?: number;
  readonly linkBytesPerSecond?: number;
  readonly giveUpAfterUs?: number;
  readonly strategy?: 'none' | 'auto-converge';
  readonly manualDirtyLogProtect?: boolean;
  readonly zeroNsPerPage?: number;
  /** CPU throttle from an instant on. */
  readonly throttle?: { readonly atMs: number; readonly percent: number };
}

export interface SimulatedLog {
  readonly text: string;
  readonly replies: readonly object[];
  readonly result: MigrationResult;
}

export function simulatedLog(guest: KnownGuest, options: LogOptions = {}): SimulatedLog {
  const {
    pollMs = 200,
    maxBandwidth = 128 * 2 ** 20,
    linkBytesPerSecond = 2.6e9,
    giveUpAfterUs = 60_000_000,
    strategy = 'none',
    manualDirtyLogProtect = true,
    zeroNsPerPage = bareMetal.zeroNsPerPage,
    throttle,
  } = options;
  const setup: MigrationSetup = {
    name: 'known',
    guest: specOf(guest),
    host: { ...bareMetal, zeroNsPerPage },
    link: { bandwidthBytesPerSecond: linkBytesPerSecond, latencyUs: 0, phases: [] },
    migration: {
      qemu: '10.0',
      maxBandwidth,
      downtimeLimitMs: 300,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 50,
      returnPath: false,
      pauseBeforeSwitchover: false,
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect,
      clearBitmapShift: 18,
      giveUpAfterUs,
    },
    memory: 'page',
    seed: 7,
    run: 1,
    timelineMs: 0,
    keepSyncs: true,
  };
  const replies: object[] = [];
  const definition = findStrategy(strategy);
  const chosen = parseOptions(definition.options, {});
  const prepared = definition.prepare?.(chosen, setup) ?? setup;
  const result = runMigration(prepared, { strategy, policy: 'wait' }, (controls) => {
    definition.start(chosen, controls);
    controls.every(pollMs, () => {
      if (controls.stats().status === 'active') replies.push(replyOf(controls.stats()));
    });
    if (throttle !== undefined)
      controls.after(throttle.atMs, () => controls.throttle('all', throttle.percent));
    controls.onEnd(() => {
      if (controls.stats().status === 'completed') replies.push(replyOf(controls.stats(), 25));
    });
  });
  return { text: JSON.stringify(replies), replies, result };
}

/** qapi/migration.json: MigrationInfo. */
function replyOf(stats: MigrationStats, downtimeMs?: number): object {
  return {
    status: stats.status,
    'total-time': stats.totalTimeMs,
    'setup-time': stats.setupTimeMs,
    ...(downtimeMs === undefined
      ? { 'expected-downtime': stats.expectedDowntimeMs }
      : { downtime: downtimeMs }),
    ...(stats.cpuThrottlePercentage > 0 ? { 'cpu-throttle-percentage': stats.cpuThrottlePercentage } : {}),
    ram: {
      total: stats.totalBytes,
      remaining: stats.remainingBytes,
      transferred: stats.transferredBytes,
      duplicate: stats.duplicatePages,
      normal: stats.normalPages,
      'normal-bytes': stats.normalPages * 4096,
      mbps: stats.mbps,
      'dirty-pages-rate': stats.dirtyPagesRate,
      'dirty-sync-count': stats.dirtySyncCount,
      'page-size': 4096,
    },
  };
}
