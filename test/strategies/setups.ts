import type { HostProfile } from '../../src/guest/spec.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import type { QemuVersion } from '../../src/migration/rules/versions.js';

/** A setup with only those fields that strategies may look at; the host and the workload are none of their business. */
export function setupWith(
  fields: { readonly qemu?: QemuVersion; readonly dirtyRingSize?: number; readonly vcpuCount?: number } = {},
): MigrationSetup {
  const { qemu = '10.0', dirtyRingSize = 4096, vcpuCount = 2 } = fields;
  const vcpu = { group: 'vcpu', classes: [], busy: 1, phases: [], phasePeriodUs: 0 };
  return {
    name: 'test',
    guest: {
      ramPages: 262_144,
      hiddenPages: 0,
      zeroExtents: [],
      dirtyRingSize,
      hostPagePages: 1,
      vcpus: Array.from({ length: vcpuCount }, () => vcpu),
    },
    host: {} as HostProfile,
    link: { bandwidthBytesPerSecond: 1.25e9, latencyUs: 100, phases: [] },
    migration: {
      qemu,
      maxBandwidth: 0,
      downtimeLimitMs: 300,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 77,
      returnPath: false,
      pauseBeforeSwitchover: false,
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect: true,
      clearBitmapShift: 18,
      giveUpAfterUs: 0,
    },
    memory: 'fluid',
    seed: 1,
    run: 0,
    timelineMs: 0,
    keepSyncs: true,
  };
}
