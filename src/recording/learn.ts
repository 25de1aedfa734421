/**
 * A guest learned from the log of one migration: its memory, its zero pages, the bandwidth it was given, and its dirty
 * curve D(τ), the number of distinct pages dirtied in a time τ.
 *
 * Each bitmap sync is one reading of the curve: the pages newly dirty after a pass of length τ. Such a reading is smaller
 * than D(τ), by rules that the simulator follows itself: with manual dirty-log protect a page that was dirty at a sync is
 * armed again only when its 1 GiB chunk is reached (ram.c:migration_clear_memory_region_dirty_bitmap), in the first pass
 * nothing is armed before that, and a page still waiting to be sent cannot become newly dirty. So readings are kept as they
 * are, and `refine` (replay.ts) looks for the guest whose own syncs read the same.
 */
import { UsageError } from '../errors.js';
import { fitDirtyCurve, type DirtyPoint, type UniformSet } from '../guest/dirty-curve.js';
import { PAGE_BYTES, type ZeroExtent } from '../guest/spec.js';
import { mean, quantile } from '../stats/summary.js';
import { findPasses, median, WINDOW_US, sendRate, type Pass, type SendRate } from './passes.js';
import { pagesSent, type MigrateLog, type MigrateSample } from './query-migrate.js';

const { floor, max, min, round } = Math;

export interface LearnOptions {
  /** Entries of a dirty ring that the logged guest had; default 0: the log does not say, the bitmap log is QEMU's default. */
  readonly dirtyRingSize?: number;
  /** ms; default: what the log shows, else QEMU's 300. */
  readonly downtimeLimitMs?: number;
  /** bytes/s; default: what the log shows. */
  readonly maxBandwidth?: number;
  /** Guest RAM, bytes; default: `total` less what goes beyond the last 64 MiB border (ROMs and video memory). */
  readonly memoryBytes?: number;
  /** vCPUs of the guest, each with an equal part of the load in a part of memory of its own; default 4: the log does not say. */
  readonly vcpus?: number;
  /**
   * Share of its run time, 0..1, that the load needs; default 1. Under a CPU throttle a load of 1 loses as much as the
   * vCPUs do; a load of less (a database that waits for its clients or its disk) first loses its waiting.
   */
  readonly cpu?: number;
}

/** A reading of the dirty curve: passes of about the same length, put together. */
export interface CurveReading extends WeightedPoint {
  /** Its passes, as indexes into those of the log. */
  readonly passes: readonly number[];
  /** Pages in the 5th and 95th percentile of its passes; equal to `pages` for one. */
  readonly low: number;
  readonly high: number;
}

/** Where a log that did not converge settled: means over its passes. */
export interface Plateau {
  readonly passUs: number;
  readonly newPages: number;
  readonly remainingPages: number;
  readonly passes: number;
}

export interface LearnedGuest {
  readonly ramPages: number;
  readonly hiddenPages: number;
  /** In address order, disjoint; pages from `ramPages` on are hidden. */
  readonly zeroExtents: readonly ZeroExtent[];
  readonly zeroPages: number;
  readonly dirtyRingSize: number;
  readonly vcpus: number;
  readonly cpu: number;
  /** RAM that is not zero, when ROMs and video memory are: what the load can write. */
  readonly roomPages: number;
  /** What the log's syncs found. */
  readonly readings: readonly CurveReading[];
  /** The guest's dirty curve: at first the readings, after `refine` the curve whose syncs find them. */
  readonly curve: readonly DirtyPoint[];
  /** The sets that the curve falls into. */
  readonly classes: readonly UniformSet[];
  /** Relative root mean square error of the classes at the curve's points. */
  readonly residual: number;
}

export interface LearnedMigration {
  /** bytes/s; 0: the link was the limit. */
  readonly maxBandwidth: number;
  /** bytes/s that the log's windows carried. */
  readonly bytesPerSecond: number;
  readonly downtimeLimitMs: number;
  /** bytes/s while the guest was stopped; null when the log does not reach that far. */
  readonly switchoverBytesPerSecond: number | null;
  /** CPU throttle as the log shows it; empty when there was none. */
  readonly throttleSteps: readonly ThrottleStep[];
  readonly completed: boolean;
  readonly totalTimeMs: number;
}

export interface ThrottleStep {
  readonly atUs: number;
  readonly percent: number;
}

