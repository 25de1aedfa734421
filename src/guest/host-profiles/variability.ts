/** How much a host varies, as profiles state it: the kinds, what each is of, and how scenario files write it. */

/**
 * Standard deviations of natural logarithms (0.1: about 10 %), so that each factor has the median 1. What each is of:
 * `variabilityKinds`; where the figures of a profile come from: its `variabilityOrigins`.
 */
export interface HostVariability {
  /** One that needs less than all its time varies in proportion, but at least by `pacedVcpuSpeed`. */
  readonly vcpuSpeed: number;
  readonly pacedVcpuSpeed: number;
  readonly vcpuDrift: number;
  readonly send: number;
  readonly sendDrift: number;
  readonly wake: number;
  readonly sync: number;
  readonly switchover: number;
  readonly resume: number;
}

export type VariabilityKind = keyof HostVariability;

/** Where the figure of each kind comes from, in words. */
export type VariabilityOrigins = Readonly<Record<VariabilityKind, string>>;

export interface VariabilityEntry {
  /** As scenario files write it. */
  readonly key: string;
  readonly of: string;
}

/** In the order of tables. */
export const variabilityKinds: Readonly<Record<VariabilityKind, VariabilityEntry>> = {
  vcpuSpeed: { key: 'vcpu-speed', of: 'speed of each vCPU that needs all its time, per run' },
  pacedVcpuSpeed: {
    key: 'paced-vcpu-speed',
    of: 'the same for a vCPU that paces itself, at least',
  },
  vcpuDrift: {
    key: 'vcpu-drift',
    of: 'the same from one 5 s to the next (from phase to phase where a load has phases)',
  },
  send: { key: 'send', of: 'sending, finding zero pages, taking pages in, per run' },
  sendDrift: { key: 'send-drift', of: 'the same from one 5 s to the next' },
  wake: { key: 'wake', of: 'late wake-ups, cold caches' },
  sync: { key: 'sync', of: 'syncs, setup' },
  switchover: { key: 'switchover', of: 'stopping the guest, flushing disks, saving devices' },
  resume: { key: 'resume', of: 'loading devices, starting at the destination' },
};
