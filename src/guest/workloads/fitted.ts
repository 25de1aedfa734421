/** Workloads known by their dirty curve: what a guest as a whole dirties in a time, whichever vCPU writes. */
import { fitDirtyCurve, type DirtyPoint } from '../dirty-curve.js';
import { defineWorkload, type Surroundings, type WorkloadDefinition, type WorkloadPlan } from './define.js';
import { PAGES_PER_MIB } from '../../units.js';

const { max, round } = Math;

/** A point as sources print it: seconds, and MiB dirtied in them. */
export function point(seconds: number, mebibytes: number): DirtyPoint {
  return { durationUs: round(seconds * 1e6), pages: round(mebibytes * PAGES_PER_MIB) };
}

/** The guest that a curve was measured in, where it is known well enough to scale by. */
export interface MeasuredGuest {
  readonly vcpus: number;
  readonly ramPages: number;
}

/** For curves of which it is not: how many vCPUs wrote, or how their sets would grow, is not published. */
const SCALES_BY_INTENSITY =
  'count shares out the measured load and guest.memory does not change it, since the guest it was measured in is not known ' +
  'well enough; for a larger one raise intensity';

/**
 * The sets that the curve falls into, shared by the vCPUs of the group, each doing its part of the writes. In a guest of m
 * times the memory with c times the vCPUs the sets are m times as large and c times as many pages are written a second.
 *
 * @param intensity everything goes this many times as fast
 * @param load how much of its run time a vCPU needs for it, and whether the work waits for it
 */
export function planFromCurve(
  points: readonly DirtyPoint[],
  intensity: number,
  load: Load,
  { groupVcpus, ramPages }: Surroundings,
  measured: MeasuredGuest = { vcpus: groupVcpus, ramPages },
): WorkloadPlan {
  const larger = ramPages / measured.ramPages;
  const classes = fitDirtyCurve(points).classes.map(({ pages, writesPerSecond }) => ({
    pages: max(1, round(pages * larger)),
    pattern: 'uniform' as const,
    writesPerSecond: (writesPerSecond * intensity) / measured.vcpus,
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

type Load = Pick<WorkloadPlan, 'busy' | 'catchesUp'>;
type Words = Pick<WorkloadDefinition, 'name' | 'summary' | 'source' | 'fittedTo'>;

/** A workload of one curve, whose guest is not known well enough to scale by. */
export function fittedWorkload(words: Words, points: readonly DirtyPoint[], load: Load) {
  return defineWorkload({
    ...words,
    scaling: SCALES_BY_INTENSITY,
    options: { intensity: INTENSITY },
    plan: ({ intensity }, surroundings) => planFromCurve(points, intensity, load, surroundings),
  });
}