/** What a log tells, and what had to be assumed. */
export interface Learned {
  readonly file: string;
  readonly guest: LearnedGuest;
  readonly migration: LearnedMigration;
  readonly passes: readonly Pass[];
  readonly plateau: Plateau | null;
  /** When the load changed for good (it ended), µs; null when it went on to the end of the log. */
  readonly loadEndedUs: number | null;
  /** Sentences, no full stop: what the log does not say and was assumed. */
  readonly assumptions: readonly string[];
}

const DEFAULT_VCPUS = 4;

/** @throws UsageError when the log is too short to learn from. */
export function learn(log: MigrateLog, options: LearnOptions = {}): Learned {
  const assumptions: string[] = [];
  const samples = log.samples;
  const rate = sendRate(log);
  const maxBandwidth = options.maxBandwidth ?? rate.maxBandwidth ?? 0;
  const downtimeLimitMs = options.downtimeLimitMs ?? downtimeLimitOf(samples, assumptions);
  const passes = findPasses(log, rate, (rate.bytesPerSecond / 1000) * downtimeLimitMs);
  const { ramPages, hiddenPages } = memoryOf(samples, options.memoryBytes, assumptions, log.file);
  const zeroExtents = zeroExtentsOf(samples, ramPages + hiddenPages);
  if ((samples[0] as MigrateSample).dirtySyncCount > 1) {
    assumptions.push('the log begins after the first pass: no page is taken for a zero page');
  }
  if (options.vcpus === undefined) assumptions.push(`${DEFAULT_VCPUS} vCPUs share the load evenly, each in a part of memory of its own`);
  const dirtyRingSize = options.dirtyRingSize ?? 0;
  if (options.dirtyRingSize === undefined) assumptions.push('dirty pages were found by the bitmap log, not a dirty ring');
  const steady = withoutEndOfLoad(passes);
  const readings = readingsOf(steady);
  if (readings.length === 0) throw new UsageError('too little to learn from: no pass brought pages back', { file: log.file });
  if (steady.length < passes.length) {
    assumptions.push(`the last ${passes.length - steady.length} of ${passes.length} passes belong to another load (it ended) and are left out`);
  }
  const zeroPages = zeroExtents.reduce((sum, extent) => sum + extent.pages, 0);
  const roomPages = min(ramPages, ramPages + hiddenPages - zeroPages);
  return {
    file: log.file,
    guest: {
      ramPages,
      hiddenPages,
      zeroExtents,
      zeroPages,
      dirtyRingSize,
      vcpus: options.vcpus ?? DEFAULT_VCPUS,
      cpu: options.cpu ?? 1,
      roomPages,
      readings,
      ...fitReadings(readings, roomPages),
    },
    migration: migrationOf(samples, rate, maxBandwidth, downtimeLimitMs),
    passes: steady,
    plateau: plateauOf(steady),
    loadEndedUs: steady.length < passes.length ? endOf(steady) : null,
    assumptions,
  };
}

/** A point of the curve with how much it counts. */
export interface WeightedPoint extends DirtyPoint {
  /** A whole number, at least 1. */
  readonly weight: number;
}

export interface CurveFit {
  readonly curve: readonly DirtyPoint[];
  readonly classes: readonly UniformSet[];
  readonly residual: number;
}

/** A point this many times the longest reading away bounds the fit: by then a set of this share of the room is full. */
const FAR = 4;
const FULL = 0.95;

/**
 * The sets behind a curve, in a guest with so many pages to write. Where the fit would need more, a far point is added
 * that says so: a straight line as far as the log sees must bend beyond.
 */
export function fitReadings(points: readonly WeightedPoint[], roomPages: number): CurveFit {
  const longest = points.reduce((most, point) => (point.durationUs > most.durationUs ? point : most));
  let repeated: DirtyPoint[] = points.flatMap((point) => Array.from({ length: point.weight }, () => within(point, roomPages)));
  let fit = fitDirtyCurve(repeated);
  for (let bound = FULL; pagesOf(fit.classes) > roomPages && bound > 0.4; bound -= 0.05) {
    const far = { durationUs: FAR * longest.durationUs, pages: max(longest.pages, round(bound * roomPages)) };
    repeated = [...repeated.filter((point) => point.durationUs < far.durationUs), far, far, far];
    fit = fitDirtyCurve(repeated);
  }
  return { curve: points.map(({ durationUs, pages }) => ({ durationUs, pages })), ...fit };
}

function within({ durationUs, pages }: DirtyPoint, roomPages: number): DirtyPoint {
  return { durationUs, pages: min(roomPages, max(1, pages)) };
}

function pagesOf(classes: readonly UniformSet[]): number {
  return classes.reduce((sum, set) => sum + set.pages, 0);
}

