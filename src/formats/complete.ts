/**
 * A log with every figure that learning needs: what a program does not print is derived from what it does.
 *
 * - Pages sent: in the first pass each page is sent once, so total less remaining is what was sent; what the stream carried
 *   says how many of them were not zero. Later passes send hardly any zero pages.
 * - Syncs: while nothing comes back, remaining falls by what is sent. Where it falls by less, a sync was in between; how many
 *   is the time over the length of a pass, which is the larger remaining over the rate.
 * - The clock of a job begins before the migration: what the first pass sent until the first sample shows how long before.
 */
import { isNonEmpty, mapNonEmpty, type NonEmpty, nth } from '../lists.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { NORMAL_PAGE_BYTES } from '../migration/rules/stream.js';
import { median } from '../stats/summary.js';
import type { LogSample, MigrationLog } from './migration-log.js';

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
  return { ...log, samples: withPages(onTime, derived), derived };
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

function withPages(samples: NonEmpty<Partly>, derived: string[]): NonEmpty<MigrateSample> {
  const lacksSyncs = samples.some(({ dirtySyncCount }) => dirtySyncCount === null);
  const lacksPages = samples.some(({ normalPages, zeroPages }) => normalPages === null || zeroPages === null);
  if (lacksPages)
    derived.push('pages and zero pages sent follow from remaining and from what the stream carried');
  if (lacksSyncs)
    derived.push('when syncs were follows from how remaining falls; several in one interval are evened out');
  const rate = rateOf(samples);
  let before: MigrateSample | undefined;
  return mapNonEmpty(samples, (sample) => {
    const syncs = sample.dirtySyncCount ?? syncsUntil(before, sample, rate);
    const pages = pagesOf(before, sample, syncs);
    before = { ...sample, ...pages, dirtySyncCount: max(syncs, before?.dirtySyncCount ?? 0) };
    return before;
  });
}

/** bytes/us, the median over the log. */
function rateOf(samples: readonly Partly[]): number {
  const rates = samples.slice(1).flatMap((sample, at) => {
    const before = nth(samples, at);
    const us = sample.tUs - before.tUs;
    return us > 0 ? [(sample.transferredBytes - before.transferredBytes) / us] : [];
  });
  return rates.length === 0 ? 0 : median(rates);
}

function syncsUntil(before: MigrateSample | undefined, sample: Partly, rate: number): number {
  if (before === undefined) {
    // A log that begins with more sent than there is began after the first pass.
    const sent = sample.totalBytes - sample.remainingBytes;
    return sample.transferredBytes > sent * (1 + UNSEEN) + UNSEEN_BYTES ? 2 : 1;
  }
  if (sample.status === 'completed') return before.dirtySyncCount + 1;
  const sent = sample.transferredBytes - before.transferredBytes;
  const fell = before.remainingBytes - sample.remainingBytes;
  if (sent - fell <= UNSEEN * sent + UNSEEN_BYTES) return before.dirtySyncCount;
  const passUs = max(before.remainingBytes, sample.remainingBytes) / rate;
  const count = passUs > 0 ? round((sample.tUs - before.tUs) / passUs) : 1;
  return before.dirtySyncCount + min(10_000, max(1, count));
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
