/**
 * The bitmap syncs of a logged migration, and what came back at each.
 *
 * Between two syncs, `remaining` in pages plus pages sent is constant; at a sync it jumps by the pages newly dirty. So what
 * a sync found is exact, whatever the polling period. When it happened is not logged: QEMU syncs at the first turn of its
 * loop at which what remains is below bandwidth times downtime-limit (migration.c:migration_iteration_run), and with
 * max-bandwidth binding the loop turns once a window of 100 ms (migration-stats.c:migration_rate_exceeded). That gives
 * each sync's time to about half a window.
 */
import { UsageError } from '../errors.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { median } from '../stats/summary.js';
import { pagesSent, type MigrateLog, type MigrateSample } from './query-migrate.js';

const { abs, ceil, max, min, round } = Math;

/** QEMU's BUFFER_DELAY: one rate window. */
export const WINDOW_US = 100_000;

/** Windows under max-bandwidth carry the same to less than a thousandth; a link, or a window of 101 ms, differs by more. */
const SAME_WINDOW = 0.003;

/** How fast the log's stream flowed. */
export interface SendRate {
  /** Median over the log, of all stream bytes. */
  readonly bytesPerSecond: number;
  /** Every window carried the same: max-bandwidth was the limit, not the link. */
  readonly limited: boolean;
  /** max-bandwidth, when it was the limit: bytes/s. */
  readonly maxBandwidth: number | null;
}

/** One pass over the guest's memory, from one bitmap sync to the next. */
export interface Pass {
  /** `dirty-sync-count` of the sync that ended it. */
  readonly n: number;
  readonly startUs: number;
  readonly durationUs: number;
  /** Of it, the time that the load's work would have taken without the CPU throttle. */
  readonly runUs: number;
  /** Pages newly dirty at the sync that ended it. */
  readonly newPages: number;
  /** Still to be sent when that sync came, and after it. */
  readonly leftOverPages: number;
  readonly remainingPages: number;
  /** Pages sent since the migration began, at that sync. */
  readonly sentPages: number;
  /** natural: the estimate fell below the threshold; timer: auto-converge's own (the estimate was above it). */
  readonly cause: 'natural' | 'timer';
  /** Passes that the two samples around it share: above 1 their pages are an equal split. */
  readonly shared: number;
}

/** Median stream rate, and whether max-bandwidth was what limited it. */
export function sendRate(log: MigrateLog): SendRate {
  const rates: number[] = [];
  for (const [a, b] of pairs(log.samples)) {
    if (a.status === 'active' && b.status === 'active' && b.tUs > a.tUs) {
      rates.push(((b.transferredBytes - a.transferredBytes) * 1e6) / (b.tUs - a.tUs));
    }
  }
  if (rates.length < 3) {
    throw new UsageError('too little to learn from: expected at least four samples of an active migration', {
      file: log.file,
    });
  }
  const bytesPerSecond = median(rates);
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
    maxBandwidth: limited ? roundBandwidth(windowRate) : null,
  };
}

/**
 * The parameter behind a window's bytes. A window ends with the flush that passes max-bandwidth/10, so it carries up to
 * one flush (32 pages) more (qemu-file.c:qemu_fflush, MAX_IOV_SIZE). People set round figures: the roundest in that
 * range is taken, QEMU's default first.
 */
function roundBandwidth(windowRate: number): number {
  const flush = 32 * (PAGE_BYTES + 8) * 10;
  const from = windowRate - 1.1 * flush;
  for (const unit of [128 * 2 ** 20, 2 ** 20, 1e6, 1e5]) {
    const candidate = Math.floor(windowRate / unit) * unit;
    if (candidate >= from && candidate > 0) return candidate;
  }
  return round(windowRate - flush / 2);
}

/**
 * Every pass between the first sync in the log and the switchover. `thresholdBytes`: what QEMU compared its estimate
 * with; `cpu`: share of its time that the load needs. Passes that samples cannot tell apart share their pages evenly.
 * @throws UsageError when fewer than two passes ended.
 */
