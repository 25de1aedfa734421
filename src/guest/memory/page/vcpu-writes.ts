/** How vCPUs write in the page memory: where each stands in its classes, and what its ring holds. */
import type { Generator } from '../../../random/generator.js';
import { type GuestSpec, type VcpuSpec, slackPerAccessUs } from '../../spec.js';
import { bitmapWords } from './bitmap.js';

const { max } = Math;

/** How one vCPU uses one class, with the state of the loop that does it. */
export interface ClassCursor {
  firstPage: number;
  /** Where it goes after the next fork; the same place where no process forks. */
  copyFirstPage: number;
  readonly pages: number;
  readonly sequential: boolean;
  readonly writesPerUs: number;
  readonly readsPerUs: number;
  /** Next page of a sequential loop, as an offset into the class. */
  next: number;
  /** Part of a write that the last run left over. */
  writeCredit: number;
}

export interface VcpuState {
  readonly random: Generator;
  readonly classes: readonly ClassCursor[];
  readonly writesPerUs: number;
  readonly readsPerUs: number;
  /** Cost of one noticed write that its own waiting time does not absorb, µs. */
  readonly faultUs: number;
  /** Time for which it is still blocked on a missing page, µs. */
  owedUs: number;
  accessCredit: number;
  /** Pages in the ring, and how many. */
  readonly ring: Int32Array;
  ringCount: number;
  reaped: number;
  /** Cost of the last run that went beyond its budget, µs: the next run pays it first. */
  overrunUs: number;
}

/** Of a vCPU that has not run yet; `ringSize`: entries with which its ring is full. */
export function newVcpuState(
  vcpu: VcpuSpec,
  faultUs: number,
  ringSize: number,
  random: Generator,
): VcpuState {
  const writesPerUs = vcpu.classes.reduce((sum, c) => sum + c.writesPerSecond, 0) / 1e6;
  const readsPerUs = vcpu.classes.reduce((sum, c) => sum + c.readsPerSecond, 0) / 1e6;
  return {
    random,
    classes: vcpu.classes.map((c) => ({
      firstPage: c.firstPage,
      copyFirstPage: c.copyFirstPage ?? c.firstPage,
      pages: c.pages,
      sequential: c.pattern === 'sequential',
      writesPerUs: c.writesPerSecond / 1e6,
      readsPerUs: c.readsPerSecond / 1e6,
      next: c.pattern === 'sequential' ? (c.startOffset ?? random.nextBelow(c.pages)) : 0,
      writeCredit: 0,
    })),
    writesPerUs,
    readsPerUs,
    faultUs: max(0, faultUs - slackPerAccessUs(vcpu)),
    owedUs: 0,
    accessCredit: 0,
    ring: new Int32Array(ringSize),
    ringCount: 0,
    reaped: 0,
    overrunUs: 0,
  };
}

/** A class in proportion to its rates. */
export function pickClass(state: VcpuState): ClassCursor {
  const { classes } = state;
  if (classes.length === 1) return classes[0]!;
  let x = state.random.nextFloat() * (state.writesPerUs + state.readsPerUs);
  for (let i = 0; i < classes.length - 1; i += 1) {
    const c = classes[i]!;
    x -= c.writesPerUs + c.readsPerUs;
    if (x < 0) return c;
  }
  return classes[classes.length - 1]!;
}

/** The words that hold pages written by some class, merged and in order. */
export function writtenWords(guest: GuestSpec): (readonly [number, number])[] {
  const ranges = guest.vcpus
    .flatMap((vcpu) => vcpu.classes)
    .filter((c) => c.writesPerSecond > 0)
    .flatMap(({ firstPage, copyFirstPage, pages }) =>
      (copyFirstPage === undefined ? [firstPage] : [firstPage, copyFirstPage]).map(
        (first) => [first >>> 5, bitmapWords(first + pages)] as const,
      ),
    )
    .sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
