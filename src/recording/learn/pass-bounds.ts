/**
 * How long the passes of a migration were whose log counts no syncs and does not say what remains, as the task logs of Proxmox
 * VE since 2021. Nothing shows their length; three things bound it:
 *
 * - A pass that takes no longer than downtime-limit is the last one (migration.c:migration_iteration_run). While the migration
 *   goes on passes are longer than the limit that was in force.
 * - Proxmox VE doubles the limit at the sixth poll that saw more left than the poll before (policy `proxmox`), and only a sync
 *   makes more of it. From one doubling to the next there are at least six syncs, and so five whole passes.
 * - No pass sends more than all memory.
 */
import { lastOf, pairs } from '../../lists.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { LogSample, MigrationLog } from '../../formats/migration-log.js';
import { NORMAL_PAGE_BYTES } from '../../migration/rules/stream.js';
import { median } from '../../stats/summary.js';
import { formatDurationMs } from '../../units.js';
import { GROWTH, IDLE, ONE_READING, reading, TAKEN_IDLE, type RangedReading } from './one-reading.js';
import { largest } from '../../stats/extremes.js';
import type { DowntimeLimit } from './downtime-limit.js';

const { max, min, sqrt } = Math;

/** Whole passes from one doubling of downtime-limit to the next. */
const PASSES = 5;

/** us; low is below high. */
export interface PassBounds {
  readonly lowUs: number;
  readonly highUs: number;
}

/** `mostUs`: how long all memory that is not zero takes. */
export function passBounds(
  { samples, settings, source }: Pick<MigrationLog, 'samples' | 'settings' | 'source'>,
  limit: DowntimeLimit,
  mostUs: number,
): PassBounds {
  const { laterDowntimeLimitsMs = [] } = settings;
  // Others raise it by the clock.
  const { limitsRaisedAtUs = [] } = source === 'proxmox' ? settings : {};
  const last = lastOf(samples);
  // A failure may be logged long after the last poll.
  const polledUs = samples.findLast(({ status }) => status === 'active')?.tUs ?? 0;
  const limits = [limit.ms, ...laterDowntimeLimitsMs];
  const lastLimitUs = lastOf(limits) * 1000;
  // The last limit may have come a moment ago: the one before was in force for some passes.
  const lowUs = max(1000, (limits.at(-2) ?? limit.ms) * 1000);
  const ends = last.status === 'completed' && limits.length > 1;
  const highUs = ends ? lastLimitUs : betweenDoublings(limitsRaisedAtUs, polledUs);
  return { lowUs, highUs: max(1.1 * lowUs, min(mostUs, highUs)) };
}

/** The longest mean pass from one doubling to the next, from the begin to the first, or from the last to the end of the log, us. */
function betweenDoublings(atUs: readonly number[], endUs: number): number {
  const [first] = atUs;
  if (first === undefined) return Infinity;
  // The first pass and those behind it until the first doubling are told apart by nothing.
  const gaps = [...pairs(atUs)].map(([a, b]) => b - a);
  return largest([...(gaps.length === 0 ? [first] : gaps), endUs - lastOf(atUs)]) / PASSES;
}

/** More passes than any migration has. */
const MOST_PASSES = 10_000;
const HALVINGS = 60;

/**
 * c of D(τ) = c·τ^growth pages, τ in us, of a migration that completed by itself: the passes behind the first, each as long as
 * what the one before it brought back takes to send, find `found` pages until one takes no longer than the limit.
 */
export function scaleToEnd(
  { found, firstUs, limitUs, pagesPerUs, roomPages }: Ending,
  growth: number,
): number {
  const foundUnder = (scale: number): number => {
    let sum = 0;
    for (let at = 0, passUs = firstUs; at < MOST_PASSES && passUs > limitUs; at += 1) {
      const pages = min(roomPages, scale * passUs ** growth);
      sum += pages;
      passUs = pages / pagesPerUs;
    }
    return sum;
  };
  let low = 0;
  // With more, passes would settle above the limit.
  let high = pagesPerUs * limitUs ** (1 - growth);
  for (let at = 0; at < HALVINGS; at += 1) {
    const middle = (low + high) / 2;
    if (foundUnder(middle) < found) low = middle;
    else high = middle;
  }
  return low;
}

export interface Ending {
  /** Pages that syncs found. */
  readonly found: number;
  /** Length of the first pass, us. */
  readonly firstUs: number;
  /** downtime-limit at the end, us. */
  readonly limitUs: number;
  readonly pagesPerUs: number;
  readonly roomPages: number;
}