export function findPasses(log: MigrateLog, rate: SendRate, thresholdBytes: number, cpu: number): Pass[] {
  const first = log.samples[0] as MigrateSample;
  const passes: Pass[] = [];
  let startUs = first.dirtySyncCount <= 1 ? (first.setupTimeMs ?? 0) * 1000 : Number.NaN;
  for (const [a, b] of pairs(log.samples)) {
    for (const sync of syncsBetween(a, b, rate, thresholdBytes / PAGE_BYTES)) {
      if (startUs === startUs) {
        const durationUs = sync.atUs - startUs;
        passes.push({
          ...sync.pass,
          startUs,
          durationUs,
          runUs: workTime(log.samples, startUs, sync.atUs, cpu),
        });
      }
      startUs = sync.atUs;
    }
  }
  const usable = passes.filter((pass) => pass.durationUs > 0);
  if (usable.length < 2) {
    throw new UsageError(
      `too little to learn from: ${usable.length === 0 ? 'no pass' : 'one pass'} ended while the log was kept; expected at least two (dirty-sync-count up to 3)`,
      { file: log.file },
    );
  }
  return usable;
}

interface Sync {
  readonly atUs: number;
  readonly pass: Omit<Pass, 'startUs' | 'durationUs' | 'runUs'>;
}

function syncsBetween(a: MigrateSample, b: MigrateSample, rate: SendRate, thresholdPages: number): Sync[] {
  // Between the last sample before the guest stops and the first after it nothing can be timed: the last sync of all is
  // taken with the guest stopped, and its pages cannot be told from those of the sync before.
  const count = b.dirtySyncCount - a.dirtySyncCount;
  if (count <= 0 || b.status !== 'active') return [];
  const sentBefore = pagesSent(a);
  const sentAfter = pagesSent(b);
  const queued = (sample: MigrateSample): number => sample.remainingBytes / PAGE_BYTES + pagesSent(sample);
  const share = max(0, queued(b) - queued(a)) / count;
  const intervalUs = b.tUs - a.tUs;
  const windows = rate.limited ? max(1, round(intervalUs / WINDOW_US)) : 1;
  const perWindow = (sentAfter - sentBefore) / windows;
  const syncs: Sync[] = [];
  for (let at = 0; at < count; at++) {
    const queue = queued(a) + at * share;
    const due = queue - thresholdPages;
    const natural = due <= sentAfter + perWindow / 2;
    let part = natural && sentAfter > sentBefore ? (due - sentBefore) / (sentAfter - sentBefore) : 0.5;
    if (rate.limited && natural) {
      // The window's pages are gone at its beginning; the next turn of the loop is at its end. The sample fell anywhere inside.
      part = perWindow > 0 ? (max(0, ceil((due - sentBefore) / perWindow)) + 0.5) / windows : 0.5;
    }
    const inside = min(1, max(0, part));
    const sentPages = min(
      sentAfter,
      sentBefore +
        (rate.limited ? round(inside * windows - 0.5) * perWindow : inside * (sentAfter - sentBefore)),
    );
    const last = syncs.at(-1);
    const atUs = max(last?.atUs ?? a.tUs, a.tUs + inside * intervalUs);
    syncs.push({
      atUs,
      pass: {
        n: a.dirtySyncCount + at + 1,
        newPages: share,
        leftOverPages: max(0, queue - sentPages),
        remainingPages: max(0, queue + share - sentPages),
        sentPages,
        cause: natural ? 'natural' : 'timer',
        shared: count,
      },
    });
  }
  return syncs;
}

/** Share of its work that a load does under a CPU throttle when it makes up for what it missed as far as its time allows. */
export function workShare(throttlePercent: number, cpu: number): number {
  return min(1, (1 - throttlePercent / 100) / cpu);
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

export function* pairs<T>(items: readonly T[]): Generator<readonly [T, T]> {
  for (let at = 1; at < items.length; at++) yield [items[at - 1] as T, items[at] as T];
}
