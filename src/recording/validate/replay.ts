/** A learned guest migrated again, under the rules and the throttle of its log. */
import { pairs } from '../../lists.js';
import { bareMetal } from '../../guest/host-profiles/default.js';
import { PAGE_BYTES, type AccessClass, type GuestSpec, type VcpuSpec } from '../../guest/spec.js';
import { runMigration } from '../../migration/engine.js';
import type { MigrationResult } from '../../migration/result.js';
import type { MigrationSetup } from '../../migration/setup.js';
import { parseOptions } from '../../options/read.js';
import { findStrategy } from '../../strategies/index.js';
import type { Learned, LearnedGuest, LearnedMigration, ThrottleStep } from '../learn/learned.js';
import { workShare, type Pass } from '../learn/passes.js';

const { floor, max, min, round } = Math;

/** The logged migration, under the throttle that the log shows, for as long as its passes went on. */
export function replay(learned: Learned): MigrationResult {
  const { strategy, options } = autoConvergeOf(learned.migration.throttleSteps);
  const definition = findStrategy(strategy);
  const parsed = parseOptions(definition.options, options);
  const base = setupOf(learned);
  const setup = definition.prepare?.(parsed, base) ?? base;
  return runMigration(setup, { strategy, policy: 'wait' }, (controls) => definition.start(parsed, controls));
}

/** The first percentage is the initial one, the first step the increment; QEMU's default where only one is seen. */
export function autoConvergeOf(steps: readonly ThrottleStep[]): {
  strategy: string;
  options: Record<string, number>;
} {
  const [first, second] = steps;
  if (first === undefined) return { strategy: 'none', options: {} };
  const increment = second === undefined ? 10 : max(1, second.percent - first.percent);
  return {
    strategy: 'auto-converge',
    options: { 'cpu-throttle-initial': first.percent, 'cpu-throttle-increment': increment },
  };
}

/** A simulation may take so much longer than the log before it is given up. */
const LONGER = 1.5;
/** The same of a log without a clock, us: 0 would mean never. */
const LONGEST_US = 4 * 3600e6;

function longestUs({ totalTimeMs }: LearnedMigration): number {
  return totalTimeMs > 0 ? LONGER * totalTimeMs * 1000 : LONGEST_US;
}

/** Where nothing shows what lies beyond max-bandwidth, the link is taken for wide; without a max-bandwidth it was the limit. */
function linkRate({ switchoverBytesPerSecond, maxBandwidth, bytesPerSecond }: LearnedMigration): number {
  return maxBandwidth === 0 ? bytesPerSecond : (switchoverBytesPerSecond ?? 10 * bytesPerSecond);
}

/** Where the link's rate is what post-copy reached, the time that pages take to be placed is in it. */
export const PLACING_IN_RATE_NS = 1;

export function setupOf({ file, guest, migration, passes, loadEndedUs }: Learned): MigrationSetup {
  // A log that begins later still needs a first pass when it is simulated.
  const beganLate = (passes[0]?.n ?? 2) > 2;
  const firstPassUs = beganLate ? (guest.ramPages * PAGE_BYTES * 1e6) / migration.bytesPerSecond : 0;
  return {
    name: file,
    guest: guestSpecOf(guest),
    host: {
      ...bareMetal,
      zeroNsPerPage: migration.zeroNsPerPage,
      ...(migration.postcopy?.bytesPerSecond != null ? { postcopyNsPerPage: PLACING_IN_RATE_NS } : {}),
    },
    link: {
      bandwidthBytesPerSecond: linkRate(migration),
      latencyUs: 0,
      phases: [],
    },
    migration: {
      qemu: migration.qemu,
      maxBandwidth: migration.maxBandwidth,
      downtimeLimitMs: migration.downtimeLimitMs,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 50,
      returnPath: false,
      pauseBeforeSwitchover: false,
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect: migration.manualDirtyLogProtect,
      clearBitmapShift: 18,
      giveUpAfterUs: round(firstPassUs + (loadEndedUs ?? longestUs(migration))),
    },
    memory: 'fluid',
    seed: 1,
    run: 1,
    timelineMs: 0,
    keepSyncs: true,
  };
}

/**
 * Each vCPU has an equal part of every set, in its own part of the room: a guest's hot pages lie all over it. All ROMs and
 * video memory are zero: what a scenario file can say.
 */
export function guestSpecOf(guest: LearnedGuest): GuestSpec {
  const { zero, roomFirstPage, roomPages } = guest.layout;
  const partPages = floor(roomPages / guest.vcpus);
  const vcpus = Array.from({ length: guest.vcpus }, (_, id): VcpuSpec => {
    let firstPage = roomFirstPage + id * partPages;
    const end = firstPage + partPages;
    const classes = guest.classes.flatMap((set): AccessClass[] => {
      // Parts of small sets are rounded up to a page: several of them can be more than there is room for.
      const pages = min(end - firstPage, max(1, floor(set.pages / guest.vcpus)));
      if (pages === 0) return [];
      firstPage += pages;
      const writesPerSecond = set.writesPerSecond / guest.vcpus;
      return [
        {
          firstPage: firstPage - pages,
          pages,
          pattern: guest.pattern,
          writesPerSecond,
          readsPerSecond: 0,
        },
      ];
    });
    const load = { busy: guest.cpu, catchesUp: true, phases: [], phasePeriodUs: 0 };
    return { group: `part-${id + 1}`, classes, ...load };
  });
  return {
    ramPages: guest.ramPages,
    hiddenPages: guest.hiddenPages,
    zeroExtents: [...zero, { firstPage: guest.ramPages, pages: guest.hiddenPages }].filter(
      ({ pages }) => pages > 0,
    ),
    dirtyRingSize: guest.dirtyRingSize,
    hostPagePages: 1,
    vcpus,
  };
}

/** The passes of a simulated migration, in the terms of a log's. */
export function passesOf(result: MigrationResult, cpu: number): Pass[] {
  const passes: Pass[] = [];
  for (const [start, end] of pairs(result.syncs)) {
    if (end.cause !== 'natural' && end.cause !== 'timer') continue;
    const durationUs = (end.timeMs - start.timeMs) * 1000;
    // Throttles change at syncs only.
    const runUs = durationUs * workShare(start.throttlePercent, cpu);
    passes.push({
      timed: true,
      n: end.n,
      startUs: start.timeMs * 1000,
      durationUs,
      runUs,
      throttlePercent: start.throttlePercent,
      windowsRunUs: runUs,
      newPages: end.newDirtyPages,
      leftOverPages: end.remainingBeforeBytes / PAGE_BYTES,
      remainingPages: end.remainingBytes / PAGE_BYTES,
      sentPages: 0,
      cause: end.cause,
      shared: 1,
    });
  }
  return passes;
}
