/**
 * What was handed on without being counted when the rate is looked at. The main channel counts what it writes (qemu-file.c):
 * its vector of pages and its buffer of headers and small records are written when either is full, and at the end of an
 * iteration. Of multifd a packet counts when it was sent (since 8.1): not the one that is being filled, nor the last one
 * of each other channel, which sends it while the migration thread looks. One without data is written at once, and its channel
 * takes the next.
 */
import { MULTIFD_PACKET_HEADER_BYTES, type PageCost } from '../rules/stream.js';

const { ceil, floor, max, min } = Math;

/** Part of a page that is a rounding error. */
const SLACK_PAGES = 1e-6;

export class SendQueue {
  // The main channel: shares of its vector and of its buffer that are taken, and the bytes in them.
  #vector = 0;
  #buffer = 0;
  #bytes = 0;
  // The packet that is being filled
  #packet = 0;
  #packetBytes = 0;
  /** Bytes of the last packets of this window, one for each channel but one, the oldest at `#oldest`. */
  readonly #flights: Float64Array;
  #oldest = 0;
  #inFlight = 0;

  /** `flights`: packets that may be on their way without being counted. */
  constructor(flights: number) {
    this.#flights = new Float64Array(flights);
  }

  /** Bytes. */
  get uncounted(): number {
    return this.#bytes + this.#packetBytes + this.#inFlight;
  }

  /** The pages of one kind with which more than `allowance` further bytes may count; of packets, with which the next is full. */
  pagesToExceed(cost: PageCost, allowance: number): number {
    if (cost.inPacket) return pagesToFlush(cost, this.#packet, 0);
    const first = pagesToFlush(cost, this.#vector, this.#buffer);
    const bytes = this.#bytes + first * cost.bytes;
    if (bytes > allowance) return first;
    return first + cost.flushPages * (floor((allowance - bytes) / (cost.flushPages * cost.bytes)) + 1);
  }

  /** A number of pages were handed on. */
  add(pages: number, cost: PageCost): void {
    const { bytes, flushPages, inPacket } = cost;
    const first = inPacket
      ? pagesToFlush(cost, this.#packet, 0)
      : pagesToFlush(cost, this.#vector, this.#buffer);
    const beyond = pages - first;
    if (beyond < -SLACK_PAGES) return this.#keep(pages, cost);
    const flushes = floor((beyond + SLACK_PAGES) / flushPages);
    if (inPacket) {
      this.#fly(this.#packetBytes + first * bytes);
      const last = min(flushes, this.#flights.length);
      for (let i = 0; i < last; i += 1) this.#fly(flushPages * bytes);
      this.#packet = 0;
      this.#packetBytes = 0;
    } else this.endIteration();
    this.#keep(max(0, beyond - flushes * flushPages), cost);
  }

  /** ram.c:ram_save_iterate flushes the main channel. */
  endIteration(): void {
    this.#vector = 0;
    this.#buffer = 0;
    this.#bytes = 0;
  }

  /** A window has gone by: what was on its way at its begin has long been sent. */
  beginWindow(): void {
    if (this.#inFlight === 0) return;
    this.#flights.fill(0);
    this.#inFlight = 0;
  }

  /** multifd.c:multifd_send_sync_main: the packet goes as it is, and all channels are waited for. */
  synchronise(): void {
    this.endIteration();
    this.beginWindow();
    this.#packet = 0;
    this.#packetBytes = 0;
  }

  #keep(pages: number, cost: PageCost): void {
    if (cost.inPacket) {
      this.#packet += pages * cost.vectorShare;
      this.#packetBytes += pages * cost.bytes;
      return;
    }
    this.#vector += pages * cost.vectorShare;
    this.#buffer += pages * cost.bufferShare;
    this.#bytes += pages * cost.bytes;
  }

  #fly(bytes: number): void {
    if (this.#flights.length === 0 || bytes <= MULTIFD_PACKET_HEADER_BYTES + SLACK_PAGES) return;
    this.#inFlight += bytes - this.#flights[this.#oldest]!;
    this.#flights[this.#oldest] = bytes;
    this.#oldest = (this.#oldest + 1) % this.#flights.length;
  }
}

/** Pages of one kind with which the vector or the buffer is full; whole ones where the kind is one page's. */
function pagesToFlush({ vectorShare, bufferShare, mixed }: PageCost, vector: number, buffer: number): number {
  const pages = min(
    vectorShare > 0 ? (1 - vector) / vectorShare : Infinity,
    bufferShare > 0 ? (1 - buffer) / bufferShare : Infinity,
  );
  return max(SLACK_PAGES, mixed === undefined ? ceil(pages - SLACK_PAGES) : pages);
}
