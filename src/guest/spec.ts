/**
 * What a guest is, in plain numbers. Scenario files, recordings and learned logs all become a `GuestSpec`;
 * both memories are built from it and nothing else.
 */

import type { ModelResiduals } from './host-profiles/residuals.js';
import type { HostVariability, VariabilityOrigins } from './host-profiles/variability.js';

export { PAGE_BYTES } from '../units.js';

/** Pages of one 2 MiB huge page, which the first noticed write in it splits. */
export const HUGE_PAGE_PAGES = 512;

/**
 * A set of pages that a vCPU (or several) uses in one way. Within a class pages are interchangeable.
 *
 * Classes with writes must not overlap in address, except that several vCPUs may share one class: they then name the
 * same `firstPage` and `pages`. Pages of a class are never zero pages.
 */
export interface AccessClass {
  /** First page of the class, counted from the start of guest RAM. */
  readonly firstPage: number;
  /** Number of pages, at least 1. */
  readonly pages: number;
  /** `uniform`: every access picks any page of the class; `sequential`: page after page in address order, wrapping. */
  readonly pattern: 'uniform' | 'sequential';
  /** Where a sequential loop stands when the guest is made, 0 to `pages` - 1 from `firstPage`. Absent: drawn. */
  readonly startOffset?: number;
  /** Page writes a second of this vCPU while it runs at full speed and nothing is tracked. */
  readonly writesPerSecond: number;
  /** Page reads a second, likewise. Reads dirty nothing; they count in the work done. */
  readonly readsPerSecond: number;
  /** Where a fork's copy-on-write puts its pages, one for one: the first page of memory as large; see `Fork`. */
  readonly copyFirstPage?: number;
}

/**
 * The process that a vCPU runs forks (Redis saving in the background, PostgreSQL's or a shell's children). From then on the
 * first write to each page copies it, so that this and all later writes to it land on another page of guest RAM, while the
 * child goes on reading the old one. The copies of one fork lie where the originals of the next go: two areas, in turn. That
 * is exact where every page was written between two forks, or only one fork happens.
 */
export interface Fork {
  /** The first one, µs since the migration began. */
  readonly atUs: number;
  /** From one to the next, µs; 0: there is one only. */
  readonly everyUs: number;
}

/** From `atUs` on (virtual time since the migration began, may be negative), all rates are multiplied. */
export interface Phase {
  readonly atUs: number;
  readonly writeFactor: number;
  readonly readFactor: number;
}

/** One vCPU and its load. */
export interface VcpuSpec {
  /** Name of the group it belongs to, such as `writer`. */
  readonly group: string;
  readonly classes: readonly AccessClass[];
  /**
   * Share of its run time, 0..1, that the vCPU needs for its accesses when nothing is tracked. 1: it goes as fast as it
   * goes, so every tracking cost slows it. Below 1: it paces itself, and costs are absorbed by the time it would have
   * waited until that time is used up.
   */
  readonly busy: number;
  /**
   * Share of a CPU, 0..1, that it occupies while nothing holds it back: more than `busy` where it waits for its next access
   * in a loop. Absent: `busy`.
   */
  readonly occupies?: number;
  /**
   * Its work waits for it, as that of a server whose clients wait: whenever it was held back, by a throttle, a sleep or
   * other work on its CPU, it makes up for it at full speed, 1/`busy` of its pace, as soon as it runs. So a throttle of f
   * costs it nothing while 1 - f >= `busy`. Without it (the default) time that it did not run is lost.
   */
  readonly catchesUp?: boolean;
  /**
   * Of the time that a throttle makes it sleep, this much is not lost: a timer's tick stays pending and is answered at once
   * when the vCPU runs again, µs. Absent: 0. Only without `catchesUp`.
   */
  readonly pendingUs?: number;
  /** In order of `atUs`; empty: constant rates. After the last phase ends (`phasePeriodUs`) they begin again. */
  readonly phases: readonly Phase[];
  /** 0: the phases do not repeat. */
  readonly phasePeriodUs: number;
  /** Absent: its process does not fork. */
  readonly fork?: Fork;
}

/** What a paced vCPU waits after each access, µs; 0 for one that goes as fast as it goes. */
export function slackPerAccessUs(vcpu: VcpuSpec): number {
  const perSecond = vcpu.classes.reduce((sum, c) => sum + c.writesPerSecond + c.readsPerSecond, 0);
  return perSecond > 0 ? ((1 - vcpu.busy) / perSecond) * 1e6 : 0;
}

