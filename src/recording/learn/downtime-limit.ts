/** The downtime limit that a log was taken under. */
import type { LogSample, LogSource, MigrationLog } from '../../formats/migration-log.js';
import { DEFAULT_DOWNTIME_LIMIT_MS } from '../../migration/rules/rules.js';
import type { LearnOptions } from './learned.js';

/** migration/options.c: MAX_MIGRATE_DOWNTIME. */
const MOST_MS = 2_000_000;

export interface DowntimeLimit {
  readonly ms: number;
  readonly known: boolean;
}

/** What an orchestrator sets where nothing else is said. */
const ORCHESTRATORS: Partial<Record<LogSource, readonly [name: string, ms: number]>> = {
  proxmox: ['Proxmox VE', 100],
  // The first of ten steps to 500 ms (nova/virt/libvirt/migration.py:downtime_steps).
  nova: ['Nova', 50],
};

/**
 * Given, set in the log, or seen: until the first estimate exists, `expected-downtime` is downtime-limit
 * (migration.c:migration_connect).
 */
export function limitAtStart(
  log: Pick<MigrationLog, 'samples' | 'settings' | 'source'>,
  options: LearnOptions,
  assumptions: string[],
): DowntimeLimit {
  const set = options.downtimeLimitMs ?? log.settings.downtimeLimitMs;
  if (set !== undefined && isLimit(set)) return { ms: set, known: true };
  const seen = log.samples.find(isBeforeEstimate)?.expectedDowntimeMs ?? null;
  if (seen !== null && isLimit(seen)) return { ms: seen, known: true };
  const [who, ms] = ORCHESTRATORS[log.source] ?? ['QEMU', DEFAULT_DOWNTIME_LIMIT_MS];
  assumptions.push(`downtime-limit was the default of ${who}, ${ms} ms`);
  return { ms, known: false };
}

function isBeforeEstimate(sample: LogSample): boolean {
  return (sample.dirtySyncCount ?? 2) <= 1 && sample.dirtyPagesRate === 0 && sample.status === 'active';
}

function isLimit(ms: number): boolean {
  return ms >= 0 && ms <= MOST_MS && (ms === 0 || ms >= 1);
}