// ------------------------------------------------------------------------------------------------------- the reading

/** migration.c takes a dirty rate over a pass, or over several until a second is over. */
const LEAST_RATE_US = 1e6;

/** What the totals of a log say that counts no syncs. */
export interface RateTotals {
  readonly last: LogSample;
  readonly totalPages: number;
  readonly bytesPerSecond: number;
}

/**
 * Without what syncs found: a rate that was printed and is below that of sending, or that memory came back as fast as it was sent, in
 * passes of any length that the log allows.
 */
export function readingOfRate(
  totals: RateTotals,
  log: MigrationLog,
  limit: DowntimeLimit,
  roomPages: number,
  assumptions: string[],
): RangedReading | null {
  const { last, totalPages, bytesPerSecond } = totals;
  const rates = log.samples.map(({ dirtyPagesRate }) => dirtyPagesRate).filter((rate) => rate > 0);
  const sentTwice = (last.transferredBytes ?? 0) - totalPages * PAGE_BYTES;
  const isSentTwice = sentTwice > IDLE * bytesPerSecond;
  if (rates.length === 0 && !isSentTwice) {
    assumptions.push(`${TAKEN_IDLE}: no more was sent than it has, and no sync is in the log`);
    return null;
  }
  const pagesPerUs = bytesPerSecond / NORMAL_PAGE_BYTES / 1e6;
  const perUs = rates.length > 0 ? median(rates) / 1e6 : pagesPerUs;
  // Proxmox VE prints a rate only where memory came back faster than it was sent.
  const isSlower = perUs < pagesPerUs && log.source !== 'proxmox';
  const mostUs = roomPages / pagesPerUs;
  if (isSlower) {
    const highUs = max(1.1 * LEAST_RATE_US, mostUs);
    assumptions.push(
      `the dirty rate in the log is over ${spanText(LEAST_RATE_US, highUs)}: QEMU takes it over a pass of at least 1 s, whose ` +
        'length is not in the log, and each run draws it',
      ONE_READING,
    );
    return between({ lowUs: LEAST_RATE_US, highUs }, perUs, roomPages, null);
  }
  const { laterDowntimeLimitsMs = [] } = log.settings;
  if (isSentTwice && last.status === 'completed' && laterDowntimeLimitsMs.length === 0) {
    assumptions.push(
      'passes shrank until one was within downtime-limit: the log shows their sum alone, what was sent beyond the memory',
      ONE_READING,
    );
    const limitUs = max(1000, limit.ms * 1000);
    const found = sentTwice / PAGE_BYTES;
    const scale = scaleToEnd({ found, firstUs: mostUs, limitUs, pagesPerUs, roomPages }, GROWTH);
    const middleUs = sqrt(mostUs * limitUs);
    return {
      reading: reading(middleUs, min(roomPages, scale * middleUs ** GROWTH)),
      intensity: null,
      spread: 1,
    };
  }
  const { lowUs, highUs } = passBounds(log, limit, mostUs);
  assumptions.push(passesText(lowUs, highUs), ONE_READING);
  return between({ lowUs, highUs }, max(pagesPerUs, perUs), roomPages, highUs);
}

/** A reading at `perUs` pages/µs over a time of which only the ends are known. */
function between(
  { lowUs, highUs }: PassBounds,
  perUs: number,
  roomPages: number,
  longestUs: number | null,
): RangedReading {
  const middleUs = sqrt(lowUs * highUs);
  // With D(τ) = c·τ^β, passes n times as long that bring back as much per second are a c of n^(1-β) times, or β√ of it the speed.
  const faster = (highUs / middleUs) ** ((1 - GROWTH) / GROWTH);
  return {
    reading: reading(middleUs, min(roomPages, perUs * middleUs)),
    intensity: { low: 1 / faster, high: faster, longestUs },
    spread: highUs / middleUs,
  };
}

function passesText(lowUs: number, highUs: number): string {
  return (
    `memory came back as fast as it was sent, in passes of ${spanText(lowUs, highUs)}: their length is not in the log, which ` +
    'shows no more than these ends, and each run draws it'
  );
}

function spanText(lowUs: number, highUs: number): string {
  const [low, high] = [lowUs, highUs].map((us) => formatDurationMs(Number((us / 1000).toPrecision(2))));
  return `${low} to ${high}`;
}
