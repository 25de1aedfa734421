/**
 * How users write the fields of a host profile: the key in scenario files, the kind of quantity, and what it means.
 * Validation, completion and docs/host-profiles.md follow this table.
 */
import type { FlagEntry, QuantityEntry } from '../../options/table.js';
import type { HostProfile } from '../spec.js';

export type HostField = Exclude<
  keyof HostProfile,
  'name' | 'summary' | 'source' | 'residuals' | 'variability' | 'variabilityOrigins'
>;

/** Times are stored in ns or µs, as the name of the field says. */
export type HostFieldEntry = (
  (QuantityEntry & { readonly kind: 'duration-ns' | 'duration' | 'size' | 'share' }) | FlagEntry
) & { readonly key: string };

const SHORT = { zero: true, max: '1s' } as const;
const TIME = { zero: true, max: '1h' } as const;
const STATE = { zero: true, max: '1GiB' } as const;
const SHARE = { zero: true, max: '100%' } as const;

export const hostFields: Readonly<Record<HostField, HostFieldEntry>> = {
  pml: {
    key: 'pml',
    kind: 'flag',
    summary:
      'Intel page modification logging: first writes cost no fault, rings keep 512 more entries in reserve',
  },
  writeFaultNs: {
    key: 'write-fault',
    kind: 'duration-ns',
    ...SHORT,
    summary: 'first write to a tracked page, without PML',
  },
  pmlNsPerPage: {
    key: 'pml-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary: 'first write to a tracked page, with PML',
  },
  splitUs: {
    key: 'split',
    kind: 'duration',
    ...TIME,
    summary: 'first write in each 2 MiB when huge pages are not split eagerly',
  },
  ringPushesEveryWrite: {
    key: 'ring-pushes-every-write',
    kind: 'flag',
    summary: 'every write takes a dirty-ring entry, also to pages that are dirty already (nested hosts)',
  },
  ringExitUs: {
    key: 'ring-exit',
    kind: 'duration',
    ...TIME,
    summary: 'one exit for a full dirty ring, without the cost of its entries',
  },
  ringEntryNs: { key: 'ring-entry', kind: 'duration-ns', ...SHORT, summary: 'reaping one dirty-ring entry' },
  bitmapSyncUsPerGiB: {
    key: 'bitmap-sync-per-gib',
    kind: 'duration',
    ...TIME,
    summary: 'one bitmap sync, per GiB of RAM, without a dirty ring',
  },
  syncFixedUs: { key: 'sync', kind: 'duration', ...TIME, summary: 'fixed part of a bitmap sync' },
  misalignedSyncUs: {
    key: 'misaligned-sync',
    kind: 'duration',
    ...TIME,
    summary:
      'part of a bitmap sync for RAM that does not begin and end at 64 pages, as with many vhost-user devices; QEMU 11.0 and later take a sixtieth of it',
  },
  kickUs: {
    key: 'kick',
    kind: 'duration',
    ...TIME,
    summary: 'kicking one vCPU to user space in a dirty-ring sync, when it does not sleep',
  },
  setupFixedUs: { key: 'setup', kind: 'duration', ...TIME, summary: 'fixed part of the setup' },
  setupUsPerGiBBitmap: {
    key: 'setup-per-gib-bitmap',
    kind: 'duration',
    ...TIME,
    summary: 'switching on the bitmap log, per GiB of RAM',
  },
  setupUsPerGiBRing: {
    key: 'setup-per-gib-ring',
    kind: 'duration',
    ...TIME,
    summary: 'arming all pages in dirty-ring mode, per GiB of RAM',
  },
  freePageHintUsPerGiB: {
    key: 'free-page-hint-per-gib',
    kind: 'duration',
    ...TIME,
    summary: 'free page hinting: the guest reports 1 GiB of free memory',
  },
  sendNsPerPage: {
    key: 'send-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary: 'CPU time of the migration thread for a normal page: caps the send rate',
  },
  zeroNsPerPage: {
    key: 'zero-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary: 'CPU time of the migration thread for a zero page',
  },
  sendAfterBusyNsPerPage: {
    key: 'send-after-busy-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary:
      'what a normal page takes longer when vCPUs that ran all the time have just been stopped: source and destination share CPUs, and one has yet to move to those that became free',
  },
  multifdNsPerPage: {
    key: 'multifd-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary:
      'what a normal page takes at least with multifd: CPUs that all channels and the destination share',
  },
  receiveNsPerPage: {
    key: 'receive-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary: 'CPU time of the destination for a normal page; costs no time of the migration',
  },
  wakeLatencyUs: {
    key: 'wake-latency',
    kind: 'duration',
    ...TIME,
    summary: 'how late a timed wait returns, mean',
  },
  vcpuColdUs: {
    key: 'vcpu-cold',
    kind: 'duration',
    ...TIME,
    summary: 'what a vCPU that needs all its time loses to cold caches and TLBs after each sleep',
  },
  populateNsPerPage: {
    key: 'populate-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary: 'destination: taking in a page that it never had before; holds the source up through TCP',
  },
  siblingSlowdown: {
    key: 'sibling-slowdown',
    kind: 'share',
    ...SHARE,
    summary:
      "share of a vCPU's speed that one CPU's worth of migration work next to it costs (source and destination on one machine)",
  },
  stopUs: {
    key: 'stop',
    kind: 'duration',
    ...TIME,
    summary: 'pausing the vCPUs and telling devices at switchover',
  },
  blockFlushUs: {
    key: 'block-flush',
    kind: 'duration',
    ...TIME,
    summary: 'draining and flushing block devices at switchover',
  },
  deviceStateBytes: { key: 'device-state', kind: 'size', ...STATE, summary: 'device state, without vCPUs' },
  deviceStateBytesPerVcpu: {
    key: 'device-state-per-vcpu',
    kind: 'size',
    ...STATE,
    summary: 'device state of one vCPU',
  },
  deviceSaveUs: {
    key: 'device-save',
    kind: 'duration',
    ...TIME,
    summary: 'saving device state, without vCPUs',
  },
  deviceSaveUsPerVcpu: {
    key: 'device-save-per-vcpu',
    kind: 'duration',
    ...TIME,
    summary: 'saving the state of one vCPU',
  },
  destinationLoadUs: {
    key: 'destination-load',
    kind: 'duration',
    ...TIME,
    summary: 'destination: loading device state after the last byte arrived, without vCPUs',
  },
  destinationLoadUsPerVcpu: {
    key: 'destination-load-per-vcpu',
    kind: 'duration',
    ...TIME,
    summary: 'destination: loading the state of one vCPU',
  },
  destinationStartUs: {
    key: 'destination-start',
    kind: 'duration',
    ...TIME,
    summary: 'destination: starting the guest and cleaning up',
  },
  postcopyFaultUs: {
    key: 'postcopy-fault',
    kind: 'duration',
    ...TIME,
    summary: 'post-copy: userfaultfd, request and placing one page, without the network',
  },
  postcopyBusyUs: {
    key: 'postcopy-busy',
    kind: 'duration',
    ...TIME,
    summary:
      'post-copy: what a page request takes longer while the background pushes at full speed, where its threads wait for CPUs that they share',
  },
  postcopyFaultCpuUs: {
    key: 'postcopy-fault-cpu',
    kind: 'duration',
    ...TIME,
    summary: 'post-copy: CPU time of the destination for one page fault, without placing the page',
  },
  postcopyNsPerPage: {
    key: 'postcopy-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary: 'post-copy: the destination places one page; holds the source up',
  },
  postcopyPreemptNsPerPage: {
    key: 'postcopy-preempt-per-page',
    kind: 'duration-ns',
    ...SHORT,
    summary:
      'extra cost of placing a page with preempt: the background gives way to requests after each page',
  },
  postcopyPrepareUs: {
    key: 'postcopy-prepare',
    kind: 'duration',
    ...TIME,
    summary: 'post-copy: the destination discards pages and registers its memory before it loads the devices',
  },
  socketQueueBytes: {
    key: 'socket-queue',
    kind: 'size',
    ...STATE,
    summary:
      'post-copy: background bytes queued in the sockets before a requested page, when the link is full',
  },
  socketSendBytes: {
    key: 'socket-send',
    kind: 'size',
    ...STATE,
    summary: 'memory of one connection at the source',
  },
  socketReceiveBytes: {
    key: 'socket-receive',
    kind: 'size',
    ...STATE,
    summary: 'memory of one connection at the destination',
  },
};