/** A stretch of memory outside every class that is written: zero pages, or zero pages and data in turn (`unused.ts`). */
export interface ZeroExtent {
  readonly firstPage: number;
  readonly pages: number;
  /** How many of its pages are zero, spread over all of it; absent: all. */
  readonly zeroPages?: number;
  /** Of its zero pages and of its data, those that the guest reports as free (virtio-balloon's free-page-hint); absent: none. */
  readonly hintedZeroPages?: number;
  readonly hintedDataPages?: number;
}

/** Pages whose content compresses in a way of its own. */
export interface ContentExtent {
  readonly firstPage: number;
  readonly pages: number;
  /** Bytes in per byte out of zstd at its first level, at least 1. */
  readonly compressibility: number;
}

/**
 * What devices write into guest RAM (DMA of VFIO devices, vhost and virtio backends): any page of a part of RAM that no vCPU
 * writes. They go on whatever holds vCPUs back, and stop with the guest. Each bitmap sync reads their own logs, in addition to KVM's:
 * neither a dirty ring nor the clearing of chunks sees these pages.
 */
export interface DmaSpec {
  readonly firstPage: number;
  readonly pages: number;
  readonly writesPerSecond: number;
}

/** A device passed through by VFIO, whose state migrates with the guest. */
export interface DeviceSpec {
  /** State that it sends while the guest runs (VFIO_MIGRATION_PRE_COPY), bytes; 0: it cannot. */
  readonly preCopyBytes: number;
  /** How fast that changes again, bytes/s. */
  readonly dirtyBytesPerSecond: number;
  /** State that it sends only when it is stopped, bytes. */
  readonly stopCopyBytes: number;
  /** At which it hands its state over, bytes/s; 0: faster than any link. */
  readonly bytesPerSecond: number;
  /** What stopping it at the source takes, and what starting it at the destination takes, µs. */
  readonly stopUs: number;
  readonly startUs: number;
}

/** A guest: its memory, its vCPUs and how its writes are tracked. */
export interface GuestSpec {
  /** Guest RAM in pages. */
  readonly ramPages: number;
  /** Pages of ROMs and VRAM: part of `ram.total`, sent in the first pass, placed after guest RAM. */
  readonly hiddenPages: number;
  /** In address order, disjoint. Page numbers from `ramPages` on are hidden pages. */
  readonly zeroExtents: readonly ZeroExtent[];
  /** Of all pages outside `contents`. Absent: as that on which the compressors of the table were measured. */
  readonly compressibility?: number;
  /** In address order, disjoint; none begins or ends inside a class that is written. Absent: none. */
  readonly contents?: readonly ContentExtent[];
  /** Entries of each vCPU's dirty ring, a power of two; 0: dirty tracking by the bitmap log. */
  readonly dirtyRingSize: number;
  /** Pages of one host page: 1, or 512 (2 MiB), or 262144 (1 GiB). Dirty pages of one host page are sent together. */
  readonly hostPagePages: number;
  readonly vcpus: readonly VcpuSpec[];
  /** Absent: none. */
  readonly devices?: readonly DeviceSpec[];
  /** Absent: they write nothing that counts. */
  readonly dma?: DmaSpec;
}

