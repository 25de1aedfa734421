/** What `query-migrate` answers. */
import { PAGE_BYTES } from '../../guest/spec.js';
import type { MigrationStats } from '../controls.js';
import type { Seen } from '../parts/parts.js';
import { pendingEstimate } from '../rules/rules.js';

const { floor, max, round } = Math;

/** migration.c:fill_source_migration_info. */
export function queryMigrate(seen: Seen): MigrationStats {
  const { version, clock, state, counters, memory, run, period, window, restraint, devices } = seen;
  const isOver = state.phase === 'completed';
  const stats = {
    status: state.phase,
    totalTimeMs: max(0, floor(clock.nowUs / 1000)),
    setupTimeMs: floor(state.setupUs / 1000),
    expectedDowntimeMs: window.expectedDowntimeMs,
    transferredBytes: round(counters.shown),
    totalBytes: memory.totalPages * PAGE_BYTES,
    remainingBytes: isOver ? 0 : pendingEstimate(run.dirtyPages),
    duplicatePages: round(counters.zeroPages),
    normalPages: round(counters.normalPages),
    dirtyPagesRate: isOver ? 0 : period.dirtyPagesRate,
    mbps: window.mbps,
    pagesPerSecond: window.pagesPerSecond,
    dirtySyncCount: period.syncCount,
    cpuThrottlePercentage: restraint.throttlePercent,
    bandwidthBytesPerSecond: window.bandwidthPerMs * 1000,
    thresholdBytes: window.threshold,
  };
  if (!version.hasTotalRemaining || isOver) return stats;
  // A new key behind the others of a spread would give each object a shape of its own.
  return { totalRemainingBytes: pendingEstimate(run.dirtyPages) + devices.estimate(), ...stats };
}
