/** What a migration took of both hosts besides the link: CPU time and memory. */
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Seen } from '../parts/parts.js';
import { migrationMemory } from '../rules/buffers.js';
import { encodedTlsUs, normalPageCpu, zeroPageCpu } from '../rules/cpu-costs.js';
import { PAGE_HEADER_BYTES, PLAIN_STREAM, type StreamCosts, postcopyStreamCosts } from '../rules/stream.js';
import { XBZRLE_HEADER_BYTES } from '../rules/xbzrle.js';

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
  const { setup, memory } = seen;
  const { senderBytes, receiverBytes } = migrationMemory(
    setup.guest,
    setup.host,
    setup.migration,
    memory.totalPages,
  );
  return {
    ...sender(seen),
    ...receiver(seen, resentPages),
    senderMemoryBytes: senderBytes,
    receiverMemoryBytes: receiverBytes,
  };
}

/** What a stream carried: pages with their content, zero pages, and of XBZRLE those that were looked up and encoded. */
function carried({ counters }: Seen) {
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

function pageCpu(seen: Seen) {
  const { setup, version } = seen;
  const { host, migration } = setup;
  const spec = migration.stream ?? PLAIN_STREAM;
  const main = { ...spec, kind: 'plain' as const };
  return {
    normal: normalPageCpu(host, spec, meanNormal(seen)),
    zero: zeroPageCpu(host),
    postcopy: normalPageCpu(host, main, postcopyStreamCosts(host, version, spec)),
    encodedTlsUs: encodedTlsUs(spec),
    countedBytes: spec.xbzrleEncodedBytes + XBZRLE_HEADER_BYTES - PAGE_HEADER_BYTES,
    lookUpUs: spec.xbzrleBytesPerSecond > 0 ? (PAGE_BYTES / spec.xbzrleBytesPerSecond) * 1e6 : 0,
  };
}

/** A page of data as it went out on average, where contents differ. */
function meanNormal({ setup, stream, counters }: Seen): Pick<StreamCosts, 'normal'> {
  const whole = counters.normalPages - counters.postcopyNormalPages;
  if (whole <= 0 || setup.migration.stream?.kind !== 'multifd' || setup.guest.contents === undefined)
    return stream;
  return { normal: { ...stream.normal, wireBytes: counters.wholeBytes / whole } };
}

function sender(seen: Seen) {
  const { setup, guest, state, counters } = seen;
  const { host } = setup;
  const pages = carried(seen);
  const cpu = pageCpu(seen);
  const saveUs =
    state.downtimeUs === null ? 0 : host.deviceSaveUs + guest.vcpus.length * host.deviceSaveUsPerVcpu;
  const sendCpuMs =
    (pages.whole * cpu.normal.sendUs + pages.postcopyNormal * cpu.postcopy.sendUs + saveUs) / 1000;
  const encodeCpuMs =
    (pages.whole * cpu.normal.encodeUs +
      pages.found * cpu.lookUpUs +
      (pages.encodedBytes / cpu.countedBytes) * cpu.encodedTlsUs +
      pages.postcopyNormal * cpu.postcopy.encodeUs) /
    1000;
  const zeroTestCpuMs =
    (pages.whole * cpu.normal.zeroTestUs + (pages.zero + pages.postcopyZero) * cpu.zero.zeroTestUs) / 1000;
  const syncCpuMs = (counters.syncCpuUs + setupCpuUs(seen)) / 1000;
  const senderCpuMs = sendCpuMs + encodeCpuMs + zeroTestCpuMs + syncCpuMs;
  return { senderCpuMs, sendCpuMs, encodeCpuMs, zeroTestCpuMs, syncCpuMs };
}

/** Arming memory in setup. */
function setupCpuUs({ setup, state, memory }: Seen): number {
  if (state.setupUs === 0) return 0;
  const { host } = setup;
  const perGiB = setup.guest.dirtyRingSize > 0 ? host.setupUsPerGiBRing : host.setupUsPerGiBBitmap;
  return host.setupFixedUs + (perGiB * memory.totalPages) / GIB_PAGES;
}

function receiver(seen: Seen, resentPages: number) {
  const { setup, guest, state } = seen;
  const { host, migration } = setup;
  const pages = carried(seen);
  const cpu = pageCpu(seen);
  const { normal } = cpu;
  // Populating is for pages that the destination never had.
  const first = max(0, min(pages.whole, pages.whole + pages.encoded - resentPages));
  const populateUs = first * max(0, host.populateNsPerPage / 1000 - normal.receiveUs);
  const encodedShare = min(1, (migration.stream?.xbzrleEncodedBytes ?? 0) / PAGE_BYTES);
  const preemptNs = migration.postcopyPreempt === true ? host.postcopyPreemptNsPerPage : 0;
  const placeUs = (host.postcopyNsPerPage + preemptNs) / 1000;
  const placed = pages.postcopyNormal + pages.postcopyZero;
  const vcpus = guest.vcpus.length;
  const loadUs =
    state.downtimeUs === null
      ? 0
      : host.destinationLoadUs + vcpus * host.destinationLoadUsPerVcpu + host.destinationStartUs;
  const prepareUs = state.postcopyStartUs === null ? 0 : host.postcopyPrepareUs;
  const receiveCpuMs =
    ((pages.whole + pages.encoded * encodedShare) * normal.receiveUs +
      pages.zero * cpu.zero.receiveUs +
      populateUs +
      placed * placeUs +
      loadUs) /
    1000;
  const decodeCpuMs =
    (pages.whole * normal.decodeUs +
      (pages.encodedBytes / cpu.countedBytes) * cpu.encodedTlsUs +
      pages.postcopyNormal * cpu.postcopy.decodeUs) /
    1000;
  const faultCpuMs = (guest.requests * host.postcopyFaultCpuUs + prepareUs) / 1000;
  const receiverCpuMs = receiveCpuMs + decodeCpuMs + faultCpuMs;
  return { receiverCpuMs, receiveCpuMs, decodeCpuMs, faultCpuMs };
}