// ---------------------------------------------------------------------------------------------------- the migration

/** Until the first estimate exists, `expected-downtime` is downtime-limit (migration.c:migration_connect). */
function downtimeLimitOf(samples: readonly MigrateSample[], assumptions: string[]): number {
  const early = samples.find((sample) => sample.dirtySyncCount <= 1 && sample.dirtyPagesRate === 0 && sample.status === 'active');
  if (early?.expectedDowntimeMs != null) return early.expectedDowntimeMs;
  assumptions.push("downtime-limit was QEMU's default, 300 ms");
  return 300;
}

function migrationOf(
  samples: readonly MigrateSample[],
  rate: SendRate,
  maxBandwidth: number,
  downtimeLimitMs: number,
): LearnedMigration {
  const last = samples.at(-1) as MigrateSample;
  const completed = last.status === 'completed';
  const stopped = completed && last.downtimeMs !== null && last.downtimeMs > 0 && last.downtimeBytes > 0;
  return {
    maxBandwidth,
    bytesPerSecond: rate.bytesPerSecond,
    downtimeLimitMs,
    switchoverBytesPerSecond: stopped ? (last.downtimeBytes / (last.downtimeMs ?? 1)) * 1000 : null,
    throttleSteps: throttleStepsOf(samples),
    completed,
    totalTimeMs: last.tUs / 1000,
  };
}

function throttleStepsOf(samples: readonly MigrateSample[]): ThrottleStep[] {
  const steps: ThrottleStep[] = [];
  for (const { tUs, throttlePercent } of samples) {
    if (throttlePercent > (steps.at(-1)?.percent ?? 0)) steps.push({ atUs: tUs, percent: throttlePercent });
  }
  return steps;
}

function endOf(passes: readonly Pass[]): number {
  const last = passes.at(-1) as Pass;
  return last.startUs + last.durationUs;
}

export function plateauOf(passes: readonly Pass[]): Plateau | null {
  const late = passes.slice(plateauStart(passes));
  if (late.length === 0) return null;
  return {
    passUs: mean(late.map((pass) => pass.durationUs)),
    newPages: mean(late.map((pass) => pass.newPages)),
    remainingPages: mean(late.map((pass) => pass.remainingPages)),
    passes: late.length,
  };
}

// ------------------------------------------------------------------------------------------------------- the memory

/** RAM comes in multiples of this at least; what `total` has beyond is ROMs and video memory. */
const RAM_STEP_PAGES = (64 * 2 ** 20) / PAGE_BYTES;

function memoryOf(
  samples: readonly MigrateSample[],
  memoryBytes: number | undefined,
  assumptions: string[],
  file: string,
): { ramPages: number; hiddenPages: number } {
  const totalPages = (samples[0] as MigrateSample).totalBytes / PAGE_BYTES;
  if (memoryBytes !== undefined) {
    const ramPages = memoryBytes / PAGE_BYTES;
    if (ramPages > totalPages) {
      throw new UsageError(`a guest of ${ramPages} pages does not fit into the log's total of ${totalPages} pages`, { file });
    }
    return { ramPages, hiddenPages: totalPages - ramPages };
  }
  const ramPages = max(min(totalPages, RAM_STEP_PAGES), floor(totalPages / RAM_STEP_PAGES) * RAM_STEP_PAGES);
  if (ramPages < totalPages) assumptions.push('what total has beyond a multiple of 64 MiB are ROMs and video memory');
  return { ramPages, hiddenPages: totalPages - ramPages };
}

/** Neighbouring extents are put together beyond this many: a log's grain is coarse anyway. */
const MOST_EXTENTS = 64;

/**
 * Where the zero pages lie. The first pass sends memory in address order, and so do the samples after it until every page
 * was sent once: a pair of samples tells how many of the pages between two addresses were zero. They are placed at the
 * beginning of that stretch.
 */
