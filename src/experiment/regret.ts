/** What a migration took from the guest, and how much of it was not needed. */
import type { MigrationResult } from '../migration/result.js';

const { max } = Math;

/**
 * Guest work lost, in seconds of a vCPU at full speed: over all vCPUs, the share of its accesses that it did not do, times
 * the total time. Throttle, ring-full sleeps, tracking costs and blackout count alike; a vCPU without any access does not
 * count. The shares reach until the guest runs again. Where QEMU does not wait for the destination that is some ms after
 * the total time, and the product smaller by that part of itself.
 */
export function lostWorkSeconds(result: MigrationResult): number {
  let lost = 0;
  for (const { workDone } of result.vcpus) if (workDone !== null) lost += 1 - workDone;
  return (lost * max(result.totalTimeMs, result.blackoutMs ?? 0)) / 1000;
}

/**
 * Guest work lost beyond the oracle's, s of vCPU time, both on the same scenario, seed and run; null when one of them did
 * not converge. It can be a little below 0: the oracle knows the workload, and not where each single write will land.
 */
export function regretSeconds(result: MigrationResult, oracle: MigrationResult): number | null {
  if (!result.converged || !oracle.converged) return null;
  return lostWorkSeconds(result) - lostWorkSeconds(oracle);
}
