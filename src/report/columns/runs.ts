/** The columns that open every file, and those of runs.csv. */
import { type MigrationResult, workDoneOf } from '../../migration/result.js';
import { mapped } from '../../lists.js';
import { type Column, column } from '../column.js';
import { highest } from './values.js';

/** What ran: of one run, or of several. */
export function experimentColumns<
  Row extends Readonly<Record<'scenario' | 'strategy' | 'policy' | 'memory', string>>,
>(): Column<Row>[] {
  return [
    column('scenario', 'text', 'name of the scenario', (r) => r.scenario),
    column('strategy', 'text', 'strategy, with the options that differ from its defaults', (r) => r.strategy),
    column('policy', 'text', 'policy, with the options that differ from its defaults', (r) => r.policy),
    column('memory', 'text', 'memory model: page or fluid', (r) => r.memory),
  ];
}

/** They open every file and say which run a row belongs to. */
export const keyColumns: readonly Column<MigrationResult>[] = [
  ...experimentColumns<MigrationResult>(),
  column('qemu', 'text', 'QEMU version whose rules were followed', 'qemu'),
  column('seed', 'count', 'seed of all random streams', 'seed'),
  column('run', 'count', 'repetition, from 1; the same seed and run meet the same workload', 'run'),
];

export const runColumns: readonly Column<MigrationResult>[] = [
  column('status', 'text', 'completed, gave-up, cancelled or failed', 'status'),
  column('converged', 'flag', 'whether it came to a switchover by itself', 'converged'),
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
    'totalTimeMs',
    {
      better: 'lower',
    },
  ),
  column('setup_time_ms', 'ms', 'setup-time: until the first page may go', 'setupTimeMs'),
  column('downtime_ms', 'ms', 'downtime as QEMU reports it; empty without a switchover', 'downtimeMs', {
    label: 'downtime (QEMU)',
    better: 'lower',
  }),
  column(
    'blackout_ms',
    'ms',
    'as the guest feels it: vCPUs stopped until the destination runs; empty without a switchover',
    'blackoutMs',
    { better: 'lower' },
  ),
  column('expected_downtime_ms', 'ms', 'expected-downtime at the end', 'expectedDowntimeMs'),
  column(
    'dirty_sync_count',
    'count',
    'dirty-sync-count: bitmap syncs, the one of setup included',
    'dirtySyncCount',
    {
      label: 'bitmap syncs',
    },
  ),
  column(
    'sent_bytes',
    'bytes',
    'ram.transferred: all bytes of the stream; up to QEMU 8.1 RAM records only',
    'sentBytes',
    {
      label: 'data sent',
      better: 'lower',
    },
  ),
  column('precopy_bytes', 'bytes', 'of these, before the switchover on the main channel', 'precopyBytes'),
  column('downtime_bytes', 'bytes', 'of these, while the guest was stopped', 'downtimeBytes'),
  column('postcopy_bytes', 'bytes', 'of these, in post-copy', 'postcopyBytes'),
  column('multifd_bytes', 'bytes', 'of these, on multifd channels', 'multifdBytes'),
  column('total_ram_bytes', 'bytes', 'ram.total: guest RAM with ROMs and video memory', 'totalRamBytes'),
  column('remaining_bytes', 'bytes', 'ram.remaining at the end', 'remainingBytes'),
  column('normal_pages', 'pages', 'pages sent with their content', 'normalPages'),
  column('zero_pages', 'pages', 'pages sent as zero', 'zeroPages'),
  column('xbzrle_pages', 'pages', 'pages sent encoded by XBZRLE', 'xbzrlePages'),
  column('xbzrle_bytes', 'bytes', 'what these took on the wire', 'xbzrleBytes'),
  column('xbzrle_misses', 'count', 'pages that XBZRLE did not find in its cache', 'xbzrleMisses'),
  column('xbzrle_overflows', 'count', 'pages whose encoding would not have been shorter', 'xbzrleOverflows'),
  column('resent_pages', 'pages', 'pages sent more than once', 'resentPages'),
  column('dirty_pages_per_s', 'pages/s', 'dirty-pages-rate of the last eligible period', 'dirtyPagesRate'),
  column('bandwidth_bytes_per_s', 'bytes/s', 'of the window last closed', 'bandwidthBytesPerSecond'),
  column(
    'threshold_bytes',
    'bytes',
    'remaining below which QEMU switches over, at the end',
    'thresholdBytes',
  ),
  column('max_throttle_percent', 'percent', 'highest CPU throttle of any vCPU', 'maxThrottlePercent', {
    label: 'peak throttle',
  }),
  column('max_ring_full_sleep_us', 'us', 'longest sleep set for a full dirty ring', 'maxRingFullSleepUs', {
    label: 'peak ring sleep',
  }),
  column(
    'first_throttle_sync',
    'count',
    'bitmap sync at which the guest was first held back',
    'firstThrottleSync',
  ),
  column(
    'first_throttle_ms',
    'ms',
    'when the guest was first held back; empty when never',
    'firstThrottleMs',
  ),
  column(
    'postcopy_requests',
    'count',
    'pages that the destination asked for in post-copy',
    'postcopyRequests',
  ),
  column('postcopy_time_ms', 'ms', 'time spent in post-copy', 'postcopyTimeMs', {
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
    'heldTimeMs',
    { label: 'held for' },
  ),
  column(
    'writers_work_held_share',
    'share',
    'work done in that time by the vCPUs that write, against an unmigrated run; empty where none was held back',
    'writersWorkHeld',
    { label: 'writers while held', better: 'higher' },
  ),
  column('readers_work_held_share', 'share', 'the same for the vCPUs that only read', 'readersWorkHeld', {
    label: 'readers while held',
    better: 'higher',
  }),
  column(
    'sender_cpu_ms',
    'ms',
    "CPU time of the source's QEMU, without its vCPUs: of all that sends, compresses, looks for zeros and syncs",
    'senderCpuMs',
    { label: 'sender CPU', better: 'lower' },
  ),
  column('send_cpu_ms', 'ms', 'of this, sending, and saving device state', 'sendCpuMs'),
  column('encode_cpu_ms', 'ms', 'of this, compressing, XBZRLE and encrypting', 'encodeCpuMs'),
  column('zero_test_cpu_ms', 'ms', 'of this, looking for zero pages', 'zeroTestCpuMs'),
  column('sync_cpu_ms', 'ms', 'of this, setup and bitmap syncs', 'syncCpuMs'),
  column('receiver_cpu_ms', 'ms', "CPU time of the destination's QEMU, without its vCPUs", 'receiverCpuMs', {
    label: 'receiver CPU',
    better: 'lower',
  }),
  column(
    'receive_cpu_ms',
    'ms',
    'of this, receiving and placing pages, and loading device state',
    'receiveCpuMs',
  ),
  column('decode_cpu_ms', 'ms', 'of this, decompressing and decrypting', 'decodeCpuMs'),
  column('fault_cpu_ms', 'ms', 'of this, page faults of post-copy, and preparing for them', 'faultCpuMs'),
  column(
    'sender_memory_bytes',
    'bytes',
    'buffers, caches and bitmaps of the migration at the source, at their largest',
    'senderMemoryBytes',
    { label: 'sender memory', better: 'lower' },
  ),
  column('receiver_memory_bytes', 'bytes', 'the same at the destination', 'receiverMemoryBytes', {
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

function longestStallMs(result: MigrationResult): number {
  return highest(mapped(result.vcpus, (vcpu) => vcpu.longestStallMs)) ?? 0;
}
