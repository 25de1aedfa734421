/** The reply to query-migrate, by version (migration.c:fill_source_migration_info, populate_time_info, populate_ram_info). */
import { PAGE_BYTES } from '../../guest/spec.js';
import type { MigrationStats } from '../../migration/controls.js';
import type { QemuVersion } from '../../migration/rules/versions.js';
import type { SteppedMigration } from '../../migration/engine.js';
import type { Counters } from '../../migration/parts/counters.js';
import type { JsonValue } from './json/parser.js';
import { isIn } from './version-facts.js';

const { floor, max, round } = Math;

/** MigrationStatus of QAPI. */
export type Status = MigrationStats['status'] | 'none' | 'cancelling' | 'postcopy-recover';

/** What is known of the last migration. */
export interface Outgoing {
  readonly status: Status;
  /** What went wrong, in QEMU's words; null: nothing. */
  readonly error: string | null;
  readonly run: SteppedMigration | null;
  /** `total-time`, once it is over. */
  readonly totalTimeMs: number | null;
  /** In force now, for the fields that go with a capability. */
  readonly capabilities: ReadonlySet<string>;
  readonly xbzrleCacheBytes: number;
  /** dirtylimit.c: in service, its longest sleep and the time in which a ring fills, µs; null: it is not. */
  readonly dirtyLimit: { readonly sleepUs: number; readonly ringFullTimeUs: number } | null;
}

type Reply = Record<string, JsonValue>;

const COUNTING: readonly Status[] = [
  'active',
  'cancelling',
  'device',
  'pre-switchover',
  'postcopy-device',
  'postcopy-active',
  'postcopy-paused',
  'postcopy-recover',
];
/** A migration is under way. */
export const RUNNING: readonly Status[] = ['setup', ...COUNTING];
const WITH_FIGURES: readonly Status[] = [...COUNTING, 'completed'];

export function queryMigrateReply(version: QemuVersion, outgoing: Outgoing): Reply {
  const { status, error, run } = outgoing;
  if (status === 'none') return {};
  const showsError = error !== null && (status === 'failed' || isIn(version, { since: '8.2' }));
  return {
    status,
    ...(run !== null && WITH_FIGURES.includes(status) ? figures(version, outgoing, run) : {}),
    ...(showsError ? { 'error-desc': error } : {}),
  };
}

function figures(version: QemuVersion, outgoing: Outgoing, run: SteppedMigration): Reply {
  const { status, capabilities, dirtyLimit } = outgoing;
  const { stats, counters } = run.look();
  const { state, restraint } = run.seen;
  const isOver = status === 'completed';
  const isPostcopy = status.startsWith('postcopy');
  const showsDowntime = isOver || (isPostcopy && isIn(version, { since: '8.0' }));
  const downtimeMs = floor((state.downtimeUs ?? 0) / 1000);
  const throttle = restraint.throttlePercent;
  return {
    'total-time': outgoing.totalTimeMs ?? stats.totalTimeMs,
    'setup-time': stats.setupTimeMs,
    ...(showsDowntime ? { downtime: downtimeMs } : { 'expected-downtime': stats.expectedDowntimeMs }),
    ram: ramOf(version, stats, counters, { requests: run.seen.guest.requests, isOver }),
    ...(stats.totalRemainingBytes === undefined ? {} : { remaining: round(stats.totalRemainingBytes) }),
    ...(capabilities.has('xbzrle') ? { 'xbzrle-cache': xbzrleOf(outgoing, run) } : {}),
    ...(throttle > 0 && !isOver ? { 'cpu-throttle-percentage': throttle } : {}),
    ...(dirtyLimit === null
      ? {}
      : {
          'dirty-limit-throttle-time-per-round': dirtyLimit.sleepUs,
          'dirty-limit-ring-full-time': dirtyLimit.ringFullTimeUs,
        }),
  };
}

function ramOf(
  version: QemuVersion,
  stats: MigrationStats,
  counters: Readonly<Counters>,
  { requests, isOver }: { readonly requests: number; readonly isOver: boolean },
): Reply {
  return {
    transferred: stats.transferredBytes,
    remaining: isOver ? 0 : max(0, round(stats.remainingBytes)),
    total: stats.totalBytes,
    duplicate: stats.duplicatePages,
    ...(isIn(version, { until: '9.0' }) ? { skipped: 0 } : {}),
    normal: stats.normalPages,
    'normal-bytes': stats.normalPages * PAGE_BYTES,
    'dirty-pages-rate': isOver ? 0 : stats.dirtyPagesRate,
    mbps: stats.mbps,
    'dirty-sync-count': stats.dirtySyncCount,
    'postcopy-requests': round(requests),
    'page-size': PAGE_BYTES,
    'multifd-bytes': round(counters.multifdBytes),
    'pages-per-second': max(0, stats.pagesPerSecond),
    'precopy-bytes': round(counters.precopyBytes),
    'downtime-bytes': round(counters.downtimeBytes),
    'postcopy-bytes': round(counters.postcopyBytes),
    'dirty-sync-missed-zero-copy': 0,
  };
}

/** XBZRLECacheStats. Rates are those of the whole migration; QEMU's are of the last period. */
function xbzrleOf({ xbzrleCacheBytes }: Outgoing, run: SteppedMigration): Reply {
  const { xbzrlePages, xbzrleBytes, xbzrleMisses, xbzrleOverflows } = run.seen.counters;
  const asked = xbzrlePages + xbzrleMisses;
  return {
    'cache-size': xbzrleCacheBytes,
    bytes: round(xbzrleBytes),
    pages: round(xbzrlePages),
    'cache-miss': round(xbzrleMisses),
    'cache-miss-rate': asked === 0 ? 0 : xbzrleMisses / asked,
    'encoding-rate': xbzrleBytes === 0 ? 0 : (xbzrlePages * PAGE_BYTES) / xbzrleBytes,
    overflow: round(xbzrleOverflows),
  };
}
