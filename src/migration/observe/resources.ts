/** What a migration took of both hosts apart from the link: CPU time and memory. */
import { type HostProfile, PAGE_BYTES } from '../../guest/spec.js';
import type { Seen } from '../parts/parts.js';
import { migrationMemory } from '../rules/buffers.js';
import { type PageCpu, encodedTlsUs, normalPageCpu, zeroPageCpu } from '../rules/cpu-costs.js';
import { PAGE_HEADER_BYTES, PLAIN_STREAM, postcopyStreamCosts } from '../rules/stream.js';
import type { VersionFacts } from '../rules/versions.js';
import { XBZRLE_HEADER_BYTES } from '../rules/xbzrle.js';
import type { StreamSpec } from '../setup.js';

const { max, min } = Math;
const GIB_PAGES = 2 ** 30 / PAGE_BYTES;

/** CPU time of QEMU's own threads, without its vCPUs, and the memory outside the guest's. */
export interface Resources {
  /** The source, ms: all of it, and of that what sends, what compresses or encrypts, what looks for zeros, and what syncs. */
  readonly senderCpuMs: number;
  readonly sendCpuMs: number;
  readonly encodeCpuMs: number;
  readonly zeroTestCpuMs: number;
  readonly syncCpuMs: number;
  /** The destination, ms: all of it, and of that what receives, what decompresses or decrypts, what answers page faults. */
  readonly receiverCpuMs: number;
  readonly receiveCpuMs: number;
  readonly decodeCpuMs: number;
  readonly faultCpuMs: number;
  /** Buffers, caches and bitmaps at their largest, bytes. */
  readonly senderMemoryBytes: number;
  readonly receiverMemoryBytes: number;
}

/** `resentPages`: sent more than once. */
export function resourcesOf(seen: Seen, resentPages: number): Resources {
  const { setup, memory, state } = seen;
  const { host, migration, guest } = setup;
  const pages = carried(seen);
  const cpu = pageCpu(seen, pages);
  const { senderBytes, receiverBytes } = migrationMemory(guest, host, migration, memory.totalPages);
  const isOver = state.downtimeUs !== null;
  const sendCpuMs =
    (pages.whole * cpu.normal.sendUs +
      pages.postcopyNormal * cpu.postcopy.sendUs +
      (isOver ? saveCpuUs(seen) : 0)) /
    1000;
  const encodeCpuMs =
    (pages.whole * cpu.normal.encodeUs +
      pages.found * cpu.lookUpUs +
      (pages.encodedBytes / cpu.countedBytes) * cpu.encodedTlsUs +
      pages.postcopyNormal * cpu.postcopy.encodeUs) /
    1000;
  const zeroTestCpuMs =
    (pages.whole * cpu.normal.zeroTestUs + (pages.zero + pages.postcopyZero) * cpu.zero.zeroTestUs) / 1000;
  const syncCpuMs = (seen.counters.syncCpuUs + setupCpuUs(seen)) / 1000;
  const receiveCpuMs = (receiveCpuUs(seen, pages, cpu, resentPages) + (isOver ? loadCpuUs(seen) : 0)) / 1000;
  const decodeCpuMs =
    (pages.whole * cpu.normal.decodeUs +
      (pages.encodedBytes / cpu.countedBytes) * cpu.encodedTlsUs +
      pages.postcopyNormal * cpu.postcopy.decodeUs) /
    1000;
  const prepareUs = state.postcopyStartUs === null ? 0 : host.postcopyPrepareUs;
  const faultCpuMs = (seen.guest.requests * host.postcopyFaultCpuUs + prepareUs) / 1000;
  return {
    senderCpuMs: sendCpuMs + encodeCpuMs + zeroTestCpuMs + syncCpuMs,
    sendCpuMs,
    encodeCpuMs,
    zeroTestCpuMs,
    syncCpuMs,
    receiverCpuMs: receiveCpuMs + decodeCpuMs + faultCpuMs,
    receiveCpuMs,
    decodeCpuMs,
    faultCpuMs,
    senderMemoryBytes: senderBytes,
    receiverMemoryBytes: receiverBytes,
  };
}

/** What a stream carried: pages with their content, zero pages, and of XBZRLE those that were looked up and encoded. */
interface Carried {
  readonly whole: number;
  readonly zero: number;
  readonly found: number;
  readonly encoded: number;
  readonly encodedBytes: number;
  readonly postcopyNormal: number;
  readonly postcopyZero: number;
}

