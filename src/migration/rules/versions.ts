/** What differs between the QEMU versions that migsim knows, one fact a field. */
import type { QemuVersion } from '../setup.js';

export interface VersionFacts {
  /** migration.c:migration_iteration_run: `<` up to 10.0, `<=` in 10.2. */
  readonly completesAtThreshold: boolean;
  /** 10.2 tests for post-copy before completion; before that completion comes first. */
  readonly postcopyFirst: boolean;
  readonly hasAvailSwitchoverBandwidth: boolean;
  /** cpu-throttle.c:cpu_throttle_dirty_sync_timer, since 9.2. */
  readonly hasPeriodicSync: boolean;
  /** The `dirty-limit` capability, since 8.1; 7.2 has the commands only. */
  readonly hasDirtyLimitCapability: boolean;
  /**
   * dirtylimit.c:dirtylimit_vcpu_execute: usleep returns at a signal, such as the kick that each ring sync sends to every vCPU,
   * the migration's and the rate meter's alike (kvm-all.c:kvm_cpu_synchronize_kick_all). g_usleep, since commit cce10a1f0c82 of
   * November 2023, goes on.
   */
  readonly ringSleepInterruptible: boolean;
  /** Status `device` in every switchover, since 10.0; before that only with pause-before-switchover. */
  readonly alwaysDeviceStatus: boolean;
  /** ram.c:migration_trigger_throttle: 7.2 counts bad syncs only with auto-converge on, later versions always. */
  readonly detectorNeedsAutoConverge: boolean;
  /** ram.c: the last stage clears (and re-arms) the tracking of what it sends; not in 10.2. */
  readonly clearsInLastStage: boolean;
  /** qemu-file.c: bytes count when they are queued (7.2) or when they are flushed. */
  readonly countsAtEnqueue: boolean;
  /** `ram.transferred` counts RAM records only (7.2) or every stream byte. */
  readonly transferredIsRamOnly: boolean;
  /** multifd: a sync at the end of every iteration (7.2) or once a round. */
  readonly multifdSyncsEveryIteration: boolean;
  /** Zero pages are found by the multifd channels (machine types from 9.0 on). */
  readonly multifdFindsZeroPages: boolean;
  /** multifd and post-copy in one migration. */
  readonly multifdWithPostcopy: boolean;
}

const v72: VersionFacts = {
  completesAtThreshold: false,
  postcopyFirst: false,
  hasAvailSwitchoverBandwidth: false,
  hasPeriodicSync: false,
  hasDirtyLimitCapability: false,
  ringSleepInterruptible: true,
  alwaysDeviceStatus: false,
  detectorNeedsAutoConverge: true,
  clearsInLastStage: true,
  countsAtEnqueue: true,
  transferredIsRamOnly: true,
  multifdSyncsEveryIteration: true,
  multifdFindsZeroPages: false,
  multifdWithPostcopy: false,
};
/** The first with the capability, whose authors measured it while a kick still cut a ring-full sleep short. */
const v81: VersionFacts = {
  ...v72,
  hasDirtyLimitCapability: true,
  detectorNeedsAutoConverge: false,
  countsAtEnqueue: false,
  transferredIsRamOnly: false,
  multifdSyncsEveryIteration: false,
};
const v82: VersionFacts = { ...v81, hasAvailSwitchoverBandwidth: true, ringSleepInterruptible: false };
const v92: VersionFacts = { ...v82, hasPeriodicSync: true, multifdFindsZeroPages: true };
const v100: VersionFacts = { ...v92, alwaysDeviceStatus: true };
const v102: VersionFacts = {
  ...v100,
  completesAtThreshold: true,
  postcopyFirst: true,
  clearsInLastStage: false,
  multifdWithPostcopy: true,
};

export const versionFacts: Readonly<Record<QemuVersion, VersionFacts>> = {
  '7.2': v72,
  '8.1': v81,
  '8.2': v82,
  '9.2': v92,
  '10.0': v100,
  '10.2': v102,
};
