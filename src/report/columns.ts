/**
 * The one description of results: name, unit, meaning and getter of every column.
 * CSV headers, JSON keys, table labels, the keys of `expect:` and docs/csv.md come from here.
 */
import { lastOf, nth } from '../lists.js';
import {
  type MigrationResult,
  type SyncRecord,
  type TimelinePoint,
  type VcpuResult,
  workDoneOf,
} from '../migration/result.js';
import { type Column, type ResultTable, column, resultTable } from './column.js';
import { largest, smallest } from '../stats/extremes.js';

/** They open every file and say which run a row belongs to. */
export const keyColumns: readonly Column<MigrationResult>[] = [
  column('scenario', 'text', 'name of the scenario', (r) => r.scenario),
  column('strategy', 'text', 'strategy, with the options that differ from its defaults', (r) => r.strategy),
  column('policy', 'text', 'policy, with the options that differ from its defaults', (r) => r.policy),
  column('memory', 'text', 'memory model: page or fluid', (r) => r.memory),
  column('qemu', 'text', 'QEMU version whose rules were followed', (r) => r.qemu),
  column('seed', 'count', 'seed of all random streams', (r) => r.seed),
  column('run', 'count', 'repetition, from 1; the same seed and run meet the same workload', (r) => r.run),
];

export const runColumns: readonly Column<MigrationResult>[] = [
  column('status', 'text', 'completed, gave-up, cancelled or failed', (r) => r.status),
  column('converged', 'flag', 'whether it came to a switchover by itself', (r) => r.converged),
  column(
    'binds',
    'text',
    'what kept it from converging, in one word; empty when it converged',
    (r) => r.why?.binds ?? null,
  ),
  column(
    'total_time_ms',
    'ms',
    'total-time as QEMU reports it; of a run that gave up: until then',
    (r) => r.totalTimeMs,
    {
      better: 'lower',
    },
  ),
  column('setup_time_ms', 'ms', 'setup-time: until the first page may go', (r) => r.setupTimeMs),
  column(
    'downtime_ms',
    'ms',
    'downtime as QEMU reports it; empty without a switchover',
    (r) => r.downtimeMs,
    {
      label: 'downtime (QEMU)',
      better: 'lower',
    },
  ),
  column(
    'blackout_ms',
    'ms',
    'as the guest feels it: vCPUs stopped until the destination runs; empty without a switchover',
    (r) => r.blackoutMs,
    { better: 'lower' },
  ),
  column('expected_downtime_ms', 'ms', 'expected-downtime at the end', (r) => r.expectedDowntimeMs),
  column(
    'dirty_sync_count',
    'count',
    'dirty-sync-count: bitmap syncs, the one of setup included',
    (r) => r.dirtySyncCount,
    {
      label: 'bitmap syncs',
    },
  ),
  column(
    'sent_bytes',
    'bytes',
    'ram.transferred: all bytes of the stream; up to QEMU 8.1 RAM records only',
    (r) => r.sentBytes,
    {
      label: 'data sent',
      better: 'lower',
    },
  ),
  column(
    'precopy_bytes',
    'bytes',
    'of these, before the switchover on the main channel',
    (r) => r.precopyBytes,
  ),
  column('downtime_bytes', 'bytes', 'of these, while the guest was stopped', (r) => r.downtimeBytes),
  column('postcopy_bytes', 'bytes', 'of these, in post-copy', (r) => r.postcopyBytes),
  column('multifd_bytes', 'bytes', 'of these, on multifd channels', (r) => r.multifdBytes),
  column(
    'total_ram_bytes',
    'bytes',
    'ram.total: guest RAM with ROMs and video memory',
    (r) => r.totalRamBytes,
  ),
  column('remaining_bytes', 'bytes', 'ram.remaining at the end', (r) => r.remainingBytes),
  column('normal_pages', 'pages', 'pages sent with their content', (r) => r.normalPages),
  column('zero_pages', 'pages', 'pages sent as zero', (r) => r.zeroPages),
  column('xbzrle_pages', 'pages', 'pages sent encoded by XBZRLE', (r) => r.xbzrlePages),
  column('xbzrle_bytes', 'bytes', 'what these took on the wire', (r) => r.xbzrleBytes),
  column('xbzrle_misses', 'count', 'pages that XBZRLE did not find in its cache', (r) => r.xbzrleMisses),
  column(
    'xbzrle_overflows',
    'count',
    'pages whose encoding would not have been shorter',
    (r) => r.xbzrleOverflows,
  ),
  column('resent_pages', 'pages', 'pages sent more than once', (r) => r.resentPages),
  column(
    'dirty_pages_per_s',
    'pages/s',
    'dirty-pages-rate of the last eligible period',
    (r) => r.dirtyPagesRate,
  ),
  column('bandwidth_bytes_per_s', 'bytes/s', 'of the window last closed', (r) => r.bandwidthBytesPerSecond),
  column(
    'threshold_bytes',
    'bytes',
    'remaining below which QEMU switches over, at the end',
    (r) => r.thresholdBytes,
  ),
  column('max_throttle_percent', 'percent', 'highest CPU throttle of any vCPU', (r) => r.maxThrottlePercent, {
    label: 'peak throttle',
  }),
  column(
    'max_ring_full_sleep_us',
    'us',
    'longest sleep set for a full dirty ring',
    (r) => r.maxRingFullSleepUs,
    {
      label: 'peak ring sleep',
    },
  ),
  column(
    'first_throttle_sync',
    'count',
    'bitmap sync at which the guest was first held back',
    (r) => r.firstThrottleSync,
  ),
  column(
    'first_throttle_ms',
    'ms',
    'when the guest was first held back; empty when never',
    (r) => r.firstThrottleMs,
  ),
  column(
    'postcopy_requests',
    'count',
    'pages that the destination asked for in post-copy',
    (r) => r.postcopyRequests,
  ),
  column('postcopy_time_ms', 'ms', 'time spent in post-copy', (r) => r.postcopyTimeMs, {
    label: 'in post-copy',
  }),
  column(
    'writers_work_done_share',
    'share',
    'work done by the vCPUs that write, against an unmigrated run; blackout included',
    (r) => workDoneOf(r, 'writers'),
    { label: 'work by writers', better: 'higher' },
  ),
  column(
    'readers_work_done_share',
    'share',
    'the same for the vCPUs that only read; empty where there are none',
    (r) => workDoneOf(r, 'readers'),
    { label: 'work by readers', better: 'higher' },
  ),
  column(
    'longest_stall_ms',
    'ms',
    'longest time that any vCPU did not run at a stretch, blackout included',
    longestStallMs,
    {
      better: 'lower',
    },
  ),
  column(
    'held_time_ms',
    'ms',
    'how long some vCPU was held back by a throttle or by sleeps at a full ring, up to the switchover',
    (r) => r.heldTimeMs,
    { label: 'held for' },
  ),
  column(
    'writers_work_held_share',
    'share',
    'work done in that time by the vCPUs that write, against an unmigrated run; empty where none was held back',
    (r) => r.writersWorkHeld,
    { label: 'writers while held', better: 'higher' },
  ),
  column(
    'readers_work_held_share',
    'share',
    'the same for the vCPUs that only read',
    (r) => r.readersWorkHeld,
    { label: 'readers while held', better: 'higher' },
  ),
  column(
    'sender_cpu_ms',
    'ms',
    "CPU time of the source's QEMU, without its vCPUs: of all that sends, compresses, looks for zeros and syncs",
    (r) => r.senderCpuMs,
    { label: 'sender CPU', better: 'lower' },
  ),
  column('send_cpu_ms', 'ms', 'of this, sending, and saving device state', (r) => r.sendCpuMs),
  column('encode_cpu_ms', 'ms', 'of this, compressing, XBZRLE and encrypting', (r) => r.encodeCpuMs),
  column('zero_test_cpu_ms', 'ms', 'of this, looking for zero pages', (r) => r.zeroTestCpuMs),
  column('sync_cpu_ms', 'ms', 'of this, setup and bitmap syncs', (r) => r.syncCpuMs),
  column(
    'receiver_cpu_ms',
    'ms',
    "CPU time of the destination's QEMU, without its vCPUs",
    (r) => r.receiverCpuMs,
    { label: 'receiver CPU', better: 'lower' },
  ),
  column(
    'receive_cpu_ms',
    'ms',
    'of this, receiving and placing pages, and loading device state',
    (r) => r.receiveCpuMs,
  ),
  column('decode_cpu_ms', 'ms', 'of this, decompressing and decrypting', (r) => r.decodeCpuMs),
  column(
    'fault_cpu_ms',
    'ms',
    'of this, page faults of post-copy, and preparing for them',
    (r) => r.faultCpuMs,
  ),
  column(
    'sender_memory_bytes',
    'bytes',
    'buffers, caches and bitmaps of the migration at the source, at their largest',
    (r) => r.senderMemoryBytes,
    { label: 'sender memory', better: 'lower' },
  ),
  column('receiver_memory_bytes', 'bytes', 'the same at the destination', (r) => r.receiverMemoryBytes, {
    label: 'receiver memory',
    better: 'lower',
  }),
  column(
    'stalls_at_bytes',
    'bytes',
    'what each of the last syncs of a run that did not converge leaves; empty where they do not leave the same',
    (r) => r.why?.stallsAtBytes ?? null,
    { label: 'stalls at' },
  ),
  column(
    'sufficient_pause_ms',
    'ms',
    'a downtime-limit that is enough for that, not the smallest one: the most that one of the last syncs left, and the state of devices, at the bandwidth that QEMU reckons with',
    (r) => r.why?.sufficientPauseMs ?? null,
    { label: 'sufficient pause' },
  ),
];

