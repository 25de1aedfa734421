/**
 * A log with every figure that learning needs: what a program does not print is derived from what it does.
 *
 * - Pages sent: in the first pass each page is sent once, so total less remaining is what was sent; what the stream carried
 *   says how many of them were not zero. Later passes send hardly any zero pages.
 * - Syncs: while nothing comes back, remaining falls by what is sent. Where it falls by less, a sync was in between; how many
 *   is what came back over what one finds, which is how far remaining goes up and down.
 * - The clock of a job begins before the migration: what the first pass sent until the first sample shows how long before.
 */
import { isNonEmpty, mapNonEmpty, type NonEmpty, pairs } from '../lists.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { DEFAULT_DOWNTIME_LIMIT_MS } from '../migration/rules/rules.js';
import { NORMAL_PAGE_BYTES } from '../migration/rules/stream.js';
import { largest, smallest } from '../stats/extremes.js';
import { median } from '../stats/summary.js';
import type { LogSample, LogSettings, MigrationLog } from './migration-log.js';

const { max, min, round } = Math;

/** A reply with every figure: times in us or ms, sizes in bytes, as QEMU reports them. */
export interface MigrateSample extends LogSample {
  readonly tUs: number;
  readonly totalBytes: number;
  readonly remainingBytes: number;
  readonly transferredBytes: number;
  readonly normalPages: number;
  readonly zeroPages: number;
  readonly dirtySyncCount: number;
}

export interface MigrateLog extends MigrationLog {
  readonly samples: NonEmpty<MigrateSample>;
  /** Sentences, no full stop: which figures are derived. */
  readonly derived: readonly string[];
}

/** Pages taken from the migration bitmap so far. */
export function pagesSent(sample: MigrateSample): number {
  return sample.normalPages + sample.zeroPages + sample.xbzrlePages;
}

/** A zero page in the stream (ram.c:save_zero_page). */
const ZERO_PAGE_BYTES = 9;

/** null when time, remaining or what was sent is not in the log and does not follow from the rest. */
export function completeLog(log: MigrationLog): MigrateLog | null {
  const derived: string[] = [];
  const known = log.samples.flatMap((sample): Partly[] => {
    const { tUs, totalBytes, transferredBytes } = sample;
    const remainingBytes = sample.remainingBytes ?? (sample.status === 'completed' ? 0 : null);
    if (tUs === null || totalBytes === null || remainingBytes === null) return [];
    const sent = transferredBytes ?? sentOf(sample);
    return sent === null ? [] : [{ ...sample, tUs, totalBytes, remainingBytes, transferredBytes: sent }];
  });
  if (!isNonEmpty(known) || known.length < 0.9 * log.samples.length) return null;
  const onTime = log.jobClock ? sinceStart(known, derived) : known;
  return { ...log, samples: withPages(onTime, log.settings, derived), derived };
}

type Known = 'tUs' | 'totalBytes' | 'remainingBytes' | 'transferredBytes';
type Partly = Omit<LogSample, Known> & Pick<MigrateSample, Known>;

function sentOf({ normalPages, zeroPages }: LogSample): number | null {
  return normalPages === null ? null : normalPages * NORMAL_PAGE_BYTES + (zeroPages ?? 0) * ZERO_PAGE_BYTES;
}

/** Less than this is no preparation but the grain of a clock. */
const PREPARATION_US = 50_000;

function sinceStart(samples: NonEmpty<Partly>, derived: string[]): NonEmpty<Partly> {
  const [first, second] = samples;
  if (second === undefined || (first.dirtySyncCount ?? 1) > 1 || (second.dirtySyncCount ?? 1) > 1)
    return samples;
  const rate = (second.transferredBytes - first.transferredBytes) / (second.tUs - first.tUs);
  if (!(rate > 0) || !Number.isFinite(rate)) return samples;
  const startUs = max(0, first.tUs - first.transferredBytes / rate);
  if (startUs < PREPARATION_US) return samples;
  derived.push(
    `the migration began ${(startUs / 1e6).toFixed(1)} s after its job, by what the first pass had sent`,
  );
  return mapNonEmpty(samples, (sample) => ({ ...sample, tUs: max(0, sample.tUs - startUs) }));
}

/** A sync is seen where remaining falls by so much less than what was sent: a share, and what rounding hides. */
const UNSEEN = 0.03;
const UNSEEN_BYTES = 4 * 2 ** 20;

function withPages(
  samples: NonEmpty<Partly>,
  settings: LogSettings,
  derived: string[],
): NonEmpty<MigrateSample> {
  const lacksSyncs = samples.some(({ dirtySyncCount }) => dirtySyncCount === null);
  const lacksPages = samples.some(({ normalPages, zeroPages }) => normalPages === null || zeroPages === null);
  if (lacksPages)
    derived.push('pages and zero pages sent follow from remaining and from what the stream carried');
  if (lacksSyncs)
    derived.push('when syncs were follows from how remaining falls; several in one interval are evened out');
  const count = syncCounter(samples, limitBytesOf(samples, settings));
  let before: MigrateSample | undefined;
  return mapNonEmpty(samples, (sample, at) => {
    const syncs = sample.dirtySyncCount ?? count(before, sample, at);
    const pages = pagesOf(before, sample, syncs);
    before = { ...sample, ...pages, dirtySyncCount: max(syncs, before?.dirtySyncCount ?? 0) };
    return before;
  });
}

