/**
 * QEMU's migration rules, each a small pure function named after what QEMU calls it. Integer truncations are QEMU's own.
 * Unless another version is named the source is QEMU 10.2.2.
 */
import { PAGE_BYTES } from '../../guest/spec.js';

const { ceil, floor, max, trunc } = Math;

/** migration-stats.h: BUFFER_DELAY, the length of one rate window, ms. */
export const BUFFER_DELAY_MS = 100;
/** migration-stats.h: XFER_LIMIT_RATIO. */
export const XFER_LIMIT_RATIO = 1000 / BUFFER_DELAY_MS;
/** ram.c: MAX_WAIT, the whole ms after which an iteration ends (strictly more). */
export const MAX_WAIT_MS = 50;
/** An iteration that has lasted for so long ends at the next look at the clock, µs: QEMU counts whole ms. */
export const LATE_US = (MAX_WAIT_MS + 1) * 1000;
/** ram.c:ram_save_iterate looks at the clock after the first host page and after each 64th from there. */
export const CLOCK_CHECK_PAGES = 64;
/** ram.c:migration_bitmap_sync: a sync is eligible when more than this lies behind it, ms. */
export const ELIGIBLE_SYNC_MS = 1000;
/** migration/options.c: DEFAULT_MIGRATE_SET_DOWNTIME, ms. */
export const DEFAULT_DOWNTIME_LIMIT_MS = 300;
/** migration.c:migration_update_counters: fewer bytes than this leave the expected downtime alone. */
export const MIN_BYTES_FOR_ESTIMATE = 10_000;

/** migration-stats.c:migration_rate_set: bytes a window may carry; 0 = unlimited. */
export function windowQuota(maxBandwidth: number): number {
  return floor(maxBandwidth / XFER_LIMIT_RATIO);
}

/** migration-stats.c:migration_rate_exceeded. */
export function rateExceeded(quota: number, windowBytes: number): boolean {
  return quota > 0 && windowBytes > quota;
}

/** migration.c:migration_update_counters: avail-switchover-bandwidth in bytes/ms, whole ones up to 11.0. */
export function givenBandwidthPerMs(availSwitchoverBandwidth: number, rounds: boolean): number {
  return rounds ? floor(availSwitchoverBandwidth / 1000) : availSwitchoverBandwidth / 1000;
}

/** migration.c:migration_update_counters: bytes/ms that the threshold is computed from; `given` null: what the window carried. */
export function switchoverBandwidth(windowBytes: number, windowMs: number, given: number | null): number {
  return given ?? windowBytes / windowMs;
}

/** migration.c:migration_update_counters: `threshold_size`, whole bytes. */
export function switchoverThreshold(bandwidthBytesPerMs: number, downtimeLimitMs: number): number {
  return trunc(bandwidthBytesPerMs * downtimeLimitMs);
}

/** migration.c:migration_iteration_run: is the exact count worth a sync? `<` up to 11.0, `<=` in 11.1. */
export function needsSync(pendingBytes: number, thresholdBytes: number, syncsAtThreshold: boolean): boolean {
  return syncsAtThreshold ? pendingBytes <= thresholdBytes : pendingBytes < thresholdBytes;
}

/**
 * `expected-downtime` when it is queried, ms (11.1): the limit until the first pass is over, then what all devices had pending at the
 * last exact query over the bandwidth of the last window, or the one that is set.
 */
export function expectedDowntimeOnDemand(
  syncCount: number,
  downtimeLimitMs: number,
  pendingBytes: number,
  bandwidthBytesPerMs: number,
): number {
  return syncCount <= 1 || bandwidthBytesPerMs === 0
    ? downtimeLimitMs
    : trunc(pendingBytes / bandwidthBytesPerMs);
}

/**
 * migration.c:migration_update_counters: `expected_downtime`, ms; null when it is left alone. So it is at a bandwidth of 0, which an
 * avail-switchover-bandwidth below 1000 is: what C makes of that division as a whole number is undefined.
 */
export function expectedDowntime(
  dirtyBytesLastSync: number,
  bandwidthBytesPerMs: number,
  dirtyPagesRate: number,
  windowBytes: number,
): number | null {
  if (dirtyPagesRate === 0 || windowBytes <= MIN_BYTES_FOR_ESTIMATE || bandwidthBytesPerMs === 0) return null;
  return trunc(dirtyBytesLastSync / bandwidthBytesPerMs);
}

/**
 * ram.c:ram_save_iterate: the pages, 1 or 65 or 129 …, after which the clock is looked at first when no fewer than `pages` have
 * been sent.
 */
export function pagesToClockCheck(pages: number): number {
  return max(0, ceil((pages - 1) / CLOCK_CHECK_PAGES)) * CLOCK_CHECK_PAGES + 1;
}

/** ram.c:migration_bitmap_sync: strictly more than a second since the last eligible sync. */
export function syncIsEligible(nowMs: number, lastEligibleMs: number): boolean {
  return nowMs > lastEligibleMs + ELIGIBLE_SYNC_MS;
}

/** ram.c:migration_update_rates: `dirty_pages_rate`, pages/s. */
export function dirtyPagesRate(periodPages: number, periodMs: number): number {
  return floor((periodPages * 1000) / periodMs);
}

/** ram.c:migration_trigger_throttle: the bytes above which a period counts as bad. */
export function triggerLimit(transferredBytes: number, thresholdPercent: number): number {
  return floor((transferredBytes * thresholdPercent) / 100);
}

/** ram.c:migration_trigger_throttle: two bad periods, not necessarily adjacent, and QEMU acts. */
export class ThrottleDetector {
  #high = 0;

  /** Returns what this period was: good, the first strike, or the second, which acts. */
  judge(dirtyBytes: number, limitBytes: number): 'good' | 'bad' | 'act' {
    if (dirtyBytes <= limitBytes) return 'good';
    this.#high += 1;
    if (this.#high < 2) return 'bad';
    this.#high = 0;
    return 'act';
  }

  /** Bad periods counted towards the next act: a good one leaves them as they are. */
  get strikes(): number {
    return this.#high;
  }
}

/** migration.c:migration_iteration_run: may the guest be stopped for what is pending? `<=` from 10.1 on. */
export function mayComplete(
  pendingBytes: number,
  thresholdBytes: number,
  completesAtThreshold: boolean,
): boolean {
  return completesAtThreshold
    ? pendingBytes <= thresholdBytes
    : pendingBytes === 0 || pendingBytes < thresholdBytes;
}

/** ram.c:ram_state_pending_estimate: bytes of the pages still to be sent. */
export function pendingEstimate(dirtyPages: number): number {
  return dirtyPages * PAGE_BYTES;
}

/** `mbps` of query-migrate: 10^6 bit/s. */
export function mbps(bytes: number, ms: number): number {
  return (bytes * 8) / (ms / 1000) / 1e6;
}