export const vcpuColumns: readonly Column<VcpuResult>[] = [
  column('vcpu', 'count', 'index of the vCPU, from 0', (v) => v.id),
  column('group', 'text', 'name of the group it belongs to', (v) => v.group),
  column(
    'work_done_share',
    'share',
    'accesses done, against an unmigrated run in the same time; blackout included',
    (v) => v.workDone,
  ),
  column(
    'write_work_done_share',
    'share',
    'the same for writes; empty where it has none',
    (v) => v.writeWorkDone,
  ),
  column(
    'read_work_done_share',
    'share',
    'the same for reads; empty where it has none',
    (v) => v.readWorkDone,
  ),
  column('writes', 'count', 'page writes done', (v) => v.writes),
  column('reads', 'count', 'page reads done', (v) => v.reads),
  column(
    'longest_stall_ms',
    'ms',
    'longest time it did not run at a stretch, blackout included',
    (v) => v.longestStallMs,
  ),
  column('fault_ms', 'ms', 'time lost to write faults, or to page modification logging', (v) => v.faultMs),
  column('throttled_ms', 'ms', 'time lost to CPU throttle', (v) => v.throttledMs),
  column('ring_sleep_ms', 'ms', 'time lost to sleeps at a full dirty ring', (v) => v.ringSleepMs),
  column(
    'ring_exit_ms',
    'ms',
    'time lost to exits for a full dirty ring, and to kicks of a sync',
    (v) => v.ringExitMs,
  ),
  column(
    'postcopy_blocked_ms',
    'ms',
    'time blocked on missing pages in post-copy',
    (v) => v.postcopyBlockedMs,
  ),
  column('blackout_ms', 'ms', 'time stopped for the switchover', (v) => v.blackoutMs),
  column('faults', 'count', 'write faults on pages that were armed', (v) => v.faults),
  column('ring_full_exits', 'count', 'exits for a full dirty ring', (v) => v.ringFullExits),
];