/** Readings ahead that show how far remaining goes up and down; more take time and say no more. */
const READINGS_AHEAD = 400;
/** Fewer show only how much remained at most. */
const LEAST_READINGS = 6;
/** From this many on it is no longer one sync that found more than usual. */
const SURELY_SEVERAL = 3;

/**
 * What a sync finds about the sample `at`, bytes. Between two syncs remaining falls by what the first of them found, and a
 * reading falls anywhere on that way: n of them span (n - 1)/(n + 1) of it on average. Readings in step with the passes span
 * less; but QEMU syncs when no more remains than `limitBytes`, so that a sync finds at least what remains at most beyond it.
 */
function foundAt(at: number, samples: readonly Partly[], limitBytes: number): number {
  const readings = samples
    .slice(at - 1, at - 1 + READINGS_AHEAD)
    .filter(({ status }) => status === 'active')
    .map(({ remainingBytes }) => remainingBytes);
  const n = readings.length;
  const most = largest(readings);
  if (n < LEAST_READINGS) return most;
  const span = ((most - smallest(readings)) * (n + 1)) / (n - 1);
  return min(most, max(span, most - limitBytes));
}

/** What downtime-limit lets remain at the log's rate, bytes; of several limits the largest. */
function limitBytesOf(
  samples: readonly Partly[],
  { downtimeLimitMs, laterDowntimeLimitsMs = [] }: LogSettings,
): number {
  const rates = [...pairs(samples)].flatMap(([before, { tUs, transferredBytes }]) =>
    tUs > before.tUs ? [(transferredBytes - before.transferredBytes) / (tUs - before.tUs)] : [],
  );
  const limitMs = max(downtimeLimitMs ?? DEFAULT_DOWNTIME_LIMIT_MS, largest(laterDowntimeLimitsMs));
  return rates.length === 0 ? 0 : median(rates) * limitMs * 1000;
}

/**
 * Counts the syncs until a sample. What came back since the sample before is what the syncs between them found: as many as
 * one's findings go into it, or one where the sync before them had found as much, as passes shrink.
 */
function syncCounter(
  samples: readonly Partly[],
  limitBytes: number,
): (before: MigrateSample | undefined, sample: Partly, at: number) => number {
  let foundBefore = samples[0]?.totalBytes ?? 0;
  return (before, sample, at) => {
    if (before === undefined) {
      // A log that begins with more sent than there is began after the first pass.
      const once = sample.totalBytes - sample.remainingBytes;
      if (sample.transferredBytes <= once * (1 + UNSEEN) + UNSEEN_BYTES) return 1;
      foundBefore = sample.transferredBytes - once;
      return 2;
    }
    if (sample.status === 'completed') return before.dirtySyncCount + 1;
    const sent = sample.transferredBytes - before.transferredBytes;
    const cameBack = sent - (before.remainingBytes - sample.remainingBytes);
    if (cameBack <= UNSEEN * sent + UNSEEN_BYTES) return before.dirtySyncCount;
    const found = foundAt(at, samples, limitBytes);
    const several = found > 0 ? round(cameBack / found) : 1;
    const count = several < SURELY_SEVERAL && cameBack <= foundBefore ? 1 : min(10_000, max(1, several));
    foundBefore = cameBack / count;
    return before.dirtySyncCount + count;
  };
}

function pagesOf(
  before: MigrateSample | undefined,
  sample: Partly,
  syncs: number,
): { normalPages: number; zeroPages: number } {
  const { normalPages, zeroPages, transferredBytes } = sample;
  if (normalPages !== null && zeroPages !== null) return { normalPages, zeroPages };
  const atLeast = (pages: { normalPages: number; zeroPages: number }): typeof pages => ({
    normalPages: max(before?.normalPages ?? 0, round(pages.normalPages)),
    zeroPages: max(before?.zeroPages ?? 0, round(pages.zeroPages)),
  });
  const withZeros = (zeros: number): { normalPages: number; zeroPages: number } =>
    atLeast({
      normalPages: max(0, transferredBytes - zeros * ZERO_PAGE_BYTES) / NORMAL_PAGE_BYTES,
      zeroPages: zeros,
    });
  if (zeroPages !== null) return withZeros(zeroPages);
  if (syncs > 1) {
    const sent = (sample.totalBytes - sample.remainingBytes) / PAGE_BYTES;
    return withZeros(before?.zeroPages ?? max(0, sent - transferredBytes / NORMAL_PAGE_BYTES));
  }
  const sent = (sample.totalBytes - sample.remainingBytes) / PAGE_BYTES;
  const normal = max(0, transferredBytes - ZERO_PAGE_BYTES * sent) / (NORMAL_PAGE_BYTES - ZERO_PAGE_BYTES);
  return atLeast({ normalPages: min(sent, normal), zeroPages: max(0, sent - min(sent, normal)) });
}
