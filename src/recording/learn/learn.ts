/**
 * A guest learned from the log of one migration: its memory, its zero pages, the bandwidth it was given, and its dirty
 * curve D(τ), the number of distinct pages dirtied in a time τ.
 *
 * Each bitmap sync is one reading of the curve: the pages newly dirty after a pass of length τ. Such a reading is smaller
 * than D(τ), by rules that the simulator follows itself: with manual dirty-log protect a page that was dirty at a sync is
 * armed again only when its 1 GiB chunk is reached (ram.c:migration_clear_memory_region_dirty_bitmap), in the first pass
 * nothing is armed before that, and a page still waiting to be sent cannot become newly dirty. So readings are kept as they
 * are, and `refine` (refine.ts) looks for the guest whose own syncs read the same.
 */
import { isNonEmpty, lastOf, type NonEmpty, nth, pairs } from '../../lists.js';
import { bareMetal } from '../../guest/host-profiles/default.js';
import { PAGE_BYTES, type ZeroExtent } from '../../guest/spec.js';
import { fitReadings, plateauOf, plateauStart, readingsOf, withoutEndOfLoad } from './curve.js';
import { capInForce, saidCap } from './cap.js';
import {
  cpuAssumed,
  DEFAULT_CPU,
  DEFAULT_QEMU,
  DEFAULT_VCPUS,
  isLinkSeen,
  leastLink,
  linkAssumed,
  VCPUS_ASSUMED,
  type CurveReading,
  type Learned,
  type LearnedGuest,
  type LearnedMigration,
  type LearnOptions,
  type ThrottleStep,
} from './learned.js';
import { limitAtStart } from './downtime-limit.js';
import { memoryLayout, withinMemory } from './memory-layout.js';
import { splitMemory } from './memory-split.js';
import { learnFromTotals, postcopyRate } from './learn-summary.js';
import { largest, smallest } from '../../stats/extremes.js';
import { formatDurationMs } from '../../units.js';
import { findPasses, roundBandwidth, sendRate, type Pass } from './passes.js';
import type { SendRate } from './syncs.js';
import { completeLog, pagesSent, type MigrateLog, type MigrateSample } from '../../formats/complete.js';
import type { MigrationLog } from '../../formats/migration-log.js';

const { max, min, round } = Math;

/**
 * From the passes of the log, where it shows two or more, else from its totals.
 * @throws UsageError when not even the guest's memory is known
 */
export function learn(log: MigrationLog, options: LearnOptions = {}): Learned {
  const complete = completeLog(log);
  return (complete === null ? null : learnFromPasses(complete, options)) ?? learnFromTotals(log, options);
}

/** Two passes are the least that a curve can be drawn through. */
const ENOUGH_PASSES = 2;

function learnFromPasses(log: MigrateLog, options: LearnOptions): Learned | null {
  const assumptions: string[] = [...log.notes, ...log.derived];
  const samples = log.samples;
  const rate = sendRate(log);
  if (rate === null) return null;
  const said = saidCap(log, options, rate.bytesPerSecond, assumptions);
  const maxBandwidth =
    said === undefined
      ? (rate.maxBandwidth ?? hiddenCap(samples, rate, assumptions))
      : capInForce(said, rate.bytesPerSecond, beyondCap(samples), assumptions);
  const downtimeLimitMs = limitAtStart(log, options, assumptions).ms;
  const limited = samples.findIndex(({ dirtyLimitSleepUs }) => (dirtyLimitSleepUs ?? 0) > 0);
  const unlimited = limited < 0 ? log : beforeTheLimit(log, limited);
  if (unlimited === null) return null;
  const passes = findPasses(
    unlimited,
    rate,
    (rate.bytesPerSecond / 1000) * downtimeLimitMs,
    options.cpu ?? DEFAULT_CPU,
  );
  if (passes.length < ENOUGH_PASSES) return null;
  const totalPages = round(samples[0].totalBytes / PAGE_BYTES);
  const { ramPages, hiddenPages } = splitMemory(totalPages, options.memoryBytes, assumptions, log.file);
  const zeroExtents = withinMemory(zeroExtentsOf(samples, ramPages + hiddenPages), ramPages + hiddenPages);
  if (samples[0].dirtySyncCount > 1) {
    assumptions.push('the log begins after the first pass: no page is taken for a zero page');
  }
  if (options.vcpus === undefined) assumptions.push(VCPUS_ASSUMED);
  if (options.cpu === undefined) assumptions.push(cpuAssumed(DEFAULT_CPU));
  const dirtyRingSize = options.dirtyRingSize ?? assumedRing(samples, assumptions);
  if (limited >= 0) assumptions.push(leftOutFrom(nth(samples, limited)));
  const steady = withoutEndOfLoad(passes);
  const readings = readingsOf(steady);
  if (readings.length === 0) return null;
  const length = oneLength(readings);
  if (length !== null) assumptions.push(length);
  if (steady.length < passes.length) {
    assumptions.push(
      `the last ${passes.length - steady.length} of ${passes.length} passes belong to another load (it ended) and are left out`,
    );
  }
  const migration = {
    ...migrationOf(samples, rate, maxBandwidth, downtimeLimitMs),
    maxBandwidthSaid: said !== undefined,
    qemu: log.settings.qemu ?? DEFAULT_QEMU,
  };
  return {
    file: log.file,
    from: 'log',
    source: log.source,
    guest: guestOf({ ramPages, hiddenPages, zeroExtents, dirtyRingSize }, readings, options),
    migration,
    passes: steady,
    plateau: plateauOf(steady),
    loadEndedUs:
      limited >= 0 || steady.length < passes.length || endedOnPlateau(samples, steady) ? endOf(steady) : null,
    assumptions: [...assumptions, ...(isLinkSeen(migration) ? [] : [linkAssumed(leastLink(migration))])],
  };
}

