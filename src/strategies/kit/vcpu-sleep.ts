/** One sleep of one vCPU, the work item that QEMU's CPU throttle queues (cpu-throttle.c:cpu_throttle_thread). */
import type { Controls } from '../../migration/controls.js';

/** CPU_THROTTLE_TIMESLICE_NS. */
const TIMESLICE_MS = 10;
/** The throttle takes no less than 1 %, which sleeps 10/99 ms. */
export const SHORTEST_SLEEP_MS = TIMESLICE_MS / 99;

/**
 * These vCPUs sleep for `sleepMs` from now, once. A throttle of p % sleeps 10·p/(100−p) ms at once; lifted in the same
 * instant, it lets that sleep end and begins no other. Lifts a throttle that was in force before.
 */
export function sleepVcpus(migration: Controls, vcpus: readonly number[], sleepMs: number): void {
  if (vcpus.length === 0) return;
  migration.throttle(vcpus, (100 * sleepMs) / (sleepMs + TIMESLICE_MS));
  migration.throttle(vcpus, 0);
}
