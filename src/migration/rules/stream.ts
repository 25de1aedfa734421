/**
 * What a page costs on the wire and in the sending threads: the plain stream (ram.c:save_normal_page, save_zero_page),
 * multifd with or without compression, TLS on either.
 */
import { type HostProfile, PAGE_BYTES } from '../../guest/spec.js';
import { BLOCK_PAGES } from '../../guest/unused.js';
import type { StreamSpec } from '../setup.js';
import type { VersionFacts } from './versions.js';

const { floor, max, min } = Math;
/** A page that is written by itself: neither waits for others. */
const ALONE = { flushPages: 1, inPacket: false, vectorShare: 1, bufferShare: 1 } as const;
const INFINITY = Infinity;

/** save_page_header: 8 bytes, the block name only after a change of block. */
export const PAGE_HEADER_BYTES = 8;
export const NORMAL_PAGE_BYTES = PAGE_HEADER_BYTES + 4096;
/** save_zero_page: header and one byte. */
export const ZERO_PAGE_BYTES = PAGE_HEADER_BYTES + 1;
/** End of an iteration: RAM_SAVE_FLAG_EOS, and the section's header and footer. */
export const EOS_BYTES = 8;
export const SECTION_BYTES = 5 + 5;
/** qemu-file.c: MAX_IOV_SIZE 64, two vectors a normal page; IO_BUF_SIZE 32 KiB of headers and zero pages. */
export const FLUSH_NORMAL_PAGES = 32;
export const IO_BUFFER_BYTES = 32_768;
export const FLUSH_ZERO_PAGES = floor(IO_BUFFER_BYTES / ZERO_PAGE_BYTES);

/** multifd.h: MULTIFD_PACKET_SIZE in pages; a packet's header is always this long (multifd.c: 320 + 8 * 128). */
export const MULTIFD_PACKET_PAGES = 128;
export const MULTIFD_PACKET_HEADER_BYTES = 1344;
/** multifd.c: the hello that each channel starts with. */
export const MULTIFD_HELLO_BYTES = 64;

/** One kind of page on one kind of stream. */
export interface PageCost {
  /** Bytes that count for one page, against a cap and in `transferred`; and those on the wire. */
  readonly bytes: number;
  readonly wireBytes: number;
  /** Pages that are flushed together: bytes count when they are flushed. */
  readonly flushPages: number;
  /** It travels in a packet of a multifd channel. */
  readonly inPacket: boolean;
  /** Share that it takes of the channel's vector of pages or of a packet, and of the main channel's buffer, 0..1. */
  readonly vectorShare: number;
  readonly bufferShare: number;
  /** Time of the sending side's CPUs, µs, without the link. */
  readonly cpuUs: number;
  /** Zero pages and data in turn: what either costs, and the share of zero pages. */
  readonly mixed?: MixedCost;
}

interface MixedCost {
  readonly zeroShare: number;
  readonly zero: PageCost;
  readonly normal: PageCost;
  /** Of each page's time, that of this many pages of data may pass while zero pages are looked for. */
  readonly besidePages: number;
}

export interface StreamCosts {
  readonly normal: PageCost;
  readonly zero: PageCost;
  /** Zero pages go out as normal ones: nothing looks for them. */
  readonly zeroAsNormal: boolean;
  /** Pages travel in multifd packets: the main channel's own counters stay near zero. */
  readonly multifd: boolean;
  /** Zero pages travel in the same packets, not as records of the main channel. */
  readonly zeroInPackets: boolean;
  /** Bytes of one multifd synchronisation: a SYNC packet a channel, RAM_SAVE_FLAG_MULTIFD_FLUSH on main; 0 without. */
  readonly syncPacketBytes: number;
  readonly syncFlagBytes: number;
  /** That synchronisation comes at the end of every iteration (up to machine type 8.0), not once a round. */
  readonly syncsEveryIteration: boolean;
  /** Pages that channels have on their way while the migration thread goes on to look for zero pages by itself; 0: it does all. */
  readonly aheadPages: number;
  /** Sent once in setup; nothing counts them up to 8.0. */
  readonly helloBytes: number;
}

export const PLAIN_STREAM: StreamSpec = {
  kind: 'plain',
  channels: 1,
  compression: 'none',
  compressionRatio: 1,
  compressionBytesPerSecond: 0,
  zeroPageDetection: 'legacy',
  xbzrleCacheBytes: 64 * 2 ** 20,
  xbzrleEncodedBytes: 0,
  xbzrleOverflowShare: 0,
  xbzrleBytesPerSecond: 0,
  tlsBytesPerSecond: 0,
};

