/** How the pages that are missing follow a guest that has moved: those it asks for, and the rest in the background. */
import type { Parts } from './parts.js';
import { pageRequest } from '../rules/postcopy.js';
import { BUFFER_DELAY_MS, XFER_LIMIT_RATIO, windowQuota } from '../rules/rules.js';
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
  #behindUs = 0;
  /** Requested pages that wait for those before them to leave. */
  #requested = 0;
  /** The package of device state leaves before any page, µs. */
  readonly #fromUs: number;
  /** What the last push sent beyond its time, µs, as less than 0; more than 0: what a limit let through and the link did not. */
  #creditUs = 0;
  /** What it sent last, and the rate at which it did. */
  #last: PageCost;
  #lastRate = 0;

  /** `fromUs`: when the link is free for pages. */
  constructor(parts: Parts, fromUs: number) {
    this.#parts = parts;
    this.#fromUs = fromUs;
    const { setup, version } = parts;
    this.#stream = postcopyStreamCosts(setup.host, version, setup.migration.stream ?? PLAIN_STREAM);
    this.#last = this.#stream.normal;
  }

  /** What the destination takes to place one page, µs. */
  #placeUs(): number {
    const { host, migration } = this.#parts.setup;
    const preemptNs = migration.postcopyPreempt === true ? host.postcopyPreemptNsPerPage : 0;
    return (host.postcopyNsPerPage + preemptNs) / 1000;
  }

  /** The vCPUs run on the destination until `untilUs`; the pages they asked for are sent. */
  serveRequests(untilUs: number): void {
    const { link, memory, guest, counters, run } = this.#parts;
    const { normal } = this.#stream;
    const stallUs = link.isDown ? INFINITY : this.#requestUs();
    run.handOver();
    const fetched = guest.advanceRemote(untilUs, stallUs);
    this.#requested += fetched;
    run.dirtyPages = memory.dirtyPages();
    const bytes = fetched * normal.bytes;
    counters.normalPages += fetched;
    counters.postcopyNormalPages += fetched;
    counters.transferred += bytes;
    counters.postcopyBytes += bytes;
  }

  /** Time until a page is there that is asked for now, µs: what is queued leaves as fast as the destination takes it. */
  #requestUs(): number {
    const { setup, clock, link, window } = this.#parts;
    const { host, guest, migration } = setup;
    const { normal } = this.#stream;
    const preempt = migration.postcopyPreempt ?? false;
    const background = window.maxPostcopyBandwidth === 0;
    const { fixedUs, bytes } = pageRequest(host, link.latencyUs, guest.hostPagePages, preempt, background);
    const pages = bytes / normal.bytes + this.#requested;
    return fixedUs + link.throughUs(pages, clock.nowUs, (count, rate) => count * this.#pageUs(normal, rate));
  }

  /** Time of one page at full speed, µs: the slowest of sending thread, link and destination. */
  #pageUs(cost: PageCost, rate: number): number {
    return max(pageTimeUs(cost, rate), this.#placeUs());
  }

  /**
   * The same of background pages: the sockets hold what the destination has not taken in yet, thousands of zero pages, so
   * that it may be slower for a while without holding the source up.
   */
  #pushUs(cost: PageCost, rate: number): number {
    const { host } = this.#parts.setup;
    const heldUs = (host.socketQueueBytes / cost.bytes) * this.#placeUs();
    const sendUs = pageTimeUs(cost, rate);
    return this.#behindUs < heldUs ? sendUs : max(sendUs, this.#placeUs());
  }

  /**
   * Background push until `untilUs`; requested pages use their part of the time. Where a limit makes the background wait,
   * requests that come meanwhile go out at the same time (migration.c:migration_make_urgent_request).
   */
  push(untilUs: number): void {
    const { clock, link, window, run } = this.#parts;
    const { normal, zeroAsNormal } = this.#stream;
    const us = untilUs - max(clock.nowUs, min(untilUs, this.#fromUs));
    const rate = link.bytesPerSecond;
    this.#creditUs *= this.#slowdown(rate);
    const limit = window.maxPostcopyBandwidth;
    const fullUs = this.#pageUs(normal, rate);
    const requestedUs = min(us, this.#requested * fullUs);
    this.#requested = max(0, this.#requested - requestedUs / fullUs);
    const windowUs = limit > 0 ? (normal.bytes / windowRate(normal, limit)) * 1e6 : 0;
    const share = min(1, fullUs / max(fullUs, windowUs));
    const dueUs = us + this.#creditUs - requestedUs * share;
    let leftUs = min(dueUs, (us - requestedUs) / share);
    const heldUs = min(BUFFER_DELAY_MS * 1000, dueUs - leftUs);
    while (leftUs > 0 && run.find(clock.nowUs)) {
      const zeroShare = zeroAsNormal ? 0 : run.zeroShare;
      const cost = run.costOn(this.#stream, zeroShare);
      const limitedUs = limit > 0 ? (cost.bytes / windowRate(cost, limit)) * 1e6 : 0;
      const pageUs = max(this.#pushUs(cost, rate), limitedUs);
      const pages = min(run.left, ceil(leftUs / pageUs));
      this.#behindUs = max(0, this.#behindUs + pages * (this.#placeUs() - pageUs));
      run.push(pages, cost.bytes, zeroShare);
      leftUs -= pages * pageUs;
      this.#last = cost;
    }
    this.#lastRate = rate;
    this.#creditUs = min(0, leftUs) + heldUs;
    run.handOver();
  }

  /** How many times as long the page on the wire takes at another rate of the link. */
  #slowdown(rate: number): number {
    if (this.#creditUs >= 0 || rate === this.#lastRate) return 1;
    return pageTimeUs(this.#last, rate) / pageTimeUs(this.#last, this.#lastRate);
  }

  /** Time until the destination has taken in all that was sent, µs. */
  restUs(): number {
    const { clock, link } = this.#parts;
    const { normal } = this.#stream;
    const owed = max(0, -this.#creditUs) / pageTimeUs(this.#last, this.#lastRate);
    const onWireUs = link.throughUs(
      1,
      clock.nowUs,
      (count, rate) =>
        count * (this.#requested * this.#pageUs(normal, rate) + owed * pageTimeUs(this.#last, rate)),
    );
    return onWireUs + this.#behindUs;
  }
}

/** bytes/s that a limit lets through: each window ends with the flush that passes its quota. */
function windowRate(cost: PageCost, limit: number): number {
  return pagesToExceed(cost, windowQuota(limit), 0) * cost.bytes * XFER_LIMIT_RATIO;
}
