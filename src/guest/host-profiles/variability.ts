/** How much a host varies, as profiles state it. */

/**
 * Standard deviations of natural logarithms (0.1: about 10 %), so that each factor has the median 1. Where each figure comes
 * from: docs/host-profiles.md.
 */
export interface HostVariability {
  /** Speed of a vCPU that needs all its time; one that needs less varies in proportion, but at least by `pacedVcpuSpeed`. */
  readonly vcpuSpeed: number;
  readonly pacedVcpuSpeed: number;
  /** The same within a run: from one 5 s to the next. */
  readonly vcpuDrift: number;
  /** Sending, finding zero pages, taking pages in. */
  readonly send: number;
  /** Late wake-ups, and cold caches after a sleep. */
  readonly wake: number;
  /** Syncs and setup. */
  readonly sync: number;
  /** Stopping the guest, flushing its disks, saving device state. */
  readonly switchover: number;
  /** Loading device state and starting the guest at the destination. */
  readonly resume: number;
}
