/** From samples to migrations: which belong together, and whether their figures can be. */
import type { NonEmpty } from '../lists.js';
import { UsageError } from '../errors.js';
import { PAGE_BYTES } from '../guest/spec.js';
import { largest } from '../stats/extremes.js';
import { median } from '../stats/summary.js';
import { hasEnded, type LogSample } from './migration-log.js';

/** The largest guest that a scenario can have, with its ROMs. */
const MOST_BYTES = 2 ** 46 + 2 ** 36;
/** Longer than this is no migration but another unit: 115 days. */
const MOST_MS = 1e10;
/** A thousand links of 1 Tbit/s. */
const MOST_MBPS = 1e9;

/** Figures that no QEMU can report: a unit was changed on the way, or two logs were mixed. */
export function checkSample(sample: LogSample, rounded: boolean): void {
  const refuse = (message: string): never => {
    throw new UsageError(`sample ${sample.index + 1}: ${message}`, sample.place);
  };
  const { totalBytes, remainingBytes, transferredBytes } = sample;
  for (const [name, value, most] of boundsOf(sample)) {
    if (value !== null && !(value >= 0 && value <= most)) refuse(`${name} is ${value}; in which unit is it?`);
    if (value !== null && !rounded && !Number.isInteger(value))
      refuse(`${name} is ${value}, expected a whole number`);
  }
  if (totalBytes !== null && (totalBytes === 0 || (!rounded && totalBytes % PAGE_BYTES !== 0))) {
    refuse(`total is ${totalBytes}, expected bytes in whole pages of ${PAGE_BYTES}: which unit is it in?`);
  }
  const slack = rounded ? (totalBytes ?? 0) / 100 : 0;
  if (remainingBytes !== null && totalBytes !== null && remainingBytes > totalBytes + slack)
    refuse(`remaining (${remainingBytes}) is more than total (${totalBytes}); both are bytes`);
  if (remainingBytes !== null && !rounded && remainingBytes % PAGE_BYTES !== 0) {
    refuse(
      `remaining is ${remainingBytes}, expected bytes in whole pages of ${PAGE_BYTES}: which unit is it in?`,
    );
  }
  if (sample.mbps > MOST_MBPS) refuse(`mbps is ${sample.mbps}; in which unit is it?`);
  if (sample.throttlePercent > 99)
    refuse(`cpu-throttle-percentage is ${sample.throttlePercent}; QEMU goes to 99`);
  if (transferredBytes !== null && sample.normalPages !== null) checkTransferred(sample, refuse);
  for (const [name, part] of [
    ['downtime-bytes', sample.downtimeBytes],
    ['postcopy-bytes', sample.postcopyBytes],
  ] as const) {
    if (transferredBytes !== null && part > transferredBytes + LAG_BYTES + slack)
      refuse(`${name} (${part}) is more than transferred (${transferredBytes}); both are bytes`);
  }
}

function boundsOf(sample: LogSample): (readonly [string, number | null, number])[] {
  const pages = MOST_BYTES;
  return [
    ['total', sample.totalBytes, MOST_BYTES],
    ['remaining', sample.remainingBytes, MOST_BYTES * 2],
    ['transferred', sample.transferredBytes, 2 ** 53 - 1],
    ['normal', sample.normalPages, pages],
    ['duplicate', sample.zeroPages, pages],
    ['dirty-sync-count', sample.dirtySyncCount, 1e9],
    ['dirty-pages-rate', sample.dirtyPagesRate, 1e10],
    ['total-time', sample.tUs === null ? null : sample.tUs / 1000, MOST_MS],
    ['setup-time', sample.setupTimeMs, MOST_MS],
    ['downtime', sample.downtimeMs, MOST_MS],
    ['expected-downtime', sample.expectedDowntimeMs, 2 ** 53 - 1],
  ];
}

/** The stream's counters are read one after another while pages flow: allow a buffer's worth of lag. */
const LAG_BYTES = 64 * 1024 * 1024;
/** Headers, and packets that another process repeats. */
const MOST_OVERHEAD = 2;

