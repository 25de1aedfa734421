/**
 * The address space of the fluid memory: a circle of segments in address order, with the cursor from which pages are sent,
 * the migration bitmap and the log of what tracking has noticed.
 */
import { ChunkClears } from './clears.js';
import { joinPrevious, markArc } from './arcs.js';
import { expectedRuns, missingIn, overlap, segmentFrom } from './counts.js';
import { circle, cutAt, link, unwritten } from './make-circle.js';
import { wholeHostPages } from './host-pages.js';
import type { Layout } from './layout.js';
import { type Segment, type WrittenRange, SLACK_PAGES, markSent, nextIn, settle, split } from './segment.js';
import { ContentMap } from '../../content.js';
import type { GuestSpec, ZeroExtent } from '../../spec.js';
import { hintedPagesOf, zeroPagesOf } from '../../unused.js';
import type { Stretch } from '../memory.js';

const { max, min } = Math;

type CircleGuest = Pick<GuestSpec, 'ramPages' | 'zeroExtents' | 'compressibility' | 'contents'>;

export class SegmentCircle {
  /** Pages whose bit is set. */
  dirtyPages = 0;
  runZeroShare = 0;
  runContent = 0;
  clearNeeded = false;
  rounds = 0;
  /** Segments that the last sync went through. */
  segmentCount = 0;
  readonly #snapshots: boolean;
  readonly #ranges: readonly WrittenRange[];
  readonly #clears: ChunkClears;
  #cursor: Segment | null;
  /** The segment behind the last run. */
  #behindRun: Segment | null = null;

  readonly #guest: CircleGuest;
  readonly #contents: ContentMap;

