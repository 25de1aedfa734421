/** How the pages that are missing follow a guest that has moved: those it asks for, and the rest in the background. */
import type { Parts } from './parts.js';
import { pageRequestLatencyUs } from '../rules/postcopy.js';
import { PLAIN_STREAM, type StreamCosts, pageTimeUs, postcopyStreamCosts } from '../rules/stream.js';

const { ceil, min } = Math;
const INFINITY = Infinity;

export class PostcopyPages {
  readonly #parts: Parts;
  readonly #stream: StreamCosts;
  /** What the last push sent beyond its time, bytes: 0 or less. */
  #credit = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { setup, version } = parts;
    this.#stream = postcopyStreamCosts(setup.host, version, setup.migration.stream ?? PLAIN_STREAM);
  }

  /** The vCPUs run on the destination until `untilUs`; the pages they asked for are sent. Returns their number. */
  serveRequests(untilUs: number): number {
    const { setup, link, memory, guest, counters, window, run } = this.#parts;
    const { host, migration } = setup;
    const now = { bandwidthBytesPerSecond: link.bytesPerSecond, latencyUs: link.latencyUs };
    const background = window.maxPostcopyBandwidth === 0;
    const preempt = migration.postcopyPreempt ?? false;
    const stallUs = link.isDown
      ? INFINITY
      : pageRequestLatencyUs(host, now, setup.guest.hostPagePages, preempt, background);
    run.handOver();
    const fetched = guest.advanceRemote(untilUs, stallUs);
    run.dirtyPages = memory.dirtyPages();
    const bytes = fetched * this.#stream.normal.bytes;
    counters.normalPages += fetched;
    counters.transferred += bytes;
    counters.postcopyBytes += bytes;
    return fetched;
  }

  /** Background push for `us`; pages just requested have used their part of the link. */
  push(us: number, requested: number): void {
    const { clock, link, window, run } = this.#parts;
    const { normal, zeroAsNormal } = this.#stream;
    const limit = window.maxPostcopyBandwidth;
    const rate = limit > 0 ? min(limit, link.bytesPerSecond) : link.bytesPerSecond;
    let bytes = (rate * us) / 1e6 + this.#credit - requested * normal.bytes;
    while (bytes > 0 && run.find(clock.nowUs)) {
      const zeroShare = zeroAsNormal ? 0 : run.zeroShare;
      const cost = run.costOn(this.#stream, zeroShare);
      const perPage = (pageTimeUs(cost, rate) * rate) / 1e6;
      const pages = min(run.left, ceil(bytes / perPage));
      run.push(pages, cost.bytes, zeroShare);
      bytes -= pages * perPage;
    }
    this.#credit = min(0, bytes);
    run.handOver();
  }
}
