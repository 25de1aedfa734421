/** What a page costs on the wire and in the sending thread: the plain single-channel stream (ram.c:save_normal_page, save_zero_page). */
import type { HostProfile } from '../guest/spec.js';

const { floor, max } = Math;

/** save_page_header: 8 bytes, the block name only after a change of block. */
export const PAGE_HEADER_BYTES = 8;
export const NORMAL_PAGE_BYTES = PAGE_HEADER_BYTES + 4096;
/** save_zero_page: header and one byte. */
export const ZERO_PAGE_BYTES = PAGE_HEADER_BYTES + 1;
/** End of an iteration: RAM_SAVE_FLAG_EOS, and the section's header and footer. */
export const ITERATION_END_BYTES = 8 + 5 + 5;
/** qemu-file.c: MAX_IOV_SIZE 64, two vectors a normal page; IO_BUF_SIZE 32 KiB of headers and zero pages. */
export const FLUSH_NORMAL_PAGES = 32;
export const FLUSH_ZERO_PAGES = floor(32768 / ZERO_PAGE_BYTES);

/** One kind of page on one kind of stream. */
export interface PageCost {
  /** Bytes on the wire for one page. */
  readonly bytes: number;
  /** Pages that are flushed together: bytes count when they are flushed. */
  readonly flushPages: number;
  /** Time of the sending thread, µs, without the link. */
  readonly cpuUs: number;
}

export interface StreamCosts {
  readonly normal: PageCost;
  readonly zero: PageCost;
}

/** The plain stream; `countsAtEnqueue` (7.2) counts every page at once. */
export function plainStream(host: HostProfile, countsAtEnqueue: boolean): StreamCosts {
  return {
    normal: {
      bytes: NORMAL_PAGE_BYTES,
      flushPages: countsAtEnqueue ? 1 : FLUSH_NORMAL_PAGES,
      cpuUs: host.sendNsPerPage / 1000,
    },
    zero: {
      bytes: ZERO_PAGE_BYTES,
      flushPages: countsAtEnqueue ? 1 : FLUSH_ZERO_PAGES,
      cpuUs: host.zeroNsPerPage / 1000,
    },
  };
}

/** Time that one page takes, µs: the slower of the sending thread and the link. */
export function pageTimeUs(cost: PageCost, linkBytesPerSecond: number): number {
  return max(cost.cpuUs, (cost.bytes / linkBytesPerSecond) * 1e6);
}

/** Pages of one kind after which the window's bytes exceed its quota, seen only at flushes; Infinity when unlimited. */
export function pagesToExceed(cost: PageCost, quota: number, windowBytes: number): number {
  if (quota === 0) return Infinity;
  const flushBytes = cost.bytes * cost.flushPages;
  return cost.flushPages * (floor(max(0, quota - windowBytes) / flushBytes) + 1);
}