  /** `snapshots`: a sync keeps the log, and sending the first page of a chunk clears it (manual dirty-log protect). */
  constructor(layout: Layout, guest: CircleGuest, snapshots: boolean) {
    this.#snapshots = snapshots;
    this.#guest = guest;
    this.#ranges = layout.ranges;
    this.#clears = new ChunkClears(layout.chunks, layout.ranges);
    this.#contents = new ContentMap(guest);
    this.#cursor = circle(layout.pieces, guest.zeroExtents);
    cutAt(this.#cursor, this.#contents.borders());
  }

  /** The segment from which pages are sent next; null: the circle is empty. */
  get cursor(): Segment | null {
    return this.#cursor;
  }

  /** All pages are to be sent; with snapshots all count as noticed, none is armed (KVM_DIRTY_LOG_INITIALLY_SET). */
  start(): void {
    const first = this.#cursor;
    let segment = first;
    this.dirtyPages = 0;
    while (segment !== null) {
      segment.dirty = segment.pages;
      this.dirtyPages += segment.pages;
      const { range } = segment;
      if (range !== null) {
        const isKept = this.#snapshots && !range.device;
        segment.loggedDirty = isKept ? segment.pages : 0;
        segment.asOf = range.writes;
        range.armed = isKept ? 0 : range.pages;
      }
      segment = segment.next === first ? null : segment.next;
    }
  }

  /** See `GuestMemory.nextRun`: segments of one share of zero pages that need no clear are one run. */
  nextRun(): number {
    this.clearNeeded = false;
    const start = this.#cursor;
    if (start === null) return 0;
    let segment = start;
    while (segment.dirty <= SLACK_PAGES) {
      segment = this.#pass(segment);
      if (segment === start) {
        this.#dropRest();
        return 0;
      }
    }
    this.#cursor = segment;
    if (this.#clears.stopsAt(segment)) {
      this.clearNeeded = true;
      return 0;
    }
    const first = segment;
    const { zeroShare } = first;
    const content = this.#contents.at(first.firstPage);
    let pages = 0;
    do {
      if (segment.dirty > 0) {
        if (segment.zeroShare !== zeroShare || this.#clears.stopsAt(segment)) break;
        if (this.#contents.at(segment.firstPage) !== content) break;
        pages += segment.dirty;
      }
      segment = segment.next;
    } while (segment !== first);
    this.runZeroShare = zeroShare;
    this.runContent = content;
    this.#behindRun = segment;
    return pages;
  }

  /** See `GuestMemory.runHostPages`: where pages are dirty by chance, a host page is touched with 1 - (1 - share)^size. */
  runHostPages(hostPagePages: number): number {
    let hostPages = 0;
    let segment = this.#cursor;
    while (segment !== null) {
      const share = segment.dirty / segment.pages;
      hostPages += (segment.pages / hostPagePages) * (1 - (1 - share) ** hostPagePages);
      segment = segment.next === this.#behindRun ? null : segment.next;
    }
    return hostPages;
  }

  /** The cursor goes on to the next segment. */
  #pass(segment: Segment): Segment {
    const { next } = segment;
    if (next.firstPage <= segment.firstPage) this.rounds += 1;
    return next;
  }

  /** What is left is a rounding error: the bitmap is empty. */
  #dropRest(): void {
    const start = this.#cursor;
    for (let s = start; s !== null; s = s.next === start ? null : s.next) markSent(s);
    this.dirtyPages = 0;
  }

  /** What the cursor stands at is noted; the guest is `behindUs` of run time behind. */
  clearChunk(behindUs: number): void {
    this.clearNeeded = false;
    if (this.#cursor !== null) this.#clears.stop(this.#cursor, behindUs);
  }

  /** The guest is about to be brought up by `runUs` of run time. */
  beginSpan(runUs: number): void {
    this.#clears.beginSpan(runUs);
  }

  /** See `GuestMemory.takeHinted`: of pages that are not written, in each stretch an equal share of all that are left. */
  takeHinted(zero: readonly ZeroExtent[]): void {
    for (let i = 0; i < zero.length; i += 1) {
      const extent = zero[i]!;
      if (hintedPagesOf(extent) === 0) continue;
      const zeroPages = zeroPagesOf(extent);
      const hintedZero = extent.hintedZeroPages ?? 0;
      const kept = 1 - hintedPagesOf(extent) / extent.pages;
      const zeroShare = kept > 0 ? (zeroPages - hintedZero) / (extent.pages * kept) : 0;
      this.#dropShare(extent, kept, zeroShare);
    }
  }

  #dropShare({ firstPage, pages }: ZeroExtent, kept: number, zeroShare: number): void {
    const first = this.#cursor;
    for (let s = first; s !== null; s = s.next === first ? null : s.next) {
      if (s.range !== null || s.firstPage < firstPage || s.firstPage >= firstPage + pages) continue;
      this.#clears.clearWith(s);
      const dropped = s.dirty * (1 - kept);
      s.dirty -= dropped;
      s.zeroShare = zeroShare;
      this.dirtyPages = max(0, this.dirtyPages - dropped);
    }
  }

  /** See `GuestMemory.pagesToWrap`; the cursor goes on to the next page that is dirty. */
  pagesToWrap(): number {
    let pages = 0;
    let from = this.#cursor;
    while (from !== null && from.dirty <= SLACK_PAGES && from.next !== this.#cursor) from = this.#pass(from);
    this.#cursor = from;
    for (let s = from; s !== null; s = s.next) {
      pages += s.dirty;
      if (s.next.firstPage <= s.firstPage) break;
    }
    return pages;
  }

  /** See `GuestMemory.stretches`. */
  stretches(into: Stretch[], pages: number): number {
    let left = pages;
    let count = 0;
    for (let s = this.#cursor; s !== null && left > SLACK_PAGES; s = s.next) {
      if (s.dirty > 0) {
        const stretch = (into[count] ??= { from: 0, to: 0, dirtyShare: 0 });
        stretch.from = s.firstPage;
        stretch.to = s.firstPage + s.pages * min(1, left / s.dirty);
        stretch.dirtyShare = s.dirty / s.pages;
        count += 1;
        left -= s.dirty;
      }
      if (s.next === this.#behindRun) break;
    }
    return count;
  }

  /** The next `pages` of the run are sent; the cursor stands behind them. */
  take(pages: number): void {
    let left = pages;
    let segment = this.#cursor;
    this.dirtyPages = max(0, this.dirtyPages - pages);
    while (segment !== null && left > SLACK_PAGES) {
      if (segment.dirty > left + SLACK_PAGES) {
        this.#cursor = split(segment, (segment.pages * left) / segment.dirty);
        this.#send(segment);
        return;
      }
      left -= segment.dirty;
      segment = this.#send(segment);
    }
    this.#cursor = segment;
  }

  /** The dirty pages of a segment are sent. Returns the next one; null when the circle is empty. */
  #send(segment: Segment): Segment | null {
    const next = this.#pass(segment);
    if (segment.range === null) {
      segment.previous.next = next;
      next.previous = segment.previous;
      return next === segment ? null : next;
    }
    markSent(segment);
    return next;
  }

  /** What was noticed goes into the migration bitmap. Returns the pages that were not set in it before. */
  harvest(): number {
    this.#clears.restart();
    let fresh = 0;
    for (let i = 0; i < this.#ranges.length; i += 1) fresh += this.#harvestRange(this.#ranges[i]!);
    this.#recount();
    return fresh;
  }

  #harvestRange(range: WrittenRange): number {
    const cursor = this.#cursor;
    const keepsLog = this.#snapshots && !range.device;
    let fresh = 0;
    let noticed = 0;
    // The one behind it may still be joined to it.
    let open: Segment | null = null;
    for (let s: Segment | null = range.first; s !== null; s = nextIn(s, range)) {
      settle(s);
      if (open !== null) {
        if (joinPrevious(s, cursor)) continue;
        fresh += harvestSegment(open, keepsLog);
        noticed += open.loggedDirty;
      }
      open = s;
    }
    if (open !== null) {
      fresh += harvestSegment(open, keepsLog);
      noticed += open.loggedDirty;
    }
    range.armed = range.pages - noticed;
    return fresh;
  }

  #recount(): void {
    const first = this.#cursor;
    let pages = 0;
    let segments = 0;
    for (let s = first; s !== null; s = s.next === first ? null : s.next) {
      pages += s.dirty;
      segments += 1;
    }
    this.dirtyPages = pages;
    this.segmentCount = segments;
  }

  /** See `markArc` of arcs.ts. */
  markArc(range: WrittenRange, from: number, length: number): number {
    return markArc(range, from, length, this.#cursor);
  }

  /** See `GuestMemory.discardDirty`. Nothing is written on this side any more: the ranges are left behind. */
  discardDirty(hostPagePages: number): number {
    const inOrder: Segment[] = [];
    const first = this.#cursor;
    for (let s = first; s !== null; s = s.next === first ? null : s.next) inOrder.push(s);
    inOrder.sort((a, b) => a.firstPage - b.firstPage);
    const { ramPages, zeroExtents } = this.#guest;
    const missing =
      hostPagePages === 1
        ? inOrder.filter(({ dirty }) => dirty > SLACK_PAGES).map(unwritten)
        : wholeHostPages(inOrder, hostPagePages, ramPages, zeroExtents);
    this.#cursor = link(missing);
    this.#recount();
    return expectedRuns(missing, hostPagePages);
  }

  /**
   * Take `wanted` set pages out of [firstPage, firstPage + pages), each as likely as any other: they were asked for. The
   * cursor goes on from the first segment there that has some left. Returns the pages taken.
   */
  fetch(firstPage: number, pages: number, wanted: number): number {
    // What is counted is spread evenly over a segment: none may reach from these pages into others.
    this.#cutAt(firstPage);
    this.#cutAt(firstPage + pages);
    const first = this.#cursor;
    const missing = missingIn(first, firstPage, pages);
    if (missing <= SLACK_PAGES || first === null) return 0;
    const taken = min(wanted, missing);
    let behind: Segment | null = null;
    for (let s: Segment | null = first; s !== null; s = s.next === first ? null : s.next) {
      const share = overlap(s, firstPage, pages);
      if (share === 0) continue;
      s.dirty *= 1 - (share * taken) / missing;
      if (s.dirty > SLACK_PAGES && (behind === null || s.firstPage < behind.firstPage)) behind = s;
    }
    this.dirtyPages = max(0, this.dirtyPages - taken);
    this.#cursor = behind ?? first;
    return taken;
  }

  /** No segment reaches from the pages before this one to those after it. */
  #cutAt(page: number): void {
    const first = this.#cursor;
    for (let s = first; s !== null; s = s.next === first ? null : s.next) {
      const inside = page - s.firstPage;
      if (inside <= SLACK_PAGES || inside >= s.pages - SLACK_PAGES) continue;
      split(s, inside);
      return;
    }
  }

  /**
   * Take `wanted` set pages from this address on, less those of the first addresses that are here already; the cursor stands
   * behind them. Returns the pages taken.
   */
  fetchFrom(page: number, wanted: number): number {
    const segment = segmentFrom(this.#cursor, page);
    if (segment === null) return 0;
    const inside = page - segment.firstPage;
    const missing = min(wanted, wanted + inside);
    if (missing <= SLACK_PAGES) return 0;
    this.#cursor = inside > SLACK_PAGES ? split(segment, inside) : segment;
    const taken = min(missing, this.dirtyPages);
    this.take(taken);
    return taken;
  }
}

/** What was noticed in a segment goes into the migration bitmap, and into the snapshot where the log is kept. */
function harvestSegment(segment: Segment, keepsLog: boolean): number {
  // Counts that have been added and subtracted may be a rounding error below 0.
  const found = max(0, segment.loggedClean);
  const dirty = min(segment.pages, segment.dirty + found);
  const logged = keepsLog ? min(dirty, max(0, segment.loggedDirty) + found) : 0;
  segment.dirty = dirty;
  segment.loggedDirty = logged;
  segment.loggedClean = 0;
  segment.snapshotDirty = logged;
  segment.snapshotClean = 0;
  return found;
}
