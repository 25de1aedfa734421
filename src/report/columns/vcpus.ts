/** The columns of vcpus.csv. */
import type { VcpuResult } from '../../migration/result.js';
import { type Column, column } from '../column.js';

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