export const syncColumns: readonly Column<SyncRecord>[] = [
  column('sync', 'count', 'dirty-sync-count after this sync; the first is 1', (s) => s.n),
  column('cause', 'text', 'setup, natural, timer, switchover or postcopy', (s) => s.cause),
  column('time_ms', 'ms', 'end of the sync, since migrate was accepted', (s) => s.timeMs),
  column('duration_ms', 'ms', 'how long the sync took', (s) => s.durationMs),
  column('sent_bytes', 'bytes', 'all bytes of the stream so far', (s) => s.sentBytes),
  column('remaining_before_bytes', 'bytes', 'ram.remaining before the sync', (s) => s.remainingBeforeBytes),
  column('remaining_bytes', 'bytes', 'ram.remaining after the sync', (s) => s.remainingBytes),
  column('new_dirty_pages', 'pages', 'pages newly found dirty', (s) => s.newDirtyPages),
  column('dirty_pages_per_s', 'pages/s', 'dirty-pages-rate after the sync', (s) => s.dirtyPagesRate),
  column('bandwidth_bytes_per_s', 'bytes/s', 'of the window last closed', (s) => s.bandwidthBytesPerSecond),
  column('threshold_bytes', 'bytes', 'remaining below which QEMU switches over', (s) => s.thresholdBytes),
  column('expected_downtime_ms', 'ms', 'expected-downtime after the sync', (s) => s.expectedDowntimeMs),
  column(
    'detector',
    'text',
    'what the convergence detector made of it: not-eligible, good, bad or act',
    (s) => s.detector,
  ),
  column(
    'throttle_percent',
    'percent',
    'highest CPU throttle of any vCPU after the sync',
    (s) => s.throttlePercent,
  ),
  column('max_ring_full_sleep_us', 'us', 'longest sleep set for a full dirty ring', (s) =>
    highest(s.vcpuSleepUs),
  ),
  column(
    'limited_vcpus',
    'count',
    'vCPUs held back by a throttle or by a sleep at a full ring',
    limitedVcpus,
  ),
  column('accesses', 'count', 'page accesses of all vCPUs since the migration began', (s) =>
    s.vcpuAccesses.reduce((a, b) => a + b, 0),
  ),
];

