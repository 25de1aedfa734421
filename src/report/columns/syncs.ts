/** The columns of syncs.csv. */
import type { SyncRecord } from '../../migration/result.js';
import { type Column, column } from '../column.js';
import { highest } from './values.js';

export const syncColumns: readonly Column<SyncRecord>[] = [
  column('sync', 'count', 'dirty-sync-count after this sync; the first is 1', 'n'),
  column('cause', 'text', 'setup, natural, timer, switchover or postcopy', 'cause'),
  column('time_ms', 'ms', 'end of the sync, since migrate was accepted', 'timeMs'),
  column('duration_ms', 'ms', 'how long the sync took', 'durationMs'),
  column('sent_bytes', 'bytes', 'all bytes of the stream so far', 'sentBytes'),
  column('remaining_before_bytes', 'bytes', 'ram.remaining before the sync', 'remainingBeforeBytes'),
  column('remaining_bytes', 'bytes', 'ram.remaining after the sync', 'remainingBytes'),
  column('new_dirty_pages', 'pages', 'pages newly found dirty', 'newDirtyPages'),
  column('dirty_pages_per_s', 'pages/s', 'dirty-pages-rate after the sync', 'dirtyPagesRate'),
  column('bandwidth_bytes_per_s', 'bytes/s', 'of the window last closed', 'bandwidthBytesPerSecond'),
  column('threshold_bytes', 'bytes', 'remaining below which QEMU switches over', 'thresholdBytes'),
  column('expected_downtime_ms', 'ms', 'expected-downtime after the sync', 'expectedDowntimeMs'),
  column(
    'detector',
    'text',
    'what the convergence detector made of it: not-eligible, good, bad or act',
    'detector',
  ),
  column('throttle_percent', 'percent', 'highest CPU throttle of any vCPU after the sync', 'throttlePercent'),
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

function limitedVcpus(sync: SyncRecord): number {
  return sync.vcpuSleepUs.filter((sleepUs, vcpu) => sleepUs > 0 || (sync.vcpuThrottlePercent[vcpu] ?? 0) > 0)
    .length;
}
