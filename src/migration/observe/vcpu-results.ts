/** What each vCPU did and lost, in the words of `MigrationResult`. */
import { mapped } from '../../lists.js';
import { unmigratedAccesses } from '../../guest/phases.js';
import type { VcpuSpec } from '../../guest/spec.js';
import type { Vcpu } from '../../guest/vcpu.js';
import type { VcpuResult } from '../result.js';

const { max, min } = Math;

/** Share of what an unmigrated run does; null where that is nothing. Credits and drawn counts may pass 1 by an access. */
function share(done: number, undisturbed: number): number | null {
  return undisturbed > 0 ? min(1, done / undisturbed) : null;
}

export function vcpuResults(vcpus: readonly Vcpu[], endUs: number, blackoutUs: number): VcpuResult[] {
  return mapped(vcpus, (v) => {
    const full = unmigratedAccesses(v.spec, 0, endUs);
    return {
      id: v.id,
      group: v.spec.group,
      workDone: share(v.writes + v.reads, full.writes + full.reads),
      writeWorkDone: share(v.writes, full.writes),
      readWorkDone: share(v.reads, full.reads),
      writes: v.writes,
      reads: v.reads,
      longestStallMs: max(0, v.longestStallUs) / 1000,
      faultMs: v.faultUs / 1000,
      throttledMs: v.throttledUs / 1000,
      ringSleepMs: v.ringSleptUs / 1000,
      ringExitMs: v.ringExitUs / 1000,
      postcopyBlockedMs: v.postcopyBlockedUs / 1000,
      blackoutMs: blackoutUs / 1000,
      faults: v.faults,
      ringFullExits: v.ringFullExits,
    };
  });
}

/** What one vCPU did while vCPUs were held back, and what it would have done unmigrated, in accesses. */
export interface HeldWork {
  readonly done: number;
  readonly undisturbed: number;
}

/** Mean over the vCPUs that write, or over those that only read; null where there is nothing to take it of. */
export function heldShare(
  vcpus: readonly Vcpu[],
  work: readonly HeldWork[],
  writing: boolean,
): number | null {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < vcpus.length; i += 1) {
    if (writes(vcpus[i]!.spec) !== writing) continue;
    const held = work[i];
    const value = held === undefined ? null : share(held.done, held.undisturbed);
    if (value === null) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? null : sum / count;
}

function writes({ classes }: VcpuSpec): boolean {
  for (let i = 0; i < classes.length; i += 1) if (classes[i]!.writesPerSecond > 0) return true;
  return false;
}

/** Per vCPU, accesses done since `fromUs` as a share of an unmigrated run; `seen` has and gets the accesses up to then. */
export function workShares(
  vcpus: readonly Vcpu[],
  fromUs: number,
  toUs: number,
  doneBy: (vcpu: Vcpu) => number,
  seen: number[],
): number[] {
  return mapped(vcpus, (v, i) => {
    const done = doneBy(v);
    const full = unmigratedAccesses(v.spec, fromUs, toUs);
    const undisturbed = full.writes + full.reads;
    const before = seen[i] ?? 0;
    seen[i] = done;
    return undisturbed > 0 ? min(1, (done - before) / undisturbed) : 1;
  });
}
