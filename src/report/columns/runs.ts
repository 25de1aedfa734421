/** The columns that open every file, and those of runs.csv. */
import { type MigrationResult, workDoneOf } from '../../migration/result.js';
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

function longestStallMs(result: MigrationResult): number {
  return highest(result.vcpus.map((vcpu) => vcpu.longestStallMs)) ?? 0;
}
