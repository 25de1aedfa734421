/**
 * The rate window: what may be sent in 100 ms, and what the last one shows (migration.c:migration_update_counters). The two
 * parameters that may be changed on the way count here.
 */
import type { Counters } from './counters.js';
import {
  BUFFER_DELAY_MS,
  expectedDowntime,
  expectedDowntimeOnDemand,
  givenBandwidthPerMs,
  mbps,
  rateExceeded,
  switchoverBandwidth,
  switchoverThreshold,
  windowQuota,
} from '../rules/rules.js';
import type { PageCost } from '../rules/stream.js';
import type { SendQueue } from './send-queue.js';
import type { MigrationParameters } from '../setup.js';
import type { SyncPeriod } from './sync-period.js';
import type { VersionFacts } from '../rules/versions.js';

const { floor, max } = Math;
const INFINITY = Infinity;

export class RateWindow {
  downtimeLimitMs = 0;
  /** bytes/s that post-copy pushes by itself; 0: unlimited. */
  maxPostcopyBandwidth = 0;
  /** avail-switchover-bandwidth, bytes/ms; null: what the window carried counts. */
  givenBandwidth: number | null = null;

  // The window that is open
  startMs = 0;
  startBytes = 0;
  startPages = 0;

  /** What was in force, from the start on. */
  readonly inForce: { timeMs: number; downtimeLimitMs: number; maxBandwidth: number }[];

  // Known from the last one that was closed
  bandwidthPerMs = 0;
  /** Bytes that may be left at switchover. */
  threshold = 0;
  mbps = 0;
  pagesPerSecond = 0;
  /** `expected-downtime`, ms, up to 11.0. */
  windowExpectedMs = 0;
  /** What RAM and devices had pending at the last exact query, bytes. */
  pendingBytes = 0;

  readonly #version: VersionFacts;
  readonly #counters: Readonly<Counters>;
  readonly #period: Readonly<SyncPeriod>;
  readonly #queue: SendQueue;
  #maxBandwidth = 0;
  #quota = 0;
  #isLifted = false;

  constructor(
    parameters: MigrationParameters,
    version: VersionFacts,
    counters: Readonly<Counters>,
    period: Readonly<SyncPeriod>,
    queue: SendQueue,
  ) {
    this.downtimeLimitMs = parameters.downtimeLimitMs;
    this.maxPostcopyBandwidth = parameters.maxPostcopyBandwidth ?? 0;
    this.windowExpectedMs = parameters.downtimeLimitMs;
    this.#version = version;
    if (version.hasAvailSwitchoverBandwidth) this.count(parameters.availSwitchoverBandwidth);
    this.#counters = counters;
    this.#period = period;
    this.#queue = queue;
    this.#maxBandwidth = parameters.maxBandwidth;
    this.#quota = windowQuota(parameters.maxBandwidth);
    const { downtimeLimitMs, maxBandwidth } = parameters;
    this.inForce = [{ timeMs: 0, downtimeLimitMs, maxBandwidth }];
  }

  /** Parameters were set: what is in force from now on. */
  note(timeUs: number): void {
    const timeMs = max(0, timeUs / 1000);
    const last = this.inForce.at(-1)!;
    const { downtimeLimitMs } = this;
    const maxBandwidth = this.#maxBandwidth;
    if (last.downtimeLimitMs === downtimeLimitMs && last.maxBandwidth === maxBandwidth) return;
    if (last.timeMs === timeMs) this.inForce.pop();
    this.inForce.push({ timeMs, downtimeLimitMs, maxBandwidth });
  }

  /** bytes/s; 0: unlimited. */
  get maxBandwidth(): number {
    return this.#maxBandwidth;
  }

  /** Bytes that a window may carry; 0: unlimited. */
  get quota(): number {
    return this.#quota;
  }

  /** migration_transferred_bytes: what counts of all that was sent. */
  #counted(): number {
    return this.#counters.transferred - this.#queue.uncounted;
  }

  /** The pages of one kind with which the quota may be exceeded, the next look at it included; Infinity when unlimited. */
  pagesToExceed(cost: PageCost): number {
    if (this.#quota === 0) return INFINITY;
    return this.#queue.pagesToExceed(cost, this.#quota - (this.#counted() - this.startBytes));
  }

  /** So many pages were handed on: without a limit it does not matter how many of them count. */
  queued(pages: number, cost: PageCost): void {
    if (this.#quota > 0) this.#queue.add(pages, cost);
  }

  /** migration-stats.c:migration_rate_exceeded. */
  isExceeded(): boolean {
    return rateExceeded(this.#quota, this.#counted() - this.startBytes);
  }

  limit(maxBandwidth: number): void {
    this.#maxBandwidth = maxBandwidth;
    if (this.#isLifted) return;
    this.#quota = windowQuota(maxBandwidth);
    if (this.#quota === 0) this.#queue.synchronise();
  }

  /** avail-switchover-bandwidth, bytes/s; 0: what a window carries counts. */
  count(availSwitchoverBandwidth: number): void {
    this.givenBandwidth =
      availSwitchoverBandwidth === 0
        ? null
        : givenBandwidthPerMs(availSwitchoverBandwidth, this.#version.roundsAvailBandwidth);
  }

  /** No limit from here on, whatever is set. */
  lift(): void {
    this.#isLifted = true;
    this.#quota = 0;
    this.#queue.synchronise();
  }

  /** migration.c:migration_update_counters: where the window has lasted, it is closed and the next one opened. */
  update(nowMs: number): void {
    if (nowMs < this.startMs + BUFFER_DELAY_MS) return;
    const ms = nowMs - this.startMs;
    this.#queue.beginWindow();
    const counted = this.#counted();
    const bytes = counted - this.startBytes;
    const { pages } = this.#counters;
    const bandwidth = switchoverBandwidth(bytes, ms, this.givenBandwidth);
    const expected = this.expected(bandwidth, bytes);
    if (expected !== null) this.windowExpectedMs = expected;
    this.threshold = switchoverThreshold(bandwidth, this.downtimeLimitMs);
    this.tell(bytes, ms, pages - this.startPages);
    this.startMs = nowMs;
    this.startBytes = counted;
    this.startPages = pages;
  }

  /** Up to 11.0: `expected-downtime` after a window that carried `bytes`, ms; null: it stays as it was. */
  expected(bandwidthPerMs: number, bytes: number): number | null {
    const { dirtyBytesLastSync, dirtyPagesRate } = this.#period;
    return expectedDowntime(dirtyBytesLastSync, bandwidthPerMs, dirtyPagesRate, bytes);
  }

  /** `expected-downtime`, ms: that of the last window, or as of now. */
  get expectedDowntimeMs(): number {
    if (!this.#version.expectedDowntimeOnDemand) return this.windowExpectedMs;
    return expectedDowntimeOnDemand(
      this.#period.syncCount,
      this.downtimeLimitMs,
      this.pendingBytes,
      this.givenBandwidth ?? this.bandwidthPerMs,
    );
  }

  /** What query-migrate shows of a window that carried so much. */
  tell(bytes: number, ms: number, pages: number): void {
    this.bandwidthPerMs = bytes / ms;
    this.mbps = mbps(bytes, ms);
    this.pagesPerSecond = floor(pages / (ms / 1000));
  }
}
