/**
 * Post-copy: what a missing page costs. Sources: QEMU migration/postcopy-ram.c (requests), ram.c:get_queued_page and
 * ram_save_host_page_urgent (who answers), and the latencies measured in the cover letters of the preempt series (2022).
 */
import type { HostProfile } from '../../guest/spec.js';
import { NORMAL_PAGE_BYTES } from './stream.js';

const { ceil } = Math;

/** postcopy-ram.c: MAX_DISCARDS_PER_COMMAND. */
const DISCARDS_PER_COMMAND = 12;
/** savevm.c:qemu_savevm_send_postcopy_ram_discard: start and length of each range. */
const DISCARD_RANGE_BYTES = 16;
/** Command header, version, and the length and text of the name `pc.ram` with its end. */
const DISCARD_COMMAND_BYTES = 5 + 2 + 7;

/** Bytes that carry the ranges of dirty pages to the destination, which discards them. */
export function discardBytes(ranges: number): number {
  return ranges * DISCARD_RANGE_BYTES + ceil(ranges / DISCARDS_PER_COMMAND) * DISCARD_COMMAND_BYTES;
}

/** What passes from touching a missing page until it is there. */
export interface PageRequest {
  /** Without the wire, µs. */
  readonly fixedUs: number;
  /** That go over the wire until then, the page included. */
  readonly bytes: number;
}

/**
 * Plain post-copy shares one socket: the request waits for what the background has queued, and for the host page being
 * sent (on average half of one). With preempt requested pages have a socket of their own and wait for neither. Threads that
 * share their CPUs with the background wait for those as well, on whatever socket.
 */
export function pageRequest(
  host: HostProfile,
  latencyUs: number,
  hostPagePages: number,
  preempt: boolean,
  backgroundFillsLink: boolean,
): PageRequest {
  const pageBytes = hostPagePages * NORMAL_PAGE_BYTES;
  const waitUs = backgroundFillsLink ? host.postcopyBusyUs : 0;
  const fixedUs = host.postcopyFaultUs + waitUs + 2 * latencyUs;
  if (preempt) return { fixedUs, bytes: pageBytes };
  const queuedBytes = backgroundFillsLink ? host.socketQueueBytes : 0;
  const currentBytes = hostPagePages > 1 ? pageBytes / 2 : 0;
  return { fixedUs, bytes: pageBytes + queuedBytes + currentBytes };
}
