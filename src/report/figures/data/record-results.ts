/** A recording of `migsim record` as results, so that figures and pages of simulated runs show real ones as well. */
import { largest } from '../../../stats/extremes.js';
import type { LogSample } from '../../../formats/migration-log.js';
import { readRecorded } from '../../../experiment/recorded/measured.js';
import type { Conditions } from '../../../experiment/recorded/under.js';
import { settingsInForce, strategyText } from '../../../recording/in-force.js';
import { fileName } from '../../../formats/text.js';
import type { Row } from '../../files/rows.js';

/** Phases as timeline.csv names them, by QEMU's statuses; all others are `active`. */
const PHASES: Readonly<Record<string, string>> = {
  setup: 'setup',
  device: 'device',
  'pre-switchover': 'pre-switchover',
  completed: 'done',
};

/** Rows as runs.csv, syncs.csv and timeline.csv have them. */
interface RecordRows {
  readonly runs: readonly Row[];
  readonly syncs: readonly Row[];
  readonly timeline: readonly Row[];
}

/** @throws UsageError when the text is no recording with figures of a migration */
export function recordResults(text: string, file: string): RecordRows {
  const { frame, log, measured, conditions, syncs } = readRecorded(text, file);
  const { strategy } = settingsInForce(conditions.parameters, conditions.capabilities);
  const keys = {
    scenario: fileName(file).replace(/\.[^.]*$/, ''),
    strategy: `measured, ${strategyText(strategy)}`,
    policy: 'as recorded',
    memory: 'real',
    qemu: frame.header.qemu,
    seed: 0,
    run: 1,
  };
  const last = log.samples.at(-1);
  const run: Row = {
    ...keys,
    status: last?.status ?? '',
    converged: measured.completed,
    total_time_ms: measured.totalTimeMs,
    setup_time_ms: last?.setupTimeMs ?? null,
    downtime_ms: measured.downtimeMs,
    dirty_sync_count: measured.dirtySyncCount,
    sent_bytes: measured.transferredBytes,
    normal_pages: measured.normalPages,
    zero_pages: measured.zeroPages,
    max_throttle_percent: measured.maxThrottlePercent,
    total_ram_bytes: largest(log.samples.map(({ totalBytes }) => totalBytes ?? 0)),
  };
  const bySync = new Map(log.samples.map((sample) => [sample.dirtySyncCount, sample]));
  return {
    runs: [run],
    syncs: syncs.map(({ n, timeMs, remainingBytes }) => ({
      ...keys,
      sync: n,
      time_ms: timeMs,
      remaining_bytes: remainingBytes,
      ...ratesOf(bySync.get(n)),
      threshold_bytes: thresholdOf(bySync.get(n), limitAt(timeMs, conditions)),
    })),
    timeline: log.samples.flatMap((sample): Row[] =>
      sample.tUs === null ? [] : [{ ...keys, ...pointOf(sample), time_ms: sample.tUs / 1000 }],
    ),
  };
}

/** downtime-limit in force, ms. */
function limitAt(timeMs: number, { parameters, changes }: Conditions): unknown {
  const inForce = changes.findLast(({ afterMs }) => afterMs <= timeMs)?.parameters ?? parameters;
  return inForce['downtime-limit'];
}

/** migration.c:migration_update_counters: what the bandwidth of the window carries in the downtime-limit. */
function thresholdOf(sample: LogSample | undefined, limitMs: unknown): number | null {
  if (sample === undefined || typeof limitMs !== 'number') return null;
  return ((sample.mbps * 1e6) / 8) * (limitMs / 1000);
}

function pointOf(sample: LogSample): Row {
  const { status } = sample;
  return {
    phase: status.startsWith('postcopy') ? 'postcopy' : (PHASES[status] ?? 'active'),
    sent_bytes: sample.transferredBytes,
    remaining_bytes: sample.remainingBytes,
    ...ratesOf(sample),
  };
}

function ratesOf(sample: LogSample | undefined): Row {
  if (sample === undefined) return {};
  return {
    bandwidth_bytes_per_s: (sample.mbps * 1e6) / 8,
    dirty_pages_per_s: sample.dirtyPagesRate,
    expected_downtime_ms: sample.expectedDowntimeMs,
    throttle_percent: sample.throttlePercent,
    max_ring_full_sleep_us: sample.dirtyLimitSleepUs,
  };
}
