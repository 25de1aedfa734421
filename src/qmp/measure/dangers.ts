/**
 * What `calc-dirty-rate` can do to a guest, by QEMU version. docs/live.md prints this table. Releases are those in which a
 * change first appeared on QEMU's main branch: a stable release or a distribution may have it earlier, which no reply says.
 */
import type { QmpVersion } from '../client.js';

/** The modes of `calc-dirty-rate` (qapi/migration.json, DirtyRateMeasureMode). */
export type DirtyRateMode = 'dirty-ring' | 'dirty-bitmap' | 'page-sampling';

/** Those that track writes. */
export const TRACKING_MODES = ['dirty-ring', 'dirty-bitmap'] as const;

/** What decides whether a measurement is safe on a guest. */
export interface GuestSituation {
  readonly version: QmpVersion;
  readonly hasKvm: boolean;
  /** Whether the guest runs; a paused one writes nothing. */
  readonly isRunning: boolean;
  readonly hasVfio: boolean;
}

/** What `calc-dirty-rate` can do to a guest. */
export interface Danger {
  readonly modes: readonly DirtyRateMode[];
  /** For people: first and last release that have it. */
  readonly versions: string;
  readonly when: string;
  readonly what: string;
  /** Both in a few words, for the terminal. */
  readonly short: string;
  /** The commit or the function, as a reader can find it. */
  readonly source: string;
  /** What `migsim measure` does about it. */
  readonly answer: string;
  /** Whether it threatens this guest; absent where only the guest's administrator can know. */
  readonly threatens?: (guest: GuestSituation) => boolean;
}

/** `6.2` as a number that can be compared. */
export function release(major: number, minor: number): number {
  return major * 100 + minor;
}

function releaseOf({ version }: GuestSituation): number {
  return release(version.major, version.minor);
}

/** All that are known, with their sources; docs/live.md prints them. */
export const dangers: readonly Danger[] = [
  {
    modes: TRACKING_MODES,
    versions: '6.2 to 9.0',
    when: 'the guest runs without KVM (TCG)',
    what: 'QEMU ends with a segmentation fault: the check whether KVM has a dirty ring reads a KVM that is not there',
    short: 'QEMU 6.2 to 9.0 without KVM ends with a segmentation fault',
    source: 'commit e65152d548; seen with Debian’s QEMU 7.2.22',
    answer: 'uses page-sampling',
    threatens: (guest) => !guest.hasKvm && releaseOf(guest) < release(9, 1),
  },
  {
    modes: TRACKING_MODES,
    versions: '9.1 and later',
    when: 'the guest runs without KVM (TCG)',
    what: 'the answer is 0 for any guest: only what a hypervisor reports is counted',
    short: 'without KVM, QEMU 9.1 and later answer 0 for any guest',
    source: 'system/physmem.c, physical_memory_set_dirty_lebitmap; seen with QEMU 10.0.2',
    answer: 'uses page-sampling',
    threatens: (guest) => !guest.hasKvm,
  },
  {
    modes: TRACKING_MODES,
    versions: '6.2',
    when: 'the guest is paused, and it is measured twice',
    what: 'QEMU ends with a failed assertion: tracking is only switched off when the guest runs again, and starts twice',
    short: 'QEMU 6.2 ends when a paused guest is measured twice',
    source: 'commit a5c90c61a1',
    answer: 'measures guests that run, and looks before each measurement',
    threatens: (guest) => !guest.isRunning,
  },
  {
    modes: TRACKING_MODES,
    versions: '9.1 and later',
    when: 'a device is passed through by VFIO, and its dirty tracking cannot start',
    what: 'QEMU ends with a failed assertion: tracking that did not start is switched off at the end',
    short: 'QEMU 9.1 and later end when a VFIO device cannot track',
    source: 'commit 639ec3fbf9; migration/dirtyrate.c, calculate_dirtyrate_dirty_bitmap',
    answer: 'uses page-sampling on such guests',
    threatens: (guest) => guest.hasVfio && releaseOf(guest) >= release(9, 1),
  },
  {
    modes: ['dirty-ring'],
    versions: '6.2 to 7.2',
    when: 'a vCPU is plugged in while dirty rings are in use',
    what: 'QEMU can end: it empties the ring of a vCPU that is still being made',
    short: 'QEMU up to 7.2 can end when a vCPU is plugged in',
    source: 'commit 56adee407f',
    answer: 'warns: plug no vCPU meanwhile',
  },
  {
    modes: ['dirty-ring'],
    versions: '6.2 and later',
    when: 'a vCPU is plugged in or out during a measurement',
    what: 'QEMU ends: it begins again, and switches off what is off (up to 10.2 from 8.1 on it also releases a lock twice)',
    short: 'QEMU ends when a vCPU is plugged in or out meanwhile',
    source: 'migration/dirtyrate.c, vcpu_calculate_dirtyrate; commit c60c1077a7',
    answer: 'warns: plug no vCPU meanwhile',
  },
  {
    modes: TRACKING_MODES,
    versions: '6.2',
    when: 'a migration starts during a measurement',
    what: 'dirty tracking is started and stopped twice in the kernel',
    short: 'QEMU 6.2 starts tracking twice',
    source: 'commit 7b0538ed3a',
    answer: 'refuses a guest that migrates, and stops when a migration starts',
  },
  {
    modes: ['page-sampling'],
    versions: '5.2 and later',
    when: 'guest RAM is a shared file or huge pages and was never touched, or a virtio-mem device took it back',
    what: 'the pages that are read are allocated on the host',
    short: 'untouched pages are allocated on the host',
    source: 'migration/dirtyrate.c, save_ramblock_hash',
    answer: 'warns: the host needs that memory free',
  },
];

/** Why a mode is not used on this guest; null when nothing speaks against it. */
export function dangerOf(mode: DirtyRateMode, guest: GuestSituation): Danger | null {
  return dangers.find(({ modes, threatens }) => modes.includes(mode) && threatens?.(guest) === true) ?? null;
}