export interface TimelineRow {
  readonly result: MigrationResult;
  readonly point: TimelinePoint;
}

export const timelineColumns: readonly Column<TimelineRow>[] = [
  column('time_ms', 'ms', 'since migrate was accepted', ({ point }) => point.timeMs),
  column(
    'phase',
    'text',
    'setup, active, device, pre-switchover, postcopy or done',
    ({ point }) => point.phase,
  ),
  column('sent_bytes', 'bytes', 'all bytes of the stream so far', ({ point }) => point.sentBytes),
  column(
    'remaining_bytes',
    'bytes',
    'ram.remaining, as known since the last sync',
    ({ point }) => point.remainingBytes,
  ),
  column(
    'bandwidth_bytes_per_s',
    'bytes/s',
    'of the window last closed',
    ({ point }) => point.bandwidthBytesPerSecond,
  ),
  column('dirty_pages_per_s', 'pages/s', 'dirty-pages-rate', ({ point }) => point.dirtyPagesRate),
  column('expected_downtime_ms', 'ms', 'expected-downtime', ({ point }) => point.expectedDowntimeMs),
  column(
    'throttle_percent',
    'percent',
    'highest CPU throttle of any vCPU',
    ({ point }) => point.throttlePercent,
  ),
  column('max_ring_full_sleep_us', 'us', 'longest sleep set for a full dirty ring', ({ point }) =>
    highest(point.vcpuSleepUs),
  ),
  column(
    'work_share',
    'share',
    'accesses of all vCPUs since the last row, against an unmigrated run',
    ({ point }) => mean(point.vcpuWorkShare),
  ),
  column('writers_work_share', 'share', 'the same for the vCPUs that write', (row) => workShare(row, true)),
  column('readers_work_share', 'share', 'the same for the vCPUs that only read', (row) =>
    workShare(row, false),
  ),
  column('lowest_work_share', 'share', 'the same for the vCPU that did least', ({ point }) =>
    lowest(point.vcpuWorkShare),
  ),
];

export interface VcpuTimelineRow {
  readonly timeMs: number;
  readonly vcpu: VcpuResult;
  readonly workShare: number;
  readonly throttlePercent: number;
  readonly sleepUs: number;
}

export const vcpuTimelineColumns: readonly Column<VcpuTimelineRow>[] = [
  column(
    'time_ms',
    'ms',
    'end of the stretch that the row is about, since migrate was accepted',
    (r) => r.timeMs,
  ),
  column('vcpu', 'count', 'index of the vCPU, from 0', (r) => r.vcpu.id),
  column('group', 'text', 'name of the group it belongs to', (r) => r.vcpu.group),
  column('writer', 'flag', 'whether it writes; a reader only reads', (r) => isWriter(r.vcpu)),
  column(
    'work_share',
    'share',
    'accesses of this vCPU since its last row, against an unmigrated run',
    (r) => r.workShare,
  ),
  column('throttle_percent', 'percent', 'CPU throttle of this vCPU', (r) => r.throttlePercent),
  column('ring_full_sleep_us', 'us', 'sleep set for each time its dirty ring is full', (r) => r.sleepUs),
];

