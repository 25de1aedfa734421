/** One vCPU of the fluid memory, and how it is made. */
import { mapped } from '../../../lists.js';
import type { Generator } from '../../../random/generator.js';
import { stream } from '../../../random/streams.js';
import { inStep } from '../../phases.js';
import { type AccessClass, type VcpuSpec, slackPerAccessUs } from '../../spec.js';
import type { RemoteVcpu } from './remote.js';
import { type RingUser, writesPerUs } from './rings.js';
import type { WrittenRange } from './segment.js';
import type { Use } from './vcpu.js';

const { exp, max } = Math;
const INFINITY = Infinity;

export interface FluidVcpu extends RingUser {
  readonly spec: VcpuSpec;
  /** All vCPUs that have the same phases, this one too. */
  inStep: readonly FluidVcpu[];
  /** Where each class begins when it is sequential. */
  readonly starts: readonly number[];
  /** Made when post-copy begins. */
  remote: RemoteVcpu | null;
  readonly writesPerUs: number;
  readonly readsPerUs: number;
  /** No other vCPU writes its ranges. */
  readonly isAlone: boolean;
  /** Ring entries since the start. */
  pushed: number;
  /** Limited: progress and run time in which an empty ring is full, Infinity while not known; run time of an entry then. */
  fillProgressUs: number;
  fillRunUs: number;
  entryUs: number;
  /**
   * Which pages are hit twice is chance, and so is when the ring is full: by its standard deviation and by a draw for each
   * fill, in entries. Without it equal vCPUs would sleep at the same time forever.
   */
  entriesVaryBy: number;
  deviation: number;
  random: Generator | null;
  /** Cost of the last run that went beyond its budget, µs. */
  owedUs: number;
}

/** Pages noticed of those that are armed on the way; adds them to `fresh`. */
export function noticedLate(use: Use, writes: number): number {
  const { late, lateCount, pages } = use.range;
  let noticed = 0;
  for (let k = 0; k < lateCount; k += 1) {
    const arm = late[k]!;
    arm.fresh = arm.armed * (1 - exp((-writes * arm.share) / pages));
    noticed += arm.fresh;
  }
  use.fresh += noticed;
  return noticed;
}

export function groupByPhases(vcpus: readonly FluidVcpu[]): void {
  const groups: FluidVcpu[][] = [];
  for (let i = 0; i < vcpus.length; i += 1) {
    const vcpu = vcpus[i]!;
    if (vcpu.spec.phases.length === 0) {
      vcpu.inStep = [vcpu];
      continue;
    }
    let group = groups.find(([first]) => inStep(first!.spec, vcpu.spec));
    if (group === undefined) groups.push((group = []));
    group.push(vcpu);
    vcpu.inStep = group;
  }
}

/** Where its sequential classes begin: the very pages at which they begin in the page memory; 0 for the others. */
export function startsOf(vcpu: VcpuSpec, seed: number, run: number, id: number): number[] {
  if (vcpu.classes.every((c) => c.pattern === 'uniform')) return mapped(vcpu.classes, () => 0);
  const random = stream(seed, run, `vcpu ${id} writes`);
  return mapped(vcpu.classes, (c) =>
    c.pattern === 'sequential' ? (c.startOffset ?? random.nextBelow(c.pages)) : 0,
  );
}

function newUse(c: AccessClass, range: WrittenRange, position: number): Use {
  return {
    range,
    sequential: c.pattern === 'sequential',
    writesPerUs: c.writesPerSecond / 1e6,
    copy: null,
    position,
    arc: 0,
    inRing: 0,
    room: 0,
    among: c.pages,
    fresh: 0,
  };
}

/** The writes of a class go to the other area. */
export function turn(use: Use, copy: Use): void {
  const from = use.writesPerUs > 0 ? use : copy;
  const to = from === use ? copy : use;
  to.writesPerUs = from.writesPerUs;
  to.position = from.position;
  from.writesPerUs = 0;
}

export function newVcpu(
  vcpu: VcpuSpec,
  rangeAt: ReadonlyMap<number, WrittenRange>,
  faultUs: number,
  starts: readonly number[],
): FluidVcpu {
  const uses: Use[] = [];
  const copies: Use[] = [];
  let readsPerUs = 0;
  for (let i = 0; i < vcpu.classes.length; i += 1) {
    const c = vcpu.classes[i]!;
    readsPerUs += c.readsPerSecond / 1e6;
    if (c.writesPerSecond <= 0) continue;
    const use = newUse(c, rangeAt.get(c.firstPage)!, starts[i]!);
    uses.push(use);
    if (c.copyFirstPage === undefined) continue;
    const copy = newUse(c, rangeAt.get(c.copyFirstPage)!, starts[i]!);
    copy.writesPerUs = 0;
    use.copy = copy;
    copies.push(copy);
  }
  for (const copy of copies) uses.push(copy);
  return {
    spec: vcpu,
    inStep: [],
    starts,
    remote: null,
    uses,
    writesPerUs: writesPerUs(uses),
    readsPerUs,
    faultUs: max(0, faultUs - slackPerAccessUs(vcpu)),
    isAlone: uses.every((use) => use.range.users === 1),
    pushed: 0,
    fillProgressUs: INFINITY,
    fillRunUs: INFINITY,
    entryUs: 0,
    entriesVaryBy: 0,
    deviation: 0,
    random: null,
    owedUs: 0,
    runShare: 1,
    writeFactor: 1,
    pace: 1,
    fillUs: INFINITY,
    cycleUs: INFINITY,
    fillsPerCycle: 0,
    entriesPerFill: 0,
    entriesPerCycle: 0,
    exitShare: 0,
    exitUs: 0,
    fillPhase: 0,
    cyclePhase: 0,
    inRing: 0,
  };
}