/** What the host costs. One profile describes one machine; nothing in it belongs to a single run. See docs/host-profiles.md. */
export interface HostProfile {
  readonly name: string;
  readonly summary: string;
  readonly source: string;
  /** Intel page modification logging: arming costs no fault, and the ring keeps 512 more entries in reserve. */
  readonly pml: boolean;
  /** First write to an armed page without PML, ns. */
  readonly writeFaultNs: number;
  /** First write to an armed page with PML, ns. */
  readonly pmlNsPerPage: number;
  /** First write after logging is switched on, once per 2 MiB, when huge pages are not split eagerly, µs. */
  readonly splitUs: number;
  /** A write pushes a dirty-ring entry whether or not the page is armed (nested hosts without re-arming). */
  readonly ringPushesEveryWrite: boolean;
  /** One exit for a full dirty ring, besides the entries reaped: exit, BQL, reset ioctl, TLB shoot-down, µs. */
  readonly ringExitUs: number;
  /** Per ring entry reaped, ns. */
  readonly ringEntryNs: number;
  /** A bitmap sync in bitmap mode, per GiB of RAM, µs; and its fixed part. */
  readonly bitmapSyncUsPerGiB: number;
  readonly syncFixedUs: number;
  /** The part of a sync for RAM that does not begin and end at 64 pages, as with many vhost-user devices, up to QEMU 10.2, µs. */
  readonly misalignedSyncUs: number;
  /** One vCPU kicked to user space during a ring sync, µs, when it does not sleep. */
  readonly kickUs: number;
  /** Setting up: fixed part, µs, and per GiB of RAM in bitmap and in ring mode. */
  readonly setupFixedUs: number;
  readonly setupUsPerGiBBitmap: number;
  readonly setupUsPerGiBRing: number;
  /** Free page hinting: time in which the guest reports 1 GiB of free memory, µs. */
  readonly freePageHintUsPerGiB: number;
  /** CPU time of the migration thread for a normal page and for a zero page, ns: caps the send rate. */
  readonly sendNsPerPage: number;
  readonly zeroNsPerPage: number;
  /**
   * What a normal page takes longer once vCPUs were stopped that ran all the time, ns: where source and destination share
   * CPUs, they share what was left to them until the scheduler has moved one of them. In proportion to what the vCPUs
   * occupied, up to one CPU.
   */
  readonly sendAfterBusyNsPerPage: number;
  /** multifd: what a normal page takes at least, however many channels there are, ns: CPUs that all of them share. */
  readonly multifdNsPerPage: number;
  /** CPU time of the destination to receive and place a normal page, ns; what it takes longer to populate one is `populateNsPerPage`. */
  readonly receiveNsPerPage: number;
  /** How late a timed wait returns, µs: mean of an exponential; in the slices of a CPU throttle, which are many, the mean. */
  readonly wakeLatencyUs: number;
  /** What a vCPU that needs all its time loses to cold caches and TLBs after each sleep, µs; in proportion when it paces itself. */
  readonly vcpuColdUs: number;
  /** Destination: time to take in a normal page that it never had before, ns: holds the source up through TCP. */
  readonly populateNsPerPage: number;
  /** Share of a vCPU's speed that one CPU's worth of migration work next to it costs (source and destination on one machine; 0: apart). */
  readonly siblingSlowdown: number;
  /** Switchover: pausing the vCPUs and notifiers, flushing block devices, µs. */
  readonly stopUs: number;
  readonly blockFlushUs: number;
  /** Non-iterable device state: base and per-vCPU bytes; time to save it, µs. */
  readonly deviceStateBytes: number;
  readonly deviceStateBytesPerVcpu: number;
  readonly deviceSaveUs: number;
  readonly deviceSaveUsPerVcpu: number;
  /** Destination: loading device state, starting the guest and cleaning up after the last byte arrived, µs. */
  readonly destinationLoadUs: number;
  readonly destinationLoadUsPerVcpu: number;
  readonly destinationStartUs: number;
  /** Post-copy: userfaultfd, request and placing one page, without the network, µs. */
  readonly postcopyFaultUs: number;
  /** Post-copy: what a request takes longer while the background pushes at full speed, µs: its threads wait for CPUs that they share. */
  readonly postcopyBusyUs: number;
  /** Post-copy: CPU time of the destination for one page fault, without placing the page, µs. */
  readonly postcopyFaultCpuUs: number;
  /** Post-copy: what the destination takes to place one page (UFFDIO_COPY), ns; holds the source up, as its socket is full. */
  readonly postcopyNsPerPage: number;
  /** The same besides, with preempt: the background gives way to requests after each page. */
  readonly postcopyPreemptNsPerPage: number;
  /** Post-copy: what the destination takes to discard pages and to register its memory, before it loads the devices, µs. */
  readonly postcopyPrepareUs: number;
  /** Bytes that background pages keep queued in the sockets before a requested page, when the link is full. */
  readonly socketQueueBytes: number;
  /** Memory that the kernel grants one connection at the source and at the destination, bytes. */
  readonly socketSendBytes: number;
  readonly socketReceiveBytes: number;
  /** How much it varies from run to run and within one; absent: not at all. */
  readonly variability?: HostVariability;
  /** Where the figures of its variability come from. */
  readonly variabilityOrigins?: VariabilityOrigins;
  /** What predictions for this host miss beyond what they draw; absent: not known. */
  readonly residuals?: ModelResiduals;
}
