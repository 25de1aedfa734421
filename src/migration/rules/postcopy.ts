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

/**
 * Time from touching a missing page until it is there, µs.
 *
 * Plain post-copy shares one socket: the request waits for what the background has queued, and for the host page being
 * sent (on average half of one). With preempt requested pages have a socket of their own and wait for neither. Threads that
 * share their CPUs with the background wait for those as well, on whatever socket.
 */
export function pageRequestLatencyUs(
  host: HostProfile,
  link: { readonly bandwidthBytesPerSecond: number; readonly latencyUs: number },
  hostPagePages: number,
  preempt: boolean,
  backgroundFillsLink: boolean,
): number {
  const usPerByte = 1e6 / link.bandwidthBytesPerSecond;
  const pageUs = hostPagePages * NORMAL_PAGE_BYTES * usPerByte;
  const waitUs = backgroundFillsLink ? host.postcopyBusyUs : 0;
  const ownUs = host.postcopyFaultUs + waitUs + 2 * link.latencyUs + pageUs;
  if (preempt) return ownUs;
  const queueUs = backgroundFillsLink ? host.socketQueueBytes * usPerByte : 0;
  const currentPageUs = hostPagePages > 1 ? pageUs / 2 : 0;
  return ownUs + queueUs + currentPageUs;
}
