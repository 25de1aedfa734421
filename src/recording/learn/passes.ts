/** The passes of a logged migration, each with the time in which its pages were dirtied, and how fast the stream flowed. */
import { lastOf, pairs } from '../../lists.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { XFER_LIMIT_RATIO } from '../../migration/rules/rules.js';
import { FLUSH_NORMAL_PAGES, NORMAL_PAGE_BYTES } from '../../migration/rules/stream.js';
import { median } from '../../stats/summary.js';
import { findSyncs, WINDOW_US, type SendRate, type Sync } from './syncs.js';
import type { MigrateLog, MigrateSample } from '../../formats/complete.js';

const { abs, floor, max, min, round } = Math;

/** Windows under max-bandwidth carry the same to less than a thousandth; a link, or a window of 101 ms, differs by more. */
const SAME_WINDOW = 0.003;

/** A pass, and the sync that ended it. */
export interface Pass extends Omit<Sync, 'atUs'> {
  readonly startUs: number;
  readonly durationUs: number;
  /** Of it, the time that the load's work would have taken without the CPU throttle. */
  readonly runUs: number;
  /** CPU throttle in it; throttles change at syncs. */
  readonly throttlePercent: number;
  /** What `runUs` is by the windows that the pass sent, where each carries the same; else the same as `runUs`. */
  readonly windowsRunUs: number;
}

/** bytes/s: what is slower stands still. */
const SLOWEST = 1000;
/** Fewer intervals than this say too little. */
const ENOUGH_RATES = 3;

/** Median stream rate, and whether max-bandwidth was what limited it; null when the log is too short to say. */
export function sendRate(log: MigrateLog): SendRate | null {
  const rates: number[] = [];
  for (const [a, b] of pairs(log.samples)) {
    if (a.status === 'active' && b.status === 'active' && b.tUs > a.tUs) {
      rates.push(((b.transferredBytes - a.transferredBytes) * 1e6) / (b.tUs - a.tUs));
    }
  }
  if (rates.length < ENOUGH_RATES) return null;
  const bytesPerSecond = median(rates);
  if (!(bytesPerSecond >= SLOWEST)) return null;
  const windows = log.samples
    .filter((sample) => sample.status === 'active' && sample.mbps > 0)
    .map((sample) => sample.mbps);
  const windowRate = windows.length === 0 ? bytesPerSecond : (median(windows) * 1e6) / 8;
  const equal = windows.filter(
    (mbps) => abs(((mbps * 1e6) / 8 - windowRate) / windowRate) < SAME_WINDOW,
  ).length;
  const limited = windows.length > 0 && equal >= 0.8 * windows.length;
  return {
    bytesPerSecond: limited ? windowRate : bytesPerSecond,
    limited,
    maxBandwidth: limited ? roundBandwidth(windowRate, log.samples) : null,
  };
}

/**
 * The parameter behind a window's bytes. A window ends with the flush that passes max-bandwidth/10, so it carries up to
 * one flush (32 pages) more (qemu-file.c:qemu_fflush, MAX_IOV_SIZE). People set round figures: the roundest in that
 * range is taken, QEMU's default first.
 */
export function roundBandwidth(windowRate: number, samples: readonly MigrateSample[]): number {
  const flush = FLUSH_NORMAL_PAGES * NORMAL_PAGE_BYTES * XFER_LIMIT_RATIO;
  const most = windowRate < PAGE_WINDOW ? (betweenPages(samples) ?? windowRate) : windowRate;
  const least = windowRate < PAGE_WINDOW ? NEARLY * most : max(windowRate / 2, windowRate - 1.1 * flush);
  for (const unit of [128 * 2 ** 20, 2 ** 20, 1e6, 1e5, 1e4, 1e3, 500, 100]) {
    const candidate = floor(most / unit) * unit;
    if (candidate >= least && candidate > 0) return candidate;
  }
  return max(1, round(most));
}

/** A cap under which each window carries one page: the first passes the quota, and nothing shows by how much. */
const PAGE_WINDOW = 2 * NORMAL_PAGE_BYTES * XFER_LIMIT_RATIO;
/** Windows end a few bytes behind the quota. */
const NEARLY = 0.98;
/** Intervals with fewer windows of zero pages alone say too little. */
const ENOUGH_WINDOWS = 5;

/**
 * What the windows without a normal page carried, bytes/s: zero pages are small and fill a quota to a few bytes. Of the
 * windows of an interval each normal page takes one. null where no interval has enough of them.
 */
function betweenPages(samples: readonly MigrateSample[]): number | null {
  let bytes = 0;
  let windows = 0;
  for (const [a, b] of pairs(samples)) {
    const normal = b.normalPages - a.normalPages;
    const alone = (b.tUs - a.tUs) / WINDOW_US - normal;
    if (b.status !== 'active' || b.dirtySyncCount !== a.dirtySyncCount || alone < ENOUGH_WINDOWS) continue;
    bytes += b.transferredBytes - a.transferredBytes - normal * NORMAL_PAGE_BYTES;
    windows += alone;
  }
  return windows === 0 || bytes <= 0 ? null : (bytes / windows) * XFER_LIMIT_RATIO;
}

/**
 * Every pass between the first sync in the log and the switchover. `thresholdBytes`: what QEMU compared its estimate
 * with; `cpu`: share of its time that the load needs. Passes that samples cannot separate share their pages evenly.
 */
export function findPasses(log: MigrateLog, rate: SendRate, thresholdBytes: number, cpu: number): Pass[] {
  const [first] = log.samples;
  let startUs = first.dirtySyncCount <= 1 ? (first.setupTimeMs ?? 0) * 1000 : Number.NaN;
  let sentPages = 0;
  const windowPages = (rate.bytesPerSecond / NORMAL_PAGE_BYTES) * (WINDOW_US / 1e6);
  const passes: Pass[] = [];
  for (const { atUs, ...sync } of findSyncs(log.samples, rate, thresholdBytes / PAGE_BYTES, startUs)) {
    const durationUs = atUs - startUs;
    if (durationUs > 0) {
      const runUs = workTime(log.samples, startUs, atUs, cpu);
      const windowsUs = round((sync.sentPages - sentPages) / windowPages) * WINDOW_US;
      const windowsRunUs = rate.limited && windowsUs > 0 ? (runUs * windowsUs) / durationUs : runUs;
      const throttlePercent = throttleFrom(log.samples, startUs);
      passes.push({ ...sync, startUs, durationUs, runUs, throttlePercent, windowsRunUs });
    }
    startUs = atUs;
    sentPages = sync.sentPages;
  }
  return passes;
}

/** Share of its work that a load does under a CPU throttle when it makes up for what it missed as far as its time allows. */
export function workShare(throttlePercent: number, cpu: number): number {
  return min(1, (1 - throttlePercent / 100) / cpu);
}

/** The throttle from an instant on, by the sample that saw it first. */
function throttleFrom(samples: readonly MigrateSample[], fromUs: number): number {
  return (samples.find(({ tUs }) => tUs > fromUs) ?? lastOf(samples)).throttlePercent;
}

/** Time between two instants, each moment weighed by the share of its work that the load did under the logged throttle. */
function workTime(samples: readonly MigrateSample[], fromUs: number, toUs: number, cpu: number): number {
  let runUs = 0;
  let atUs = fromUs;
  let share = 1;
  for (const sample of samples) {
    if (sample.tUs >= toUs) break;
    if (sample.tUs > atUs) {
      runUs += (sample.tUs - atUs) * share;
      atUs = sample.tUs;
    }
    share = workShare(sample.throttlePercent, cpu);
  }
  return runUs + (toUs - atUs) * share;
}