/** Readings whose lengths differ by less than this factor are one point of the dirty curve. */
const ONE_LENGTH = 1.5;

/** What passes of one length leave open, as in a log that begins at the plateau; null where lengths differ. */
function oneLength(readings: readonly CurveReading[]): string | null {
  const lengths = readings.map(({ durationUs }) => durationUs);
  const longest = largest(lengths);
  if (longest > ONE_LENGTH * smallest(lengths)) return null;
  return (
    `every pass in the log takes about ${formatDurationMs(longest / 1000)}: what the guest dirties in longer times is not ` +
    'known, and is assumed to be no more; record from the start of the migration, or measure the guest (migsim measure)'
  );
}

function leftOutFrom({ tUs }: MigrateSample): string {
  return `what came back after ${formatDurationMs(tUs / 1000)} is left out: dirty-limit made vCPUs sleep, for how much of the time is not logged`;
}

function guestOf(
  memory: Pick<LearnedGuest, 'ramPages' | 'hiddenPages' | 'zeroExtents' | 'dirtyRingSize'>,
  readings: readonly CurveReading[],
  options: LearnOptions,
): LearnedGuest {
  const { ramPages, hiddenPages, zeroExtents } = memory;
  const zeroPages = zeroExtents.reduce((sum, extent) => sum + extent.pages, 0);
  const layout = memoryLayout(ramPages, min(ramPages - 1, max(0, zeroPages - hiddenPages)), zeroExtents);
  return {
    ...memory,
    zeroPages,
    vcpus: options.vcpus ?? DEFAULT_VCPUS,
    cpu: options.cpu ?? DEFAULT_CPU,
    cpuAssumed: options.cpu === undefined,
    layout,
    readings,
    ...fitReadings(readings, layout.roomPages),
  };
}

/** Entries of the dirty ring; 0: none. Only QEMU with a ring has a dirty limit to report. */
function assumedRing(samples: readonly MigrateSample[], assumptions: string[]): number {
  const hasRing = samples.some(({ dirtyLimitSleepUs }) => dirtyLimitSleepUs !== null);
  assumptions.push(
    hasRing
      ? `the dirty ring that dirty-limit needs had ${USUAL_RING} entries`
      : 'dirty pages were found by the bitmap log, not a dirty ring',
  );
  return hasRing ? USUAL_RING : 0;
}

/** What QEMU's documentation starts with (qapi/migration.json gives no default). */
const USUAL_RING = 4096;

/** The samples up to the one that first shows sleeps: whatever a limited guest dirties, it would dirty more without. */
function beforeTheLimit(log: MigrateLog, limited: number): MigrateLog | null {
  const samples = log.samples.slice(0, limited);
  return isNonEmpty(samples) ? { ...log, samples } : null;
}

// ---------------------------------------------------------------------------------------------------- the migration

/** A switchover, or post-copy, this many times as fast as what came before was held back by nothing but max-bandwidth. */
const HELD_BACK = 1.5;

/** max-bandwidth where windows vary too much to show it; 0: the link was the limit. */
function hiddenCap(samples: readonly MigrateSample[], rate: SendRate, assumptions: string[]): number {
  const beyond = beyondCap(samples);
  if (beyond === null || beyond < HELD_BACK * rate.bytesPerSecond) return 0;
  assumptions.push(
    `max-bandwidth was the limit: with the guest stopped memory flowed ${(beyond / rate.bytesPerSecond).toFixed(1)} times as fast`,
  );
  return roundBandwidth(rate.bytesPerSecond, samples);
}

/** Less than this takes no time compared with the other parts of a downtime. */
const ENOUGH_BYTES = 4 * 2 ** 20;