function checkTransferred(sample: LogSample, refuse: (message: string) => never): void {
  const { transferredBytes: sent, normalPages, zeroPages, xbzrlePages } = sample;
  if (sent === null || normalPages === null) return;
  const pages = normalPages + (zeroPages ?? 0) + xbzrlePages;
  if (sample.multifdBytes === 0 && xbzrlePages === 0 && sent + LAG_BYTES < normalPages * PAGE_BYTES) {
    refuse(`transferred (${sent}) is less than the ${normalPages} pages sent: which unit is it in?`);
  }
  if (sent > MOST_OVERHEAD * PAGE_BYTES * pages + 16 * LAG_BYTES)
    refuse(`transferred (${sent}) is more than its ${pages} pages; it is bytes`);
}

/** How far bytes over time may be from `mbps`, the rate of a window in between: links vary, units differ by 1000. */
const CLOCK_FACTOR = 50;

/** Bytes over `total-time` must be about what `mbps` says, or one of them is in another unit or of another clock. */
export function checkClock(samples: readonly LogSample[], file: string): void {
  const factors: number[] = [];
  samples.forEach((sample, at) => {
    const before = samples[at - 1];
    if (before === undefined || sample.status !== 'active' || !(sample.mbps > 0)) return;
    if (sample.transferredBytes === null || before.transferredBytes === null) return;
    const bits = (sample.transferredBytes - before.transferredBytes) * 8;
    const us = (sample.tUs ?? 0) - (before.tUs ?? 0);
    if (bits > 0 && us > 0) factors.push(bits / us / sample.mbps);
  });
  if (factors.length < 3) return;
  const factor = median(factors);
  if (factor < CLOCK_FACTOR && factor > 1 / CLOCK_FACTOR) return;
  const times = factor > 1 ? `${factor.toPrecision(2)} times` : `1/${(1 / factor).toPrecision(2)} of`;
  throw new UsageError(
    `transferred over total-time is ${times} what mbps says: is total-time in ms, of this migration's clock?`,
    { file },
  );
}

/**
 * The migrations in a series of samples, each guest's apart. A new one begins where the clock or a counter goes back, where
 * the guest's memory is another, and behind an end.
 */
export function splitMigrations(samples: readonly LogSample[]): NonEmpty<LogSample>[] {
  const byGuest = new Map<string, [LogSample, ...LogSample[]][]>();
  for (const sample of samples) {
    const migrations = byGuest.get(sample.guest) ?? [];
    byGuest.set(sample.guest, migrations);
    const current = migrations.at(-1);
    const last = current?.at(-1);
    if (current === undefined || last === undefined || begins(last, sample)) migrations.push([sample]);
    else if (!repeats(last, sample)) current.push(sample);
  }
  return [...byGuest.values()].flat().sort((a, b) => a[0].index - b[0].index);
}

/** Sizes of few digits jitter by a rounding. */
const JITTER = 0.99;

function begins(before: LogSample, sample: LogSample): boolean {
  const back = (key: 'tUs' | 'dirtySyncCount' | 'transferredBytes' | 'normalPages'): boolean =>
    before[key] !== null && sample[key] !== null && sample[key] < before[key] * JITTER;
  if (back('tUs') || back('dirtySyncCount') || back('transferredBytes')) return true;
  // A counter that only grows went back a little: in exact logs that is another migration, too.
  if (sample.dirtySyncCount !== null && before.dirtySyncCount !== null) {
    if (sample.dirtySyncCount < before.dirtySyncCount) return true;
  }
  if (back('normalPages')) return true;
  if (sample.totalBytes !== null && before.totalBytes !== null) {
    const change = sample.totalBytes / before.totalBytes;
    if (change < JITTER || change > 1 / JITTER) return true;
  }
  return hasEnded(before.status) && !hasEnded(sample.status);
}

/** The same end, logged again. */
function repeats(before: LogSample, sample: LogSample): boolean {
  return hasEnded(before.status) && hasEnded(sample.status);
}

/** The migration to learn from: the one that says most, the last of equals. */
export function mostTelling(migrations: readonly NonEmpty<LogSample>[]): NonEmpty<LogSample> {
  const worth = (samples: readonly LogSample[]): number => {
    const syncs = largest(samples.map((sample) => sample.dirtySyncCount ?? 1));
    return Math.min(syncs, samples.length) + samples.length / 1e6;
  };
  return migrations.reduce((best, one) => (worth(one) >= worth(best) ? one : best));
}
