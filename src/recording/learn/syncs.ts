/**
 * The bitmap syncs of a logged migration: what each found, and when it was.
 *
 * Between two syncs, `remaining` in pages plus pages sent is constant; at a sync it jumps by the pages newly dirty. So what
 * a sync found is exact, whatever the polling period. When it happened is not logged, but two things show it:
 *
 * - `dirty-pages-rate` is what was found since the last eligible sync over the time since then, in ms
 *   (ram.c:migration_update_rates): with the pages known, each eligible sync is timed to about a ms.
 * - QEMU syncs at the first turn of its loop at which what remains is below bandwidth times downtime-limit
 *   (migration.c:migration_iteration_run), and with max-bandwidth binding the loop turns once a window of 100 ms
 *   (migration-stats.c:migration_rate_exceeded). That gives the time of the others to about half a window.
 */
import { pairs } from '../../lists.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { BUFFER_DELAY_MS, ELIGIBLE_SYNC_MS } from '../../migration/rules/rules.js';
import { pagesSent, type MigrateSample } from '../../formats/complete.js';

const { ceil, max, min, round } = Math;

/** One rate window. */
export const WINDOW_US = BUFFER_DELAY_MS * 1000;

export interface Sync {
  readonly atUs: number;
  /** Its time is known to some ms, not only to half a window. */
  readonly timed: boolean;
  /** `dirty-sync-count` with it. */
  readonly n: number;
  readonly newPages: number;
  /** Still to be sent when it came, and after it. */
  readonly leftOverPages: number;
  readonly remainingPages: number;
  /** Pages sent since the migration began. */
  readonly sentPages: number;
  /** natural: the estimate fell below the threshold; timer: auto-converge's own (the estimate was above it). */
  readonly cause: 'natural' | 'timer';
  /** Syncs that the two samples around it share: above 1 their pages are an equal split. */
  readonly shared: number;
}

/** How fast the log's stream flowed. */
export interface SendRate {
  /** Median over the log, of all stream bytes. */
  readonly bytesPerSecond: number;
  /** Every window carried the same: max-bandwidth was the limit, not the link. */
  readonly limited: boolean;
  /** max-bandwidth, when it was the limit: bytes/s. */
  readonly maxBandwidth: number | null;
}

/** Syncs while the guest ran, in order. `startUs`: when the migration's first sync was, NaN when the log begins later. */
export function findSyncs(
  samples: readonly MigrateSample[],
  rate: SendRate,
  thresholdPages: number,
  startUs: number,
): Sync[] {
  const syncs: Sync[] = [];
  let period: Period = { startUs, pages: 0 };
  for (const [before, after] of pairs(samples)) {
    for (const guessed of syncsBetween(before, after, rate, thresholdPages)) {
      period = { startUs: period.startUs, pages: period.pages + guessed.newPages };
      const begins = !(period.startUs === period.startUs);
      const sync = begins ? guessed : eligibleSync(period, guessed, before, after);
      syncs.push(sync ?? guessed);
      if (sync !== null) period = { startUs: sync.atUs, pages: 0 };
    }
  }
  return syncs;
}

/** Since the last eligible sync: when that was, and the pages found since. */
interface Period {
  readonly startUs: number;
  readonly pages: number;
}

/** A sync counts for `dirty-pages-rate` when it comes more than this after the last that did. */
const ELIGIBLE_US = ELIGIBLE_SYNC_MS * 1000;
/** How far a guessed time may be off. */
const GUESS_US = WINDOW_US;
/** Samples this near each other show by the windows between them what had left at a sync. */
const CLOSE_US = 3 * WINDOW_US;
/** Reading counters and clock takes a while. */
const SLACK_US = 10_000;

/** The sync, timed where that can be, if it is one of those that `dirty-pages-rate` is refreshed at; null when it is not. */
function eligibleSync(
  period: Period,
  guessed: Sync,
  before: MigrateSample,
  after: MigrateSample,
): Sync | null {
  const sinceUs = guessed.atUs - period.startUs;
  const refreshed = after.dirtyPagesRate !== before.dirtyPagesRate;
  if (!(sinceUs > ELIGIBLE_US - GUESS_US) || !(refreshed || sinceUs > ELIGIBLE_US + GUESS_US)) return null;
  if (guessed.shared > 1 || after.dirtyPagesRate === 0) return guessed;
  // The rate was cut to a whole number: in the middle it was half a page a second more.
  const timedUs = period.startUs + (period.pages / (after.dirtyPagesRate + 0.5)) * 1e6;
  const inside = timedUs > before.tUs - SLACK_US && timedUs < after.tUs + SLACK_US;
  if (!inside) return guessed;
  const intervalUs = after.tUs - before.tUs;
  if (intervalUs <= CLOSE_US) return { ...guessed, atUs: timedUs, timed: true };
  // Polls far apart say little about how much of what was queued had left.
  const share = min(1, max(0, (timedUs - before.tUs) / intervalUs));
  const sentPages = pagesSent(before) + share * (pagesSent(after) - pagesSent(before));
  const leftOverPages = max(0, guessed.leftOverPages + guessed.sentPages - sentPages);
  const remainingPages = leftOverPages + guessed.newPages;
  return { ...guessed, atUs: timedUs, timed: true, sentPages, leftOverPages, remainingPages };
}

/** The syncs between two samples, by the windows. */
function syncsBetween(a: MigrateSample, b: MigrateSample, rate: SendRate, thresholdPages: number): Sync[] {
  // Between the last sample before the guest stops and the first after it nothing can be timed: the last sync of all is
  // taken with the guest stopped, and its pages cannot be separated from those of the sync before.
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
    syncs.push({
      atUs: max(syncs.at(-1)?.atUs ?? a.tUs, a.tUs + inside * intervalUs),
      timed: false,
      n: a.dirtySyncCount + at + 1,
      newPages: share,
      leftOverPages: max(0, queue - sentPages),
      remainingPages: max(0, queue + share - sentPages),
      sentPages,
      cause: natural ? 'natural' : 'timer',
      shared: count,
    });
  }
  return syncs;
}
