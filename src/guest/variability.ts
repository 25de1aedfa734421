/** How much a host differs from one migration to the next, and within one: what runs draw of it. */
import { keysOf, mapped } from '../lists.js';
import { cutNormal } from '../stats/distribution.js';
import type { HostVariability } from './host-profiles/variability.js';
import type { GuestSpec, HostProfile, Phase, VcpuSpec } from './spec.js';

const { exp, max } = Math;

/** What of a profile each kind of variability multiplies. */
const COSTS = {
  send: [
    'sendNsPerPage',
    'sendAfterBusyNsPerPage',
    'multifdNsPerPage',
    'zeroNsPerPage',
    'populateNsPerPage',
    'postcopyFaultUs',
  ],
  wake: ['wakeLatencyUs', 'vcpuColdUs'],
  sync: ['syncFixedUs', 'bitmapSyncUsPerGiB', 'setupFixedUs', 'setupUsPerGiBBitmap', 'setupUsPerGiBRing'],
  switchover: ['stopUs', 'blockFlushUs', 'deviceSaveUs', 'deviceSaveUsPerVcpu'],
  resume: ['destinationLoadUs', 'destinationLoadUsPerVcpu', 'destinationStartUs'],
} as const satisfies Readonly<Partial<Record<keyof HostVariability, readonly (keyof HostProfile)[]>>>;

/** Draws a share (0 .. 1) for a key, the same for the same key. */
export type DrawShare = (key: string) => number;

/** Draws shares (0 .. 1) for `${key} 0`, `${key} 1` … `${key} ${count - 1}`, the same for the same key. */
export type DrawShares = (key: string, count: number) => readonly number[];

/** Keys of what a host's costs are drawn by; those of vCPUs are `host vcpu-speed 0` and so on. */
export const HOST_DRAWS: readonly string[] = Object.keys(COSTS).map(hostKey);

function hostKey(cost: string): string {
  return `host ${cost}`;
}

/** The costs that one run meets. */
export function variedHost(host: HostProfile, draw: DrawShare): HostProfile {
  const { variability } = host;
  if (variability === undefined) return host;
  const met: { -readonly [Field in keyof HostProfile]: HostProfile[Field] } = { ...host };
  for (const cost of keysOf(COSTS)) {
    if (variability[cost] === 0) continue;
    const factor = exp(variability[cost] * cutNormal(draw(hostKey(cost))));
    for (const field of COSTS[cost]) met[field] = host[field] * factor;
  }
  return met;
}

/** Factors of what sending costs from one 5 s to the next; absent where it does not drift. */
export function driftOfSending(
  { sendDrift }: HostVariability,
  draws: DrawShares,
): readonly number[] | undefined {
  if (sendDrift === 0) return undefined;
  const shares = draws('host send-drift', DRIFT_STEPS);
  return mapped(EVEN_STEPS, (_, step) => exp(sendDrift * cutNormal(shares[step]!)));
}

/** Steps of a drift, of 5 s each; after the last they begin again. */
const DRIFT_STEPS = 24;
export const DRIFT_STEP_US = 5e6;

/** The speeds that one run meets. */
export function variedGuest(guest: GuestSpec, variability: HostVariability, draws: DrawShares): GuestSpec {
  const speeds = draws('host vcpu-speed', guest.vcpus.length);
  const vcpus = mapped(guest.vcpus, (vcpu, id) => {
    const { vcpuSpeed, pacedVcpuSpeed, vcpuDrift } = variability;
    const sigma = max(pacedVcpuSpeed, vcpuSpeed * vcpu.busy);
    const varied = atSpeed(vcpu, exp(sigma * cutNormal(speeds[id]!)));
    if (vcpuDrift === 0) return varied;
    const steps = vcpu.phases.length === 0 ? DRIFT_STEPS : vcpu.phases.length;
    return drifting(varied, vcpuDrift, draws(`host vcpu-drift ${id}`, steps));
  });
  return { ...guest, vcpus };
}

function atSpeed(vcpu: VcpuSpec, speed: number): VcpuSpec {
  const classes = mapped(vcpu.classes, (one) => ({
    ...one,
    writesPerSecond: one.writesPerSecond * speed,
    readsPerSecond: one.readsPerSecond * speed,
  }));
  return { ...vcpu, classes };
}

function drifting(vcpu: VcpuSpec, vcpuDrift: number, shares: readonly number[]): VcpuSpec {
  const steady = vcpu.phases.length === 0;
  const steps = steady ? EVEN_STEPS : vcpu.phases;
  const phases = mapped(steps, ({ atUs, writeFactor, readFactor }, step): Phase => {
    const factor = exp(vcpuDrift * cutNormal(shares[step]!));
    return { atUs, writeFactor: writeFactor * factor, readFactor: readFactor * factor };
  });
  const phasePeriodUs = steady ? DRIFT_STEPS * DRIFT_STEP_US : vcpu.phasePeriodUs;
  return { ...vcpu, phases, phasePeriodUs };
}

const EVEN_STEPS: readonly Phase[] = Array.from({ length: DRIFT_STEPS }, (_, step) => ({
  atUs: step * DRIFT_STEP_US,
  writeFactor: 1,
  readFactor: 1,
}));
