/**
 * A guest from the totals of a migration: a single reply, a log without what remains, or one that ends before two passes did.
 *
 * Totals are one reading of the dirty curve. All pages that syncs found, N, is what was sent and remains beyond the guest's
 * memory; the passes that found them follow each other as τ' = D(τ)/B at the rate B. Under a curve D(τ) = c·τ^β only one c
 * gives N in as many passes as there were.
 */
import { lastOf, nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { bareMetal } from '../../guest/host-profiles/default.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { LogSample, MigrationLog } from '../../formats/migration-log.js';
import { NORMAL_PAGE_BYTES } from '../../migration/rules/stream.js';
import { median } from '../../stats/summary.js';
import { formatBytesPerSecond } from '../../units.js';
import { limitAtStart, type DowntimeLimit } from './downtime-limit.js';
import { fitReadings } from './curve.js';
import { capInForce, saidCap } from './cap.js';
import {
  cpuAssumed,
  DEFAULT_CPU,
  DEFAULT_MAX_BANDWIDTH,
  DEFAULT_QEMU,
  DEFAULT_VCPUS,
  leastLink,
  linkAssumed,
  VCPUS_ASSUMED,
  type Learned,
  type LearnedGuest,
  type LearnOptions,
  type LoggedPostcopy,
} from './learned.js';
import { memoryLayout } from './memory-layout.js';
import {
  growing,
  GROWTH,
  IDLE,
  ONE_READING,
  reading,
  TAKEN_IDLE,
  type RangedReading,
} from './one-reading.js';
import { readingOfRate } from './pass-bounds.js';
import { splitMemory } from './memory-split.js';

const { floor, max, min, round } = Math;

/** What the totals say; null: they do not. */
interface Totals {
  readonly last: LogSample;
  readonly totalPages: number;
  readonly zeroPages: number;
  readonly bytesPerSecond: number;
  /** Length of the first pass, us, as far as it went. */
  readonly firstPassUs: number;
  /** Syncs that looked for new pages. */
  readonly syncs: number | null;
  /** Pages that they found. */
  readonly found: number | null;
}

/** @throws UsageError when the guest's memory is neither in the log nor given */
export function learnFromTotals(log: MigrationLog, options: LearnOptions): Learned {
  const assumptions: string[] = [...log.notes];
  const totals = totalsOf(log, options, assumptions);
  const limit = limitAtStart(log, options, assumptions);
  const { ramPages, hiddenPages } = splitMemory(
    totals.totalPages,
    options.memoryBytes,
    assumptions,
    log.file,
  );
  const vcpus = options.vcpus ?? DEFAULT_VCPUS;
  const used = min(floor(ramPages / 2), LEAST_USED_PAGES * vcpus);
  const zeroPages = max(0, min(totals.zeroPages - hiddenPages, ramPages - used));
  const layout = memoryLayout(ramPages, zeroPages, []);
  const found = readingOf(totals, log, limit, layout.roomPages, assumptions);
  const known = found?.reading ?? null;
  if (options.vcpus === undefined && known !== null) assumptions.push(VCPUS_ASSUMED);
  if (options.cpu === undefined && known !== null) assumptions.push(cpuAssumed(DEFAULT_CPU));
  const guest: LearnedGuest = {
    ramPages,
    hiddenPages,
    zeroExtents: [],
    zeroPages: zeroPages + min(hiddenPages, totals.zeroPages),
    dirtyRingSize: options.dirtyRingSize ?? 0,
    vcpus,
    cpu: options.cpu ?? DEFAULT_CPU,
    cpuAssumed: options.cpu === undefined,
    layout,
    readings: known === null ? [] : [known],
    ...(found?.intensity == null ? {} : { intensity: found.intensity }),
    ...(known === null
      ? { curve: [], pattern: 'uniform' as const, classes: [], residual: 0 }
      : fitReadings(growing(known, layout.roomPages, found?.spread), layout.roomPages)),
  };
  return {
    file: log.file,
    from: 'totals',
    source: log.source,
    guest,
    migration: migrationOf(log, totals, options, limit, assumptions),
    passes: [],
    plateau: null,
    loadEndedUs: null,
    assumptions,
  };
}

/** The thread stops the guest once nothing is left: programs that poll log that state last, not the completion. */
export function isMoved({ status, remainingBytes, dirtySyncCount }: LogSample): boolean {
  return status === 'completed' || (remainingBytes === 0 && status === 'active' && dirtySyncCount !== 1);
}

/** What a vCPU uses at least, an idle one too: its working set, and room for that to begin on a border. */
const LEAST_USED_PAGES = 512;

// ---------------------------------------------------------------------------------------------------------- totals

function totalsOf(log: MigrationLog, options: LearnOptions, assumptions: string[]): Totals {
  const { samples } = log;
  const last = lastOf(samples);
  const totalBytes = samples.find((sample) => sample.totalBytes !== null)?.totalBytes ?? options.memoryBytes;
  if (totalBytes === undefined || totalBytes === null) {
    throw new UsageError('the log does not show how much memory the guest has; add --memory 16GiB', {
      file: log.file,
    });
  }
  const totalPages = max(1, round(totalBytes / PAGE_BYTES));
  const bytesPerSecond = rateOf(samples, options, assumptions);
  const remaining = last.remainingBytes ?? (last.status === 'completed' ? 0 : null);
  const zeroPages = zeroPagesOf(last, totalPages, remaining, assumptions);
  const firstPassUs = ((totalPages - zeroPages) * NORMAL_PAGE_BYTES * 1e6) / bytesPerSecond;
  const switchUs = switchOf(samples, bytesPerSecond);
  const passUs = max(1, min(firstPassUs, switchUs ?? Infinity, last.tUs ?? Infinity));
  const sent =
    last.normalPages === null || last.zeroPages === null
      ? null
      : last.normalPages + last.zeroPages + last.xbzrlePages;
  const found =
    sent === null || remaining === null ? null : max(0, sent + round(remaining / PAGE_BYTES) - totalPages);
  const count = last.dirtySyncCount;
  // The last syncs of a completed migration find the guest stopped, or nearly.
  const syncs = count === null ? null : max(0, count - (isMoved(last) && count > 2 ? 2 : 1));
  return { last, totalPages, zeroPages, bytesPerSecond, firstPassUs: passUs, syncs, found };
}

function rateOf(samples: readonly LogSample[], options: LearnOptions, assumptions: string[]): number {
  const during = samples.filter((sample) => sample.status === 'active' && sample.mbps > 0);
  const windows = (during.length > 0 ? during : samples.filter(({ mbps }) => mbps > 0)).map(
    ({ mbps }) => mbps,
  );
  const last = lastOf(samples);
  if (windows.length > 0) {
    const window = (median(windows) * 1e6) / 8;
    // One window may have been a poor one: over its whole time the migration sent at least what it sent.
    const hasAverage = last.postcopyBytes === 0 && (last.tUs ?? 0) >= 1e6;
    const average = hasAverage ? ((last.transferredBytes ?? 0) * 1e6) / (last.tUs ?? 1e6) : 0;
    return max(1000, window, average);
  }
  if (last.tUs !== null && last.tUs > 0 && (last.transferredBytes ?? 0) > 0)
    return max(1000, ((last.transferredBytes ?? 0) * 1e6) / last.tUs);
  const assumed = options.maxBandwidth ?? 0;
  const rate = assumed > 0 ? assumed : DEFAULT_MAX_BANDWIDTH;
  assumptions.push(`memory was sent at ${formatBytesPerSecond(rate)}: the log shows no rate`);
  return rate;
}

/** A guest in use has some pages that are not zero. */
const ALL_ZERO = 0.98;

/** Zero pages that the first pass sent; where the log does not count them, at least what was not sent. */
function zeroPagesOf(
  last: LogSample,
  totalPages: number,
  remaining: number | null,
  assumptions: string[],
): number {
  if (last.zeroPages !== null) {
    if (last.zeroPages < ALL_ZERO * totalPages) return last.zeroPages;
    // More than there can be: zero pages were written and sent again, so only their share of what was sent is known.
    const sent = last.zeroPages + (last.normalPages ?? 0);
    return round((totalPages * last.zeroPages) / max(1, sent));
  }
  const sentPages = (last.transferredBytes ?? 0) / NORMAL_PAGE_BYTES;
  // Without a word on what remains, all of it may: what was not sent yet is not known to be zero.
  const left = remaining === null ? totalPages : remaining / PAGE_BYTES;
  const zero = max(0, round(totalPages - left - sentPages));
  assumptions.push(
    zero > 0
      ? 'zero pages are what was neither sent nor remains; more of them would mean that more came back'
      : 'no page is known to be zero',
  );
  return min(zero, totalPages);
}

/** Post-copy this many times as fast as what came before was held back by nothing but max-bandwidth. */
const HELD_BACK = 1.5;

function postcopyOf(samples: readonly LogSample[], bytesPerSecond: number): LoggedPostcopy | null {
  const atUs = switchOf(samples, bytesPerSecond);
  const last = lastOf(samples);
  if (atUs === null) return null;
  const done = last.status === 'completed' && last.tUs !== null;
  return {
    atUs: round(atUs),
    lengthMs: done ? max(0, (last.tUs - atUs) / 1000) : null,
    bytes: last.postcopyBytes,
    bytesPerSecond: postcopyRate(samples),
  };
}

/** When post-copy began, us; null without it. */
function switchOf(samples: readonly LogSample[], bytesPerSecond: number): number | null {
  const at = samples.findIndex(
    ({ status, postcopyBytes }) => status.startsWith('postcopy') || postcopyBytes > 0,
  );
  if (at < 0) return null;
  const sample = nth(samples, at);
  const before = samples[at - 1];
  if (before?.tUs != null && sample.tUs !== null) return (before.tUs + sample.tUs) / 2;
  return (((sample.transferredBytes ?? 0) - sample.postcopyBytes) * 1e6) / bytesPerSecond;
}

// --------------------------------------------------------------------------------------------------------- reading

function readingOf(
  totals: Totals,
  log: MigrationLog,
  limit: DowntimeLimit,
  roomPages: number,
  assumptions: string[],
): RangedReading | null {
  const { found, syncs, bytesPerSecond, last } = totals;
  if (found === null || syncs === null) return readingOfRate(totals, log, limit, roomPages, assumptions);
  if (syncs === 0) {
    assumptions.push(
      `${TAKEN_IDLE}: no sync has yet looked for dirty pages; a reply after the first pass would show them`,
    );
    return null;
  }
  if (found * PAGE_BYTES <= IDLE * bytesPerSecond) {
    assumptions.push('the guest is idle: hardly a page was sent twice');
    return null;
  }
  assumptions.push(ONE_READING);
  const scale = scaleFor(totals, found, syncs, roomPages);
  const durationUs =
    syncs > MANY && last.tUs !== null
      ? max(1000, (last.tUs - totals.firstPassUs) / (syncs - 1))
      : totals.firstPassUs;
  return {
    reading: reading(durationUs, min(roomPages, scale * durationUs ** GROWTH)),
    intensity: null,
    spread: 1,
  };
}

/** From this many passes on, most are alike. */
const MANY = 8;

/** c of D(τ) = c·τ^β, τ in us, under which a number of passes find a number of pages. */
function scaleFor(totals: Totals, found: number, syncs: number, roomPages: number): number {
  const perPage = (NORMAL_PAGE_BYTES * 1e6) / totals.bytesPerSecond;
  const sumFor = (scale: number): number => {
    let passUs = totals.firstPassUs;
    let sum = 0;
    for (let at = 0; at < min(syncs, 10_000); at += 1) {
      const pages = min(roomPages, scale * passUs ** GROWTH);
      sum += pages;
      passUs = max(1, pages * perPage);
    }
    return syncs > 10_000 ? (sum / 10_000) * syncs : sum;
  };
  let low = 0;
  let high = roomPages;
  for (let at = 0; at < 60; at += 1) {
    const middle = (low + high) / 2;
    if (sumFor(middle) < found) low = middle;
    else high = middle;
  }
  return high;
}

// ------------------------------------------------------------------------------------------------------- migration

/** QEMU's default today and up to 5.0; a rate so near one of them is it. */
const CAPS = [DEFAULT_MAX_BANDWIDTH, 32 * 2 ** 20];
const NEAR = 0.05;

function migrationOf(
  log: MigrationLog,
  { last, bytesPerSecond }: Totals,
  options: LearnOptions,
  limit: DowntimeLimit,
  assumptions: string[],
): Learned['migration'] {
  const beyond = postcopyRate(log.samples) ?? 0;
  const cap =
    CAPS.find((one) => Math.abs(bytesPerSecond / one - 1) < NEAR) ??
    (beyond > HELD_BACK * bytesPerSecond ? roundDown(bytesPerSecond) : undefined);
  // Without a rate in the log, the option itself was taken for one.
  const given = saidCap(log, options, bytesPerSecond, assumptions);
  if (given === undefined) {
    assumptions.push(
      cap === undefined
        ? `the link was the limit, not max-bandwidth: ${formatBytesPerSecond(bytesPerSecond)} is none of QEMU's defaults`
        : cap === DEFAULT_MAX_BANDWIDTH && bytesPerSecond < cap
          ? `the link or max-bandwidth was the limit: ${formatBytesPerSecond(bytesPerSecond)} is about what 1 Gbit/s carries, and about QEMU's default of ${formatBytesPerSecond(cap)}`
          : CAPS.includes(cap)
            ? `max-bandwidth was the limit: ${formatBytesPerSecond(bytesPerSecond)} is about ${formatBytesPerSecond(cap)}, a default of QEMU`
            : `max-bandwidth was the limit: in post-copy memory flowed ${(beyond / bytesPerSecond).toFixed(1)} times as fast`,
    );
  }
  const beyondCap = postcopyRate(log.samples) ?? stoppedRate(last);
  const maxBandwidth =
    given === undefined ? (cap ?? 0) : capInForce(given, bytesPerSecond, beyondCap, assumptions);
  const limits = { maxBandwidth, maxBandwidthSaid: given !== undefined, bytesPerSecond };
  if (limits.maxBandwidth > 0 && beyondCap === null) assumptions.push(linkAssumed(leastLink(limits)));
  return {
    ...limits,
    downtimeLimitMs: limit.ms,
    manualDirtyLogProtect: true,
    zeroNsPerPage: bareMetal.zeroNsPerPage,
    switchoverBytesPerSecond: beyondCap,
    postcopy: postcopyOf(log.samples, bytesPerSecond),
    throttleSteps: throttled(log.samples),
    completed: isMoved(last),
    totalTimeMs: (last.tUs ?? 0) / 1000,
    qemu: log.settings.qemu ?? DEFAULT_QEMU,
    downtimeMs: last.downtimeMs,
  };
}

/** People set round figures, and windows carry up to a flush more. */
function roundDown(bytesPerSecond: number): number {
  const mib = floor(bytesPerSecond / 2 ** 20) * 2 ** 20;
  return mib > (1 - NEAR) * bytesPerSecond ? mib : round(bytesPerSecond);
}

function throttled(samples: readonly LogSample[]): { atUs: number; percent: number }[] {
  const steps: { atUs: number; percent: number }[] = [];
  for (const { tUs, throttlePercent } of samples) {
    if (throttlePercent > (steps.at(-1)?.percent ?? 0))
      steps.push({ atUs: tUs ?? 0, percent: throttlePercent });
  }
  return steps;
}

function stoppedRate({ downtimeBytes, downtimeMs }: LogSample): number | null {
  if (downtimeBytes < 4 * 2 ** 20 || downtimeMs === null || downtimeMs <= 0) return null;
  return (downtimeBytes / downtimeMs) * 1000;
}

/** Post-copy is not held to max-bandwidth: its bytes, or all that were sent meanwhile, over its time are the link's. */
export function postcopyRate(samples: readonly LogSample[]): number | null {
  const counted = samples.filter(({ postcopyBytes }) => postcopyBytes > 0);
  const isCounted = counted.length > 0;
  const inPostcopy = isCounted ? counted : samples.filter(({ status }) => status === 'postcopy-active');
  const [first] = inPostcopy;
  const last = inPostcopy.at(-1);
  if (first?.tUs == null || last?.tUs == null || last.tUs <= first.tUs) return null;
  const bytes = isCounted
    ? last.postcopyBytes - first.postcopyBytes
    : (last.transferredBytes ?? 0) - (first.transferredBytes ?? 0);
  return bytes > 0 ? (bytes * 1e6) / (last.tUs - first.tUs) : null;
}
