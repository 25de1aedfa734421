/** The columns of vcpus.csv. */
import type { VcpuResult } from '../../migration/result.js';
import { type Column, column } from '../column.js';

export const vcpuColumns: readonly Column<VcpuResult>[] = [
  column('vcpu', 'count', 'index of the vCPU, from 0', 'id'),
  column('group', 'text', 'name of the group it belongs to', 'group'),
  column(
    'work_done_share',
    'share',
    'accesses done, against an unmigrated run in the same time; blackout included',
    'workDone',
  ),
  column('write_work_done_share', 'share', 'the same for writes; empty where it has none', 'writeWorkDone'),
  column('read_work_done_share', 'share', 'the same for reads; empty where it has none', 'readWorkDone'),
  column('writes', 'count', 'page writes done', 'writes'),
  column('reads', 'count', 'page reads done', 'reads'),
  column(
    'longest_stall_ms',
    'ms',
    'longest time it did not run at a stretch, blackout included',
    'longestStallMs',
  ),
  column('fault_ms', 'ms', 'time lost to write faults, or to page modification logging', 'faultMs'),
  column('throttled_ms', 'ms', 'time lost to CPU throttle', 'throttledMs'),
  column('ring_sleep_ms', 'ms', 'time lost to sleeps at a full dirty ring', 'ringSleepMs'),
  column(
    'ring_exit_ms',
    'ms',
    'time lost to exits for a full dirty ring, and to kicks of a sync',
    'ringExitMs',
  ),
  column('postcopy_blocked_ms', 'ms', 'time blocked on missing pages in post-copy', 'postcopyBlockedMs'),
  column('blackout_ms', 'ms', 'time stopped for the switchover', 'blackoutMs'),
  column('faults', 'count', 'write faults on pages that were armed', 'faults'),
  column('ring_full_exits', 'count', 'exits for a full dirty ring', 'ringFullExits'),
];
