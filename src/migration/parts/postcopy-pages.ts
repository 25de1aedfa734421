/** How the pages that are missing follow a guest that has moved: those it asks for, and the rest in the background. */
import type { Parts } from './parts.js';
import { pageRequestLatencyUs } from '../rules/postcopy.js';
import { XFER_LIMIT_RATIO, windowQuota } from '../rules/rules.js';
import {
  PLAIN_STREAM,
  type PageCost,
  type StreamCosts,
  pageTimeUs,
  pagesToExceed,
  postcopyStreamCosts,
} from '../rules/stream.js';

const { ceil, max, min } = Math;
const INFINITY = Infinity;

export class PostcopyPages {
  readonly #parts: Parts;
  readonly #stream: StreamCosts;
  /** Time that the destination still needs for what it has received, µs. */
  behindUs = 0;
  /** What the last push sent beyond its time, µs: 0 or less. */
  #creditUs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { setup, version } = parts;
    this.#stream = postcopyStreamCosts(setup.host, version, setup.migration.stream ?? PLAIN_STREAM);
  }

  /** What the destination takes to place one page, µs. */
  #placeUs(): number {
    const { host, migration } = this.#parts.setup;
    const preemptNs = migration.postcopyPreempt === true ? host.postcopyPreemptNsPerPage : 0;
    return (host.postcopyNsPerPage + preemptNs) / 1000;
  }

  /** The vCPUs run on the destination until `untilUs`; the pages they asked for are sent. Returns their number. */
  serveRequests(untilUs: number): number {
    const { setup, link, memory, guest, counters, window, run } = this.#parts;
    const { host, migration } = setup;
    // What is queued leaves as fast as the destination takes it.
    const fullBytesPerSecond = (this.#stream.normal.bytes * 1e6) / this.#pageUs(this.#stream.normal);
    const now = { bandwidthBytesPerSecond: fullBytesPerSecond, latencyUs: link.latencyUs };
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
    counters.postcopyNormalPages += fetched;
    counters.transferred += bytes;
    counters.postcopyBytes += bytes;
    return fetched;
  }

  /** Time of one page at full speed, µs: the slowest of sending thread, link and destination. */
  #pageUs(cost: PageCost): number {
    return max(pageTimeUs(cost, this.#parts.link.bytesPerSecond), this.#placeUs());
  }

  /**
   * The same of background pages: the sockets hold what the destination has not taken in yet, thousands of zero pages, so
   * that it may be slower for a while without holding the source up.
   */
  #pushUs(cost: PageCost): number {
    const { setup, link } = this.#parts;
    const heldUs = (setup.host.socketQueueBytes / cost.bytes) * this.#placeUs();
    const sendUs = pageTimeUs(cost, link.bytesPerSecond);
    return this.behindUs < heldUs ? sendUs : max(sendUs, this.#placeUs());
  }

  /**
   * Background push for `us`; pages just requested have used their part of the time. Where a limit makes the background wait,
   * requests that come meanwhile go out at the same time (migration.c:migration_make_urgent_request).
   */
  push(us: number, requested: number): void {
    const { clock, window, run } = this.#parts;
    const { normal, zeroAsNormal } = this.#stream;
    const limit = window.maxPostcopyBandwidth;
    const fullUs = this.#pageUs(normal);
    const windowUs = limit > 0 ? (normal.bytes / windowRate(normal, limit)) * 1e6 : 0;
    let leftUs = us + this.#creditUs - requested * fullUs * min(1, fullUs / max(fullUs, windowUs));
    while (leftUs > 0 && run.find(clock.nowUs)) {
      const zeroShare = zeroAsNormal ? 0 : run.zeroShare;
      const cost = run.costOn(this.#stream, zeroShare);
      const limitedUs = limit > 0 ? (cost.bytes / windowRate(cost, limit)) * 1e6 : 0;
      const pageUs = max(this.#pushUs(cost), limitedUs);
      const pages = min(run.left, ceil(leftUs / pageUs));
      this.behindUs = max(0, this.behindUs + pages * (this.#placeUs() - pageUs));
      run.push(pages, cost.bytes, zeroShare);
      leftUs -= pages * pageUs;
    }
    this.#creditUs = min(0, leftUs);
    run.handOver();
  }
}

/** bytes/s that a limit lets through: each window ends with the flush that passes its quota. */
function windowRate(cost: PageCost, limit: number): number {
  return pagesToExceed(cost, windowQuota(limit), 0) * cost.bytes * XFER_LIMIT_RATIO;
}