/**
 * Rows of vcpu-timeline.csv that a run has at most, about 2 MB of text: with 8 vCPUs 250 s pass before a row covers more than
 * one sample of 100 ms, with 64 vCPUs 31 s.
 */
export const MOST_VCPU_TIMELINE_ROWS = 20_000;

/** Of the first run only. Where samples are more than rows may be, a row covers as many as it must. */
function vcpuTimeline({ run, timeline, vcpus }: MigrationResult): VcpuTimelineRow[] {
  if (run !== 1) return [];
  const perRow = Math.ceil((timeline.length * vcpus.length) / MOST_VCPU_TIMELINE_ROWS);
  const rows: VcpuTimelineRow[] = [];
  for (let from = 0; from < timeline.length; from += perRow) {
    const stretch = timeline.slice(from, from + perRow);
    const startMs = timeline[from - 1]?.timeMs ?? 0;
    const end = lastOf(stretch);
    for (const vcpu of vcpus) {
      let beforeMs = startMs;
      let sum = 0;
      for (const { timeMs, vcpuWorkShare } of stretch) {
        sum += nth(vcpuWorkShare, vcpu.id) * (timeMs - beforeMs);
        beforeMs = timeMs;
      }
      rows.push({
        timeMs: end.timeMs,
        vcpu,
        workShare: perRow === 1 ? nth(end.vcpuWorkShare, vcpu.id) : sum / (end.timeMs - startMs),
        throttlePercent: nth(end.vcpuThrottlePercent, vcpu.id),
        sleepUs: nth(end.vcpuSleepUs, vcpu.id),
      });
    }
  }
  return rows;
}

/** @throws RangeError for a name that no table has */
export function tableNamed(name: string): ResultTable {
  return nth(
    resultTables.filter((table) => table.name === name),
    0,
  );
}

/** One entry a file: `<name>.csv`, and but for the last the key under which JSON has its rows. */
export const resultTables: readonly ResultTable[] = [
  resultTable(
    { name: 'runs', about: 'one row a run', columns: runColumns, rows: (result) => [result] },
    keyColumns,
  ),
  resultTable(
    { name: 'vcpus', about: 'one row a vCPU of a run', columns: vcpuColumns, rows: (result) => result.vcpus },
    keyColumns,
  ),
  resultTable(
    { name: 'syncs', about: 'one row a bitmap sync', columns: syncColumns, rows: (result) => result.syncs },
    keyColumns,
  ),
  resultTable(
    {
      name: 'timeline',
      about: 'one row a sample',
      columns: timelineColumns,
      rows: (result) => result.timeline.map((point) => ({ result, point })),
    },
    keyColumns,
  ),
  resultTable(
    {
      name: 'vcpu-timeline',
      about: `one row a sample and vCPU, of the first run of each strategy; where that would be more than ${MOST_VCPU_TIMELINE_ROWS} rows a run, a row covers several samples`,
      columns: vcpuTimelineColumns,
      rows: vcpuTimeline,
    },
    keyColumns,
  ),
];

function longestStallMs(result: MigrationResult): number {
  return highest(result.vcpus.map((vcpu) => vcpu.longestStallMs)) ?? 0;
}

function limitedVcpus(sync: SyncRecord): number {
  return sync.vcpuSleepUs.filter((sleepUs, vcpu) => sleepUs > 0 || (sync.vcpuThrottlePercent[vcpu] ?? 0) > 0)
    .length;
}

function workShare(row: TimelineRow, writing: boolean): number | null {
  const { vcpus } = row.result;
  return mean(row.point.vcpuWorkShare.filter((_, id) => isWriter(nth(vcpus, id)) === writing));
}

function isWriter(vcpu: VcpuResult): boolean {
  return vcpu.writeWorkDone !== null;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function highest(values: readonly number[]): number | null {
  return values.length === 0 ? null : largest(values);
}

function lowest(values: readonly number[]): number | null {
  return values.length === 0 ? null : smallest(values);
}
