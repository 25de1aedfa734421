/** What is kept of each bitmap sync. */
import type { Seen } from '../parts/parts.js';
import type { SyncCause } from '../controls.js';
import type { SyncRecord } from '../result.js';
import { pendingEstimate } from '../rules/rules.js';
import { LastSyncs } from './why.js';

const { round } = Math;

export class SyncRecords {
  /** Empty where they are not wanted. */
  readonly kept: SyncRecord[] = [];
  readonly last = new LastSyncs();
  readonly #seen: Seen;

  constructor(seen: Seen) {
    this.#seen = seen;
  }

  /** Of the sync that has just ended. */
  add(
    cause: SyncCause,
    startUs: number,
    dirtyPagesBefore: number,
    newDirtyPages: number,
    detector: SyncRecord['detector'],
  ): void {
    const { setup, clock, counters, run, window, period, restraint, guest } = this.#seen;
    const remainingBytes = pendingEstimate(run.dirtyPages);
    if (cause !== 'setup') this.last.add(remainingBytes, newDirtyPages);
    if (!setup.keepSyncs) return;
    const { vcpus } = guest;
    this.#seen.effort.record(vcpus.length);
    this.kept.push({
      n: period.syncCount,
      cause,
      timeMs: clock.nowUs / 1000,
      durationMs: (clock.nowUs - startUs) / 1000,
      sentBytes: round(counters.shown),
      remainingBeforeBytes: pendingEstimate(dirtyPagesBefore),
      remainingBytes,
      newDirtyPages,
      dirtyPagesRate: period.dirtyPagesRate,
      bandwidthBytesPerSecond: window.bandwidthPerMs * 1000,
      thresholdBytes: window.threshold,
      expectedDowntimeMs: window.expectedDowntimeMs,
      detector,
      throttlePercent: restraint.throttlePercent,
      vcpuSleepUs: vcpus.map((v) => v.ringSleepUs),
      vcpuThrottlePercent: vcpus.map((v) => v.throttle.percent),
      vcpuAccesses: vcpus.map((v) => v.writes + v.reads),
    });
  }
}