function carried({ counters }: Seen): Carried {
  const { postcopyNormalPages, postcopyZeroPages } = counters;
  return {
    whole: counters.normalPages - postcopyNormalPages,
    zero: counters.zeroPages - postcopyZeroPages,
    found: counters.xbzrlePages,
    encoded: counters.xbzrlePages - counters.xbzrleOverflows,
    encodedBytes: counters.xbzrleBytes - counters.xbzrleOverflows * PAGE_BYTES,
    postcopyNormal: postcopyNormalPages,
    postcopyZero: postcopyZeroPages,
  };
}

/** CPU time of a page by what it is, µs. */
interface PagesCpu {
  readonly normal: PageCpu;
  readonly zero: PageCpu;
  readonly postcopy: PageCpu;
  readonly encodedTlsUs: number;
  readonly countedBytes: number;
  readonly lookUpUs: number;
}

function pageCpu(seen: Seen, { postcopyNormal }: Carried): PagesCpu {
  const { setup, version } = seen;
  const { host, migration } = setup;
  const spec = migration.stream ?? PLAIN_STREAM;
  const normal = normalPageCpu(host, spec, meanWireBytes(seen));
  return {
    normal,
    zero: zeroPageCpu(host),
    // Without a page after the switch it does not matter what one would have cost.
    postcopy: postcopyNormal > 0 ? postcopyPageCpu(host, version, spec) : normal,
    encodedTlsUs: encodedTlsUs(spec),
    countedBytes: spec.xbzrleEncodedBytes + XBZRLE_HEADER_BYTES - PAGE_HEADER_BYTES,
    lookUpUs: spec.xbzrleBytesPerSecond > 0 ? (PAGE_BYTES / spec.xbzrleBytesPerSecond) * 1e6 : 0,
  };
}

function postcopyPageCpu(host: HostProfile, version: VersionFacts, spec: StreamSpec): PageCpu {
  const { wireBytes } = postcopyStreamCosts(host, version, spec).normal;
  return normalPageCpu(host, { ...spec, kind: 'plain' }, wireBytes);
}

/** Of a page of data as it went out on average, where contents differ. */
function meanWireBytes({ setup, stream, counters }: Seen): number {
  const whole = counters.normalPages - counters.postcopyNormalPages;
  if (whole <= 0 || setup.migration.stream?.kind !== 'multifd' || setup.guest.contents === undefined)
    return stream.normal.wireBytes;
  return counters.wholeBytes / whole;
}

/** Saving the state of devices and vCPUs. */
function saveCpuUs({ setup, guest }: Seen): number {
  return setup.host.deviceSaveUs + guest.vcpus.length * setup.host.deviceSaveUsPerVcpu;
}

/** Loading it. */
function loadCpuUs({ setup, guest }: Seen): number {
  const { host } = setup;
  return (
    host.destinationLoadUs + guest.vcpus.length * host.destinationLoadUsPerVcpu + host.destinationStartUs
  );
}

/** Arming memory in setup. */
function setupCpuUs({ setup, state, memory }: Seen): number {
  if (state.setupUs === 0) return 0;
  const { host } = setup;
  const perGiB = setup.guest.dirtyRingSize > 0 ? host.setupUsPerGiBRing : host.setupUsPerGiBBitmap;
  return host.setupFixedUs + (perGiB * memory.totalPages) / GIB_PAGES;
}

/** Receiving pages and placing them. */
function receiveCpuUs(
  { setup }: Seen,
  pages: Carried,
  { normal, zero }: PagesCpu,
  resentPages: number,
): number {
  const { host, migration } = setup;
  // Populating is for pages that the destination never had.
  const first = max(0, min(pages.whole, pages.whole + pages.encoded - resentPages));
  const populateUs = first * max(0, host.populateNsPerPage / 1000 - normal.receiveUs);
  const encodedShare = min(1, (migration.stream?.xbzrleEncodedBytes ?? 0) / PAGE_BYTES);
  const preemptNs = migration.postcopyPreempt === true ? host.postcopyPreemptNsPerPage : 0;
  const placeUs = (host.postcopyNsPerPage + preemptNs) / 1000;
  const placed = pages.postcopyNormal + pages.postcopyZero;
  return (
    (pages.whole + pages.encoded * encodedShare) * normal.receiveUs +
    pages.zero * zero.receiveUs +
    populateUs +
    placed * placeUs
  );
}