/**
 * Time of a channel for one page, µs. Speeds are those of the whole channel, sending included, as people measure them: a
 * compressed page takes what its compressor takes, and TLS adds what it takes longer than plain sending of these bytes.
 */
function channelUs(host: HostProfile, spec: StreamSpec, bytes: number): number {
  const sendUs = (host.sendNsPerPage / 1000) * min(1, bytes / PAGE_BYTES);
  const { compression, compressionBytesPerSecond: speed, tlsBytesPerSecond: tls } = spec;
  const compresses = spec.kind === 'multifd' && compression !== 'none' && speed > 0;
  const plainUs = compresses ? (PAGE_BYTES / speed) * 1e6 : sendUs;
  return tls > 0 ? plainUs + max(0, (bytes / tls) * 1e6 - sendUs) : plainUs;
}

/** The costs of a stream under a version's rules. */
export function streamCosts(host: HostProfile, version: VersionFacts, spec: StreamSpec): StreamCosts {
  return spec.kind === 'multifd' ? multifdStream(host, version, spec) : mainStream(host, version, spec);
}

/**
 * What carries the pages after the switch to post-copy (ram.c:ram_save_target_page, 10.2): the main channel or the one for
 * requested pages, uncompressed, whatever came before. Zero pages are looked for unless multifd's channels did that.
 */
export function postcopyStreamCosts(host: HostProfile, version: VersionFacts, spec: StreamSpec): StreamCosts {
  const isFound = spec.kind !== 'multifd' || spec.zeroPageDetection === 'legacy';
  return mainStream(host, version, { ...spec, zeroPageDetection: isFound ? spec.zeroPageDetection : 'none' });
}

/** Two vectors and a header per page, a header and a byte per zero page. */
const NORMAL_ON_MAIN = {
  flushPages: FLUSH_NORMAL_PAGES,
  inPacket: false,
  vectorShare: 1 / FLUSH_NORMAL_PAGES,
  bufferShare: PAGE_HEADER_BYTES / IO_BUFFER_BYTES,
} as const;
const ZERO_ON_MAIN = {
  flushPages: FLUSH_ZERO_PAGES,
  inPacket: false,
  vectorShare: 0,
  bufferShare: 1 / FLUSH_ZERO_PAGES,
} as const;
const IN_PACKET = {
  flushPages: MULTIFD_PACKET_PAGES,
  inPacket: true,
  vectorShare: 1 / MULTIFD_PACKET_PAGES,
  bufferShare: 0,
} as const;

/** How pages of one kind travel. */
type Carriage = Pick<PageCost, 'flushPages' | 'inPacket' | 'vectorShare' | 'bufferShare'>;

function pageCost(bytes: number, wireBytes: number, by: Carriage, cpuUs: number): PageCost {
  const { flushPages, inPacket, vectorShare, bufferShare } = by;
  return { bytes, wireBytes, flushPages, inPacket, vectorShare, bufferShare, cpuUs };
}

function zeroOnMain(version: VersionFacts, cpuUs: number): PageCost {
  return pageCost(ZERO_PAGE_BYTES, ZERO_PAGE_BYTES, version.countsEachPage ? ALONE : ZERO_ON_MAIN, cpuUs);
}

/** The migration thread does everything on one channel; XBZRLE's encoded pages are reckoned where they are found. */
function mainStream(host: HostProfile, version: VersionFacts, spec: StreamSpec): StreamCosts {
  const zeroAsNormal = spec.zeroPageDetection === 'none';
  return {
    normal: pageCost(
      NORMAL_PAGE_BYTES,
      NORMAL_PAGE_BYTES,
      version.countsEachPage ? ALONE : NORMAL_ON_MAIN,
      channelUs(host, spec, NORMAL_PAGE_BYTES),
    ),
    zero: zeroOnMain(version, host.zeroNsPerPage / 1000),
    zeroAsNormal,
    multifd: false,
    zeroInPackets: false,
    syncPacketBytes: 0,
    syncFlagBytes: 0,
    syncsEveryIteration: false,
    aheadPages: 0,
    helloBytes: 0,
  };
}

/**
 * multifd.c, multifd-nocomp.c, multifd-zero-page.c: the main thread hands packets of 128 pages to the channels in turn, so
 * channels share the work of a page; the thread that looks for zero pages pays for that.
 */
