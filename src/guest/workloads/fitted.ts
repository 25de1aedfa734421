/** Workloads known by their dirty curve: what a guest as a whole dirties in a time, whichever vCPU writes. */
import { fitDirtyCurve, type DirtyPoint } from '../dirty-curve.js';
import { PAGE_BYTES } from '../spec.js';
import type { Surroundings, WorkloadPlan } from './define.js';

const { round } = Math;

const PAGES_PER_MIB = 2 ** 20 / PAGE_BYTES;

/** A point as sources print it: seconds, and MiB dirtied in them. */
export function point(seconds: number, mebibytes: number): DirtyPoint {
  return { durationUs: round(seconds * 1e6), pages: round(mebibytes * PAGES_PER_MIB) };
}

/**
 * The sets that the curve falls into, shared by the vCPUs of the group, each doing its part of the writes.
 *
 * @param intensity everything goes this many times as fast
 * @param load how much of its run time a vCPU needs for it, and whether the work waits for it
 */
export function planFromCurve(
  points: readonly DirtyPoint[],
  intensity: number,
  load: Pick<WorkloadPlan, 'busy' | 'catchesUp'>,
  { groupVcpus }: Surroundings,
): WorkloadPlan {
  const classes = fitDirtyCurve(points).classes.map(({ pages, writesPerSecond }) => ({
    pages,
    pattern: 'uniform' as const,
    writesPerSecond: (writesPerSecond * intensity) / groupVcpus,
    readsPerSecond: 0,
  }));
  return { classes, ...load, shared: true, phases: [], phasePeriodUs: 0 };
}

/** The option that every fitted workload has. */
export const INTENSITY = {
  kind: 'share',
  default: '100%',
  summary: 'everything goes this much faster or slower than it was measured',
} as const;
