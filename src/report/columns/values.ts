/** What columns of several tables say of vCPUs. */
import type { VcpuResult } from '../../migration/result.js';
import { largest, smallest } from '../../stats/extremes.js';

export function isWriter(vcpu: VcpuResult): boolean {
  return vcpu.writeWorkDone !== null;
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function highest(values: readonly number[]): number | null {
  return values.length === 0 ? null : largest(values);
}

export function lowest(values: readonly number[]): number | null {
  return values.length === 0 ? null : smallest(values);
}
