/** The columns of timeline.csv. */
import { nth } from '../../lists.js';
import type { MigrationResult, TimelinePoint } from '../../migration/result.js';
import { type Column, column } from '../column.js';
import { highest, isWriter, lowest, mean } from './values.js';

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

function workShare(row: TimelineRow, writing: boolean): number | null {
  const { vcpus } = row.result;
  return mean(row.point.vcpuWorkShare.filter((_, id) => isWriter(nth(vcpus, id)) === writing));
}