function multifdStream(host: HostProfile, version: VersionFacts, spec: StreamSpec): StreamCosts {
  const { channels } = spec;
  const headerShare = MULTIFD_PACKET_HEADER_BYTES / MULTIFD_PACKET_PAGES;
  const inChannels = spec.zeroPageDetection === 'multifd' && version.hasZeroPageDetection;
  const payload = spec.compression === 'none' ? PAGE_BYTES : PAGE_BYTES / spec.compressionRatio;
  const wireBytes = payload + headerShare;
  const sendUs = channelUs(host, spec, wireBytes);
  const zeroUs = host.zeroNsPerPage / 1000;
  // Batching a page costs the main thread far less than writing it; a zero test there is serial work.
  const mainUs = spec.zeroPageDetection === 'none' || inChannels ? 0 : zeroUs;
  return {
    normal: pageCost(
      version.multifdCountsQueued ? PAGE_BYTES + headerShare : wireBytes,
      wireBytes,
      IN_PACKET,
      max(mainUs, sendUs / channels, host.multifdNsPerPage / 1000),
    ),
    zero: inChannels
      ? pageCost(headerShare, headerShare, IN_PACKET, zeroUs / channels)
      : zeroOnMain(version, zeroUs),
    zeroAsNormal: spec.zeroPageDetection === 'none',
    multifd: true,
    zeroInPackets: inChannels,
    syncPacketBytes: channels * MULTIFD_PACKET_HEADER_BYTES,
    syncFlagBytes: version.multifdSyncsEveryIteration ? 0 : 8,
    syncsEveryIteration: version.multifdSyncsEveryIteration,
    // multifd_send_pages waits for a channel that is idle: each has a packet by then.
    aheadPages: mainUs > 0 ? channels * MULTIFD_PACKET_PAGES : 0,
    helloBytes: version.multifdCountsQueued ? 0 : channels * MULTIFD_HELLO_BYTES,
  };
}

/** What an iteration ends with, bytes. */
export function iterationEndBytes(costs: StreamCosts): number {
  return SECTION_BYTES + EOS_BYTES + (costs.syncsEveryIteration ? costs.syncPacketBytes : 0);
}

/**
 * The mean page where zero pages and data alternate: exact for a stretch of many runs. On the main channel zero pages fill
 * the buffer and data the vector, each as if alone. Runs are longer than a packet: packets hold either kind, and what counts
 * is how many hold data, one for each run of data at least.
 */
export function mixedCost({ normal, zero, aheadPages }: StreamCosts, zeroShare: number): PageCost {
  const dataShare = 1 - zeroShare;
  const ofData = dataShare * normal.vectorShare;
  let vectorShare = ofData + zeroShare * zero.vectorShare;
  if (zero.inPacket) vectorShare = max(ofData, 1 / BLOCK_PAGES);
  // The vector of the main channel, where zero pages then go, is another.
  else if (normal.inPacket) vectorShare = ofData;
  const bufferShare = normal.inPacket ? 0 : dataShare * normal.bufferShare + zeroShare * zero.bufferShare;
  return {
    bytes: dataShare * normal.bytes + zeroShare * zero.bytes,
    wireBytes: dataShare * normal.wireBytes + zeroShare * zero.wireBytes,
    flushPages: 1 / max(vectorShare, bufferShare),
    inPacket: normal.inPacket,
    vectorShare,
    bufferShare,
    cpuUs: dataShare * normal.cpuUs + zeroShare * zero.cpuUs,
    mixed: { zeroShare, zero, normal, besidePages: aheadPages / BLOCK_PAGES },
  };
}

/**
 * Time that one page takes, µs: the slower of the sending side, whose costs take `pace` times as long, and the link. Where
 * multifd's channels send data while the migration thread looks for zero pages, a stretch of either takes only what it takes
 * longer.
 */
export function pageTimeUs(cost: PageCost, linkBytesPerSecond: number, pace = 1): number {
  const { mixed } = cost;
  if (mixed !== undefined) {
    const normalUs = pageTimeUs(mixed.normal, linkBytesPerSecond, pace);
    const zerosUs = mixed.zeroShare * pageTimeUs(mixed.zero, linkBytesPerSecond, pace);
    const dataUs = (1 - mixed.zeroShare) * normalUs;
    return zerosUs + dataUs - min(zerosUs, dataUs, mixed.besidePages * normalUs);
  }
  return max(cost.cpuUs * pace, (cost.wireBytes / linkBytesPerSecond) * 1e6);
}

/** Pages of one kind after which the window's bytes exceed its quota, seen only at flushes; Infinity when unlimited. */
export function pagesToExceed(cost: PageCost, quota: number, windowBytes: number): number {
  if (quota === 0) return INFINITY;
  const flushBytes = cost.bytes * cost.flushPages;
  return cost.flushPages * (floor(max(0, quota - windowBytes) / flushBytes) + 1);
}
