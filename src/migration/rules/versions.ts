/**
 * What differs between the QEMU versions that migsim knows, one fact per field, read in the .0 release of each version unless
 * `versionSources` says otherwise. No other file compares versions.
 */
import { keysOf, nth } from '../../lists.js';

/** Facts of the QEMU binary. */
export interface BinaryFacts {
  /** migration.c:migration_iteration_run: `<` up to 10.0, `<=` from 10.1 on (commit 7aaa1fc072). */
  readonly completesAtThreshold: boolean;
  /** From 10.1 on post-copy is tested before completion; before that completion comes first. */
  readonly postcopyFirst: boolean;
  /** migration.c:migration_iteration_run: the exact query is made at an estimate `<=` the threshold (11.1), not `<`. */
  readonly syncsAtThreshold: boolean;
  /** `expected-downtime` is computed when it is queried (11.1), not at the end of each window. */
  readonly expectedDowntimeOnDemand: boolean;
  /** hw/vfio/migration.c speaks the protocol of current kernels (since 8.0), not the experimental one of before. */
  readonly migratesVfio: boolean;
  /** hw/vfio/migration.c: devices send while the guest runs (VFIO_MIGRATION_PRE_COPY), since 8.1. */
  readonly hasVfioPrecopy: boolean;
  /** vfio_state_pending_exact adds pre-copy bytes to a size that has them in it (8.1 to 9.1). */
  readonly exactAddsPrecopy: boolean;
  /** savevm.c:qemu_savevm_state_iterate: a section that is not done ends the turn (up to 8.2). */
  readonly unfinishedHoldsUp: boolean;
  /** Bytes that can only go with the guest stopped are part of the estimate (11.1), not only of the exact query. */
  readonly estimatesStopOnly: boolean;
  /** query-migrate has the top-level field `remaining` (11.1). */
  readonly hasTotalRemaining: boolean;
  readonly hasAvailSwitchoverBandwidth: boolean;
  /** avail-switchover-bandwidth is divided by 1000 in whole numbers (8.2 to 11.0); 11.1 keeps the fraction. */
  readonly roundsAvailBandwidth: boolean;
  /** cpu-throttle.c:cpu_throttle_dirty_sync_timer, since 9.2. */
  readonly hasPeriodicSync: boolean;
  /**
   * ram.c:physical_memory_sync_dirty_bitmap goes page by page through RAM that does not begin and end at 64 pages (up to 10.2),
   * or through it as a range (commit e8a6d158db, since 11.0).
   */
  readonly syncsMisalignedByPage: boolean;
  /** The `dirty-limit` capability, since 8.1; earlier versions have the commands only. */
  readonly hasDirtyLimitCapability: boolean;
  /** dirtyrate.c:do_calculate_dirtyrate: whole MiB before they are scaled to a second (up to 8.1), or after (since 8.2). */
  readonly ratesInWholeMib: boolean;
  /**
   * dirtylimit.c:dirtylimit_vcpu_execute: usleep returns at a signal, such as the kick that each ring sync sends to every vCPU,
   * the migration's and the rate meter's alike (kvm-all.c:kvm_cpu_synchronize_kick_all). g_usleep, since commit cce10a1f0c82 of
   * November 2023, goes on.
   */
  readonly ringSleepInterruptible: boolean;
  /** Status `device` in every switchover, since 10.0; before that only with pause-before-switchover. */
  readonly alwaysDeviceStatus: boolean;
  /** Status `postcopy-device` until the destination acknowledges the package of device state, since 10.2. */
  readonly hasPostcopyDeviceStatus: boolean;
  /** ram.c:migration_trigger_throttle: up to 8.0 bad syncs count only with auto-converge on, since 8.1 always. */
  readonly detectorNeedsAutoConverge: boolean;
  /**
   * qemu-file.c: bytes count page by page (up to 8.1) or when a buffer is flushed (since 8.2). 7.2 and 8.0 count what is queued;
   * qemu_file_transferred of 8.1 flushes the file at each page's look at the rate.
   */
  readonly countsEachPage: boolean;
  /** `ram.transferred`, and what the throttle detector compares with, count RAM records only (up to 8.1) or every stream byte. */
  readonly transferredIsRamOnly: boolean;
  /** multifd.c:multifd_send_pages counts a packet, uncompressed, when it is queued (up to 8.0), not when it was sent. */
  readonly multifdCountsQueued: boolean;
  /** The parameter `zero-page-detection`, since 9.0: before that multifd pages are looked at by the migration thread. */
  readonly hasZeroPageDetection: boolean;
  /** multifd and post-copy in one migration, since 10.1. */
  readonly multifdWithPostcopy: boolean;
}

/** Facts of the machine type, which a newer binary keeps for an older machine type (hw/core/machine.c, hw_compat). */
export interface MachineFacts {
  /** hw_compat_8_0 multifd-flush-after-each-section: a multifd sync at the end of every iteration, not once a round. */
  readonly multifdSyncsEveryIteration: boolean;
  /** hw_compat_8_2 zero-page-detection: the default is `multifd` for machine types from 9.0 on, `legacy` before. */
  readonly multifdFindsZeroPages: boolean;
}