/** bytes/s where max-bandwidth does not hold; null when the log does not reach that far. */
function beyondCap(samples: readonly MigrateSample[]): number | null {
  const last = lastOf(samples);
  const stopped = last.status === 'completed' && (last.downtimeMs ?? 0) > 0 && last.downtimeBytes > 0;
  if (!stopped || last.downtimeBytes < ENOUGH_BYTES) return postcopyRate(samples);
  return postcopyRate(samples) ?? (last.downtimeBytes / (last.downtimeMs ?? 1)) * 1000;
}

function migrationOf(
  samples: readonly MigrateSample[],
  rate: SendRate,
  maxBandwidth: number,
  downtimeLimitMs: number,
): Omit<LearnedMigration, 'maxBandwidthSaid' | 'qemu'> {
  const last = lastOf(samples);
  const completed = last.status === 'completed';
  return {
    maxBandwidth,
    bytesPerSecond: rate.bytesPerSecond,
    downtimeLimitMs,
    manualDirtyLogProtect: true,
    zeroNsPerPage: zeroNsOf(samples, rate),
    switchoverBytesPerSecond: beyondCap(samples),
    throttleSteps: throttleStepsOf(samples),
    postcopy: null,
    completed,
    totalTimeMs: last.tUs / 1000,
    downtimeMs: last.downtimeMs,
  };
}

/** No machine looks through 4 KiB faster than this; on what one reads at 40 GB/s zero pages cost no more. */
const LEAST_ZERO_NS = 100;
/** Where fewer of a first pass's pages are zero, other delays are larger. */
const ENOUGH_ZERO_PAGES = 100_000;

/**
 * What a zero page costs: the time that windows with many of them took beyond what their bytes account for. A rate window
 * has time to spare, so in most logs zero pages cost nothing that can be seen.
 */
function zeroNsOf(samples: readonly MigrateSample[], rate: SendRate): number {
  let zeroPages = 0;
  let lostUs = 0;
  for (const [a, b] of pairs(samples)) {
    const zero = b.zeroPages - a.zeroPages;
    if (b.dirtySyncCount > 1 || zero < b.normalPages - a.normalPages) continue;
    zeroPages += zero;
    lostUs += b.tUs - a.tUs - ((b.transferredBytes - a.transferredBytes) / rate.bytesPerSecond) * 1e6;
  }
  if (zeroPages < ENOUGH_ZERO_PAGES) return bareMetal.zeroNsPerPage;
  return max(LEAST_ZERO_NS, round((lostUs * 1000) / zeroPages));
}

function throttleStepsOf(samples: readonly MigrateSample[]): ThrottleStep[] {
  const steps: ThrottleStep[] = [];
  for (const { tUs, throttlePercent } of samples) {
    if (throttlePercent > (steps.at(-1)?.percent ?? 0)) steps.push({ atUs: tUs, percent: throttlePercent });
  }
  return steps;
}

/** A plateau does not end by itself: what completes from one does so because the load went away. */
function endedOnPlateau(samples: readonly MigrateSample[], passes: readonly Pass[]): boolean {
  return lastOf(samples).status === 'completed' && plateauStart(passes) < passes.length;
}

function endOf(passes: readonly Pass[]): number {
  const last = lastOf(passes);
  return last.startUs + last.durationUs;
}

// ------------------------------------------------------------------------------------------------------- the memory

/** Neighbouring extents are put together beyond this many: a log's grain is coarse anyway. */
const MOST_EXTENTS = 64;

/**
 * Where the zero pages lie. The first pass sends memory in address order, and so do the samples after it until every page
 * was sent once: a pair of samples shows how many of the pages between two addresses were zero. They are placed at the
 * beginning of that stretch.
 */
function zeroExtentsOf(samples: NonEmpty<MigrateSample>, totalPages: number): ZeroExtent[] {
  if (samples[0].dirtySyncCount > 1) return [];
  let stretches: { from: number; to: number; zero: number }[] = [];
  let sent = 0;
  let zeros = 0;
  for (const sample of samples) {
    const to = min(totalPages, pagesSent(sample));
    const zero = min(sample.zeroPages - zeros, to - sent);
    if (to > sent) stretches.push({ from: sent, to, zero });
    sent = to;
    zeros = sample.zeroPages;
    if (sent === totalPages) break;
  }
  while (stretches.length > MOST_EXTENTS) {
    stretches = stretches.reduce<typeof stretches>((merged, stretch, at) => {
      const last = merged.at(-1);
      if (at % 2 === 0 || last === undefined) merged.push({ ...stretch });
      else {
        last.to = stretch.to;
        last.zero += stretch.zero;
      }
      return merged;
    }, []);
  }
  return stretches.filter(({ zero }) => zero > 0).map(({ from, zero }) => ({ firstPage: from, pages: zero }));
}
