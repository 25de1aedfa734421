/** The columns and rows of vcpu-timeline.csv. */
import { lastOf, nth } from '../../lists.js';
import type { MigrationResult, VcpuResult } from '../../migration/result.js';
import { type Column, column } from '../column.js';
import { isWriter } from './values.js';

export interface VcpuTimelineRow {
  readonly timeMs: number;
  readonly vcpu: VcpuResult;
  readonly workShare: number;
  readonly throttlePercent: number;
  readonly sleepUs: number;
}

export const vcpuTimelineColumns: readonly Column<VcpuTimelineRow>[] = [
  column('time_ms', 'ms', 'end of the stretch that the row is about, since migrate was accepted', 'timeMs'),
  column('vcpu', 'count', 'index of the vCPU, from 0', (r) => r.vcpu.id),
  column('group', 'text', 'name of the group it belongs to', (r) => r.vcpu.group),
  column('writer', 'flag', 'whether it writes; a reader only reads', (r) => isWriter(r.vcpu)),
  column(
    'work_share',
    'share',
    'accesses of this vCPU since its last row, against an unmigrated run',
    'workShare',
  ),
  column('throttle_percent', 'percent', 'CPU throttle of this vCPU', 'throttlePercent'),
  column('ring_full_sleep_us', 'us', 'sleep set for each time its dirty ring is full', 'sleepUs'),
];

/**
 * Rows of vcpu-timeline.csv that a run has at most, about 2 MB of text: with 8 vCPUs 250 s pass before a row covers more than
 * one sample of 100 ms, with 64 vCPUs 31 s.
 */
export const MOST_VCPU_TIMELINE_ROWS = 20_000;

/** Of the first run only. Where samples are more than rows may be, a row covers as many as it must. */
export function vcpuTimeline({ run, timeline, vcpus }: MigrationResult): VcpuTimelineRow[] {
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