export interface VersionFacts extends BinaryFacts, MachineFacts {}

const v72: VersionFacts = {
  completesAtThreshold: false,
  postcopyFirst: false,
  syncsAtThreshold: false,
  expectedDowntimeOnDemand: false,
  migratesVfio: false,
  hasVfioPrecopy: false,
  exactAddsPrecopy: false,
  unfinishedHoldsUp: true,
  estimatesStopOnly: false,
  hasTotalRemaining: false,
  hasAvailSwitchoverBandwidth: false,
  roundsAvailBandwidth: true,
  hasPeriodicSync: false,
  syncsMisalignedByPage: true,
  hasDirtyLimitCapability: false,
  ratesInWholeMib: true,
  ringSleepInterruptible: true,
  alwaysDeviceStatus: false,
  hasPostcopyDeviceStatus: false,
  detectorNeedsAutoConverge: true,
  countsEachPage: true,
  transferredIsRamOnly: true,
  multifdCountsQueued: true,
  hasZeroPageDetection: false,
  multifdWithPostcopy: false,
  multifdSyncsEveryIteration: true,
  multifdFindsZeroPages: false,
};
/** The estimate and the exact count are two queries here: the same decisions. */
const v80: VersionFacts = { ...v72, migratesVfio: true };
/** The first with the capability, whose authors measured it while a kick still cut a ring-full sleep short. */
const v81: VersionFacts = {
  ...v80,
  hasVfioPrecopy: true,
  exactAddsPrecopy: true,
  hasDirtyLimitCapability: true,
  detectorNeedsAutoConverge: false,
  multifdCountsQueued: false,
  multifdSyncsEveryIteration: false,
};
const v82: VersionFacts = {
  ...v81,
  hasAvailSwitchoverBandwidth: true,
  ratesInWholeMib: false,
  ringSleepInterruptible: false,
  countsEachPage: false,
  transferredIsRamOnly: false,
};
const v90: VersionFacts = {
  ...v82,
  unfinishedHoldsUp: false,
  hasZeroPageDetection: true,
  multifdFindsZeroPages: true,
};
const v92: VersionFacts = { ...v90, exactAddsPrecopy: false, hasPeriodicSync: true };
const v100: VersionFacts = { ...v92, alwaysDeviceStatus: true };
const v101: VersionFacts = {
  ...v100,
  completesAtThreshold: true,
  postcopyFirst: true,
  multifdWithPostcopy: true,
};
const v102: VersionFacts = { ...v101, hasPostcopyDeviceStatus: true };
const v110: VersionFacts = { ...v102, syncsMisalignedByPage: false };
const v111: VersionFacts = {
  ...v110,
  syncsAtThreshold: true,
  expectedDowntimeOnDemand: true,
  estimatesStopOnly: true,
  hasTotalRemaining: true,
  roundsAvailBandwidth: false,
};

/** Oldest first. 9.1 decides as 9.0. */
export const versionFacts = {
  '7.2': v72,
  '8.0': v80,
  '8.1': v81,
  '8.2': v82,
  '9.0': v90,
  '9.1': v90,
  '9.2': v92,
  '10.0': v100,
  '10.1': v101,
  '10.2': v102,
  '11.0': v110,
  '11.1': v111,
} as const satisfies Readonly<Record<string, VersionFacts>>;

/** A version whose rules migsim knows. */
export type QemuVersion = keyof typeof versionFacts;

/** All of them, oldest first. */
export const QEMU_VERSIONS: readonly QemuVersion[] = keysOf(versionFacts);

/** What a record rests on where it is not the source of that very release. */
export const versionSources: Readonly<Partial<Record<QemuVersion, string>>> = {
  '11.0': 'read in its development tree of 13 February 2026',
  '11.1':
    'second-hand: commit titles of May and July 2026, and what a re-implementation and developers wrote about them, ' +
    'not its source',
};

/** The facts of a binary that runs a machine type. */
export function factsOf(qemu: QemuVersion, machine: QemuVersion = qemu): VersionFacts {
  if (machine === qemu) return versionFacts[qemu];
  const { multifdSyncsEveryIteration, multifdFindsZeroPages } = versionFacts[machine];
  return { ...versionFacts[qemu], multifdSyncsEveryIteration, multifdFindsZeroPages };
}

/** The oldest version of which a fact holds, for messages: `expected qemu: '8.2' or later`. */
export function since(fact: keyof VersionFacts): QemuVersion {
  return nth(
    QEMU_VERSIONS.filter((qemu) => versionFacts[qemu][fact]),
    0,
  );
}

/** A binary runs the machine types of its own version and of older ones. */
export function runsMachine(qemu: QemuVersion, machine: QemuVersion): boolean {
  return QEMU_VERSIONS.indexOf(machine) <= QEMU_VERSIONS.indexOf(qemu);
}
