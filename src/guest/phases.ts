/** How the rates of a vCPU change over time. */
import type { Phase, VcpuSpec } from './spec.js';

const { floor, min } = Math;
const INFINITY = Infinity;

/** One vCPU for each sequence of phases. */
export function onePerPhases(vcpus: readonly VcpuSpec[]): VcpuSpec[] {
  const kept: VcpuSpec[] = [];
  for (let i = 0; i < vcpus.length; i += 1) {
    const vcpu = vcpus[i]!;
    if (vcpu.phases.length > 0 && !kept.some((other) => inStep(vcpu, other))) kept.push(vcpu);
  }
  return kept;
}

/** Whether the rates of two vCPUs change at the same times and by the same factors. */
export function inStep(one: VcpuSpec, other: VcpuSpec): boolean {
  if (one.phasePeriodUs !== other.phasePeriodUs) return false;
  const [phases, others] = [one.phases, other.phases];
  if (phases === others) return true;
  if (phases.length !== others.length) return false;
  for (let i = 0; i < phases.length; i += 1) {
    const [a, b] = [phases[i]!, others[i]!];
    if (a.writeFactor !== b.writeFactor || a.readFactor !== b.readFactor || a.atUs !== b.atUs) return false;
  }
  return true;
}

const flat = { writeFactor: 1, readFactor: 1, untilUs: INFINITY };
const found = { writeFactor: 1, readFactor: 1, untilUs: INFINITY };

/** The phase that holds at `atUs`, and until when. The object is reused. */
export function phaseAt(
  spec: VcpuSpec,
  atUs: number,
): { writeFactor: number; readFactor: number; untilUs: number } {
  const { phases, phasePeriodUs } = spec;
  if (phases.length === 0) return flat;
  let base = 0;
  let local = atUs;
  if (phasePeriodUs > 0) {
    base = floor(atUs / phasePeriodUs) * phasePeriodUs;
    local = atUs - base;
  }
  const next = firstAfter(phases, local);
  const current = next > 0 ? phases[next - 1]! : flat;
  found.writeFactor = current.writeFactor;
  found.readFactor = current.readFactor;
  const end = phasePeriodUs > 0 ? phasePeriodUs : INFINITY;
  found.untilUs = base + (next < phases.length ? phases[next]!.atUs : end);
  return found;
}

/** Index of the first phase that begins after `us`, by halving; as many as there are when none does. */
function firstAfter(phases: readonly Phase[], us: number): number {
  let low = 0;
  let high = phases.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (phases[middle]!.atUs <= us) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The phase in which a vCPU was found last. It holds from `fromUs` on, and may have begun earlier. */
export interface KnownPhase {
  writeFactor: number;
  readFactor: number;
  fromUs: number;
  untilUs: number;
}

export function noPhase(): KnownPhase {
  return { writeFactor: 1, readFactor: 1, fromUs: INFINITY, untilUs: INFINITY };
}

/** Rounding moves an instant across a border by far less than this, µs. */
const NEAR_BORDER_US = 1e-3;

/** `phaseAt` for a vCPU whose time goes on. The phase is looked up only where the last one is over, or nearly. */
export function phaseNow(known: KnownPhase, spec: VcpuSpec, atUs: number): KnownPhase {
  if (atUs >= known.fromUs && atUs < known.untilUs - NEAR_BORDER_US) return known;
  const phase = phaseAt(spec, atUs);
  known.writeFactor = phase.writeFactor;
  known.readFactor = phase.readFactor;
  known.fromUs = atUs;
  known.untilUs = phase.untilUs;
  return known;
}

export function factorAt(spec: VcpuSpec, atUs: number, key: 'writeFactor' | 'readFactor'): number {
  return spec.phases.length === 0 ? 1 : phaseAt(spec, atUs)[key];
}

/**
 * Accesses that a vCPU does between two instants when it is not migrated: its rates times its phases, undisturbed.
 * The reference of "work done".
 */
export function unmigratedAccesses(
  spec: VcpuSpec,
  fromUs: number,
  toUs: number,
): { writes: number; reads: number } {
  const { classes } = spec;
  let writesPerSecond = 0;
  let readsPerSecond = 0;
  for (let i = 0; i < classes.length; i += 1) {
    writesPerSecond += classes[i]!.writesPerSecond;
    readsPerSecond += classes[i]!.readsPerSecond;
  }
  const writesPerUs = writesPerSecond / 1e6;
  const readsPerUs = readsPerSecond / 1e6;
  if (spec.phases.length === 0)
    return { writes: writesPerUs * (toUs - fromUs), reads: readsPerUs * (toUs - fromUs) };
  let writes = 0;
  let reads = 0;
  let at = fromUs;
  while (at < toUs) {
    const phase = phaseAt(spec, at);
    const end = min(toUs, phase.untilUs);
    writes += writesPerUs * phase.writeFactor * (end - at);
    reads += readsPerUs * phase.readFactor * (end - at);
    at = end;
  }
  return { writes, reads };
}