function zeroExtentsOf(samples: readonly MigrateSample[], totalPages: number): ZeroExtent[] {
  if ((samples[0] as MigrateSample).dirtySyncCount > 1) return [];
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

// -------------------------------------------------------------------------------------------------------- the curve

/** Blocks whose passes differ in length by less than this factor make one reading. */
const ALIKE = 1.12;

/** Several short passes in a row are timed together: a sync's time is known to about half a window. */
const BLOCK_US = 4_000_000;
/** A block shorter than this says too little about its length. */
const SHORTEST_BLOCK_US = 250_000;
/** Passes of one block are of one kind: none is longer than another by more than this factor. */
const MIXED = 2;

interface Block {
  readonly passes: readonly Pass[];
  /** Means over its passes. */
  readonly durationUs: number;
  readonly pages: number;
}

/** Passes in a row, each row long enough to be timed. */
function blocksOf(passes: readonly Pass[]): Block[] {
  const blocks: Block[] = [];
  let row: Pass[] = [];
  let rowUs = 0;
  const close = (): void => {
    const durationUs = rowUs / row.length;
    const pages = row.reduce((sum, pass) => sum + pass.newPages, 0) / row.length;
    if (rowUs >= SHORTEST_BLOCK_US && pages > 0) blocks.push({ passes: row, durationUs, pages });
    row = [];
    rowUs = 0;
  };
  for (const pass of passes) {
    const first = row[0];
    const shorter = first !== undefined && (pass.runUs * MIXED < first.runUs || pass.runUs > first.runUs * MIXED);
    if (shorter && rowUs >= SHORTEST_BLOCK_US) close();
    row.push(pass);
    rowUs += pass.runUs;
    if (rowUs >= BLOCK_US) close();
  }
  if (row.length > 0) close();
  return blocks;
}

/** The first pass decides how much is left to fight for, the plateau where the fight ends: they count more than passes between. */
const HEAVY = 3;

/**
 * Readings in the order of their length. Passes of about one length make one reading: the median of their blocks, with the
 * spread that these have. A plateau is one block: its passes are whole windows, of which its mean is a mixture.
 */
export function readingsOf(passes: readonly Pass[]): CurveReading[] {
  const settled = plateauStart(passes);
  const plateau = passes.slice(settled);
  const rising = blocksOf(passes.slice(0, settled)).sort((a, b) => a.durationUs - b.durationUs);
  const readings: CurveReading[] = plateau.length === 0 ? [] : [readingOf(passes, blocksOf(plateau), HEAVY, mean)];
  let from = 0;
  for (let to = 1; to <= rising.length; to += 1) {
    const start = rising[from] as Block;
    const next = rising[to];
    if (next !== undefined && next.durationUs < start.durationUs * ALIKE) continue;
    const alike = rising.slice(from, to);
    const first = alike.some((block) => block.passes[0] === passes[0]);
    readings.push(readingOf(passes, alike, first ? HEAVY : 1, median));
    from = to;
  }
  return readings.sort((a, b) => a.durationUs - b.durationUs);
}

function readingOf(
  all: readonly Pass[],
  blocks: readonly Block[],
  weight: number,
  centre: (values: readonly number[]) => number,
): CurveReading {
  const pages = blocks.map((block) => block.pages);
  return {
    durationUs: round(centre(blocks.map((block) => block.durationUs))),
    pages: round(centre(pages)),
    weight,
    passes: blocks.flatMap((block) => block.passes.map((pass) => all.indexOf(pass))),
    low: round(quantile(pages, 0.05)),
    high: round(quantile(pages, 0.95)),
  };
}

/** Fewer passes than this are no plateau. */
const PLATEAU_PASSES = 8;
/** A pass belongs to the plateau when it is no longer than this many times the median of the last half. */
const SETTLED = 1.3;

/** Where passes stop shrinking: the index of the plateau's first; their number when there is none. */
export function plateauStart(passes: readonly Pass[]): number {
  const half = passes.length >> 1;
  if (passes.length - half < PLATEAU_PASSES) return passes.length;
  const typical = median(passes.slice(half).map((pass) => pass.runUs));
  // A window more or less is no trend.
  const longest = max(SETTLED * typical, typical + 1.5 * WINDOW_US);
  return passes.findIndex((pass) => pass.runUs <= longest);
}

/** A pass that brings back less than this share of what earlier passes of its length did belongs to another load. */
const OTHER_LOAD = 0.5;

/**
 * A migration that only ends when the load ends has last passes of a guest that idles. They are found from the end: too
 * few pages for their length, measured by the passes before.
 */
function withoutEndOfLoad(passes: readonly Pass[]): readonly Pass[] {
  let end = passes.length;
  while (end > 2) {
    const pass = passes[end - 1] as Pass;
    const alike = passes.slice(0, end - 1).filter((other) => other.runUs <= pass.runUs * MIXED && other.runUs * MIXED >= pass.runUs);
    const nearestPasses = alike.length > 0 ? alike : passes.slice(end - 2, end - 1);
    const rates = nearestPasses.map((other) => other.newPages / other.runUs);
    if (pass.newPages / pass.runUs >= OTHER_LOAD * median(rates)) break;
    end -= 1;
  }
  return passes.slice(0, end);
}
