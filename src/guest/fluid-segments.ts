/**
 * The address space of the fluid memory: a circle of segments in address order. Inside a segment pages are
 * interchangeable, so counts say all: how many have their bit set in the migration bitmap, how many of those and of the
 * others tracking has noticed. Counts are expectations and so real numbers.
 *
 * Everything that happens is linear in these counts: a write notices an equal share of all that was not noticed yet, a
 * send moves pages from set to clear, a sync moves noticed pages to set. So a segment is cut where the cursor stops in it,
 * and two that were cut may be joined by adding their counts.
 *
 * Uniform writes are not applied when they happen. A range counts them, and a segment catches up when it is looked at:
 * after n writes to a range of W pages a share e^(-n/W) of what was not noticed still is not.
 */
import type { ZeroExtent } from './spec.js';

const { abs, exp, expm1, max, min } = Math;
const INFINITY = Infinity;

/** Pages below which two positions are the same and a count is zero. */
const SLACK_PAGES = 1e-6;
/** Shares that differ less than this are the same. */
const ALIKE = 1e-9;

/** Addresses that some vCPUs write, all in the same way: an access class, whoever uses it. */
export interface WrittenRange {
  readonly firstPage: number;
  readonly pages: number;
  /** Some vCPU goes through it page after page: where a page lies matters. */
  readonly sequential: boolean;
  /** The segment that begins it. */
  first: Segment;
  /** Uniform writes to it while tracked. */
  writes: number;
  /** Bitmap log: pages whose next write would be noticed. */
  armed: number;
  /** Dirty ring: pages that are in some ring and so not armed. */
  inRings: number;
  /** Blocks of 2 MiB, and those of them that are still mapped by one huge page. */
  readonly hugeBlocks: number;
  unsplitBlocks: number;
  /** The share left by `missedWrites` writes, for the segments of the range that are equally far behind. */
  missedWrites: number;
  missedShare: number;
}

/** What a clear of the dirty log covers: one clear-bitmap chunk, or several of a large uniform range. */
export interface Chunk {
  /** Chunks that it stands for. */
  readonly chunks: number;
  /** The first segment in it that vCPUs write. */
  first: Segment | null;
  pending: boolean;
}

export interface Segment {
  previous: Segment;
  next: Segment;
  /** null: nobody writes here. Once sent, such a segment leaves the circle. */
  readonly range: WrittenRange | null;
  readonly chunk: Chunk | null;
  readonly isZero: boolean;
  firstPage: number;
  pages: number;
  /** Pages whose bit is set in the migration bitmap. */
  dirty: number;
  /** Pages that tracking has noticed since they were armed, among those and among the others. */
  loggedDirty: number;
  loggedClean: number;
  /** Of these, the ones in the snapshot of the last sync, which a clear arms again. */
  snapshotDirty: number;
  snapshotClean: number;
  /** Value of `range.writes` that the logs account for. */
  asOf: number;
}

/** A piece of the address space to be made into a segment. */
export interface Piece {
  readonly range: WrittenRange | null;
  readonly chunk: Chunk | null;
  readonly firstPage: number;
  readonly pages: number;
}

export class SegmentCircle {
  /** Pages whose bit is set. */
  dirtyPages = 0;
  runIsZero = false;
  clearNeeded = false;
  rounds = 0;
  readonly #snapshots: boolean;
  readonly #chunks: readonly Chunk[];
  #cursor: Segment | null;
  /** The chunk of several that the cursor is in, the writes to its range when it came, and the pages lent to `armed`. */
  #visited: Chunk | null = null;
  #visitWrites = 0;
  #visitLent = 0;

  /** `snapshots`: a sync keeps the log, and sending the first page of a chunk clears it (manual dirty-log protect). */
  constructor(
    pieces: readonly Piece[],
    zero: readonly ZeroExtent[],
    chunks: readonly Chunk[],
    snapshots: boolean,
  ) {
    this.#snapshots = snapshots;
    this.#chunks = chunks;
    this.#cursor = circle(pieces, zero);
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
        segment.loggedDirty = this.#snapshots ? segment.pages : 0;
        segment.asOf = range.writes;
        range.armed = this.#snapshots ? 0 : range.pages;
      }
      segment = segment.next === first ? null : segment.next;
    }
  }

  /** See `GuestMemory.nextRun`: segments of one kind that need no clear are one run. */
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
    if (this.#stopsAt(segment)) {
      this.clearNeeded = true;
      return 0;
    }
    const first = segment;
    const { isZero } = first;
    let pages = 0;
    do {
      if (segment.dirty > 0) {
        if (segment.isZero !== isZero || this.#stopsAt(segment)) break;
        pages += segment.dirty;
      }
      segment = segment.next;
    } while (segment !== first);
    this.runIsZero = isZero;
    return pages;
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

  /** Before a page of this segment is sent, the guest must be brought up: a clear is due, or a visit ends. */
  #stopsAt(segment: Segment): boolean {
    const { chunk } = segment;
    if (this.#visited !== null) return chunk !== this.#visited;
    return chunk !== null && chunk.pending;
  }

  /** What the cursor stands at: the end of a visit, or a chunk to be cleared. */
  clearChunk(): void {
    this.clearNeeded = false;
    this.#endVisit();
    const chunk = this.#cursor === null ? null : this.#cursor.chunk;
    if (chunk === null || !chunk.pending) return;
    chunk.pending = false;
    const first = chunk.first!;
    const range = first.range!;
    if (chunk.chunks > 1 && !range.sequential) {
      this.#visited = chunk;
      this.#visitWrites = range.writes;
      let snapshot = 0;
      for (let s: Segment | null = first; s !== null; s = nextOf(s, chunk)) snapshot += s.snapshotDirty;
      // On average a page of the visit is armed for half of it. What is lent now is settled when the visit ends.
      this.#visitLent = snapshot / 2;
      range.armed += this.#visitLent;
      return;
    }
    for (let s: Segment | null = first; s !== null; s = nextOf(s, chunk)) {
      if (s.range === null) continue;
      settle(s);
      s.loggedDirty -= s.snapshotDirty;
      s.loggedClean -= s.snapshotClean;
      s.range.armed += s.snapshotDirty + s.snapshotClean;
      s.snapshotDirty = 0;
      s.snapshotClean = 0;
    }
  }

  /**
   * The cursor leaves a chunk that stands for g real ones, of which it passed m. The j-th of those was cleared when j/m of
   * the visit's n writes were done, so of its pages e^(-(n/W)(1 - j/m)) are still armed: the mean over j is a geometric sum.
   */
  #endVisit(): void {
    const chunk = this.#visited;
    if (chunk === null) return;
    this.#visited = null;
    chunk.pending = true;
    const range = chunk.first!.range!;
    let sent = 0;
    let waiting = 0;
    for (let s: Segment | null = chunk.first; s !== null; s = nextOf(s, chunk)) {
      sent += s.snapshotClean;
      waiting += s.snapshotDirty;
    }
    const written = (range.writes - this.#visitWrites) / range.pages;
    range.armed -= this.#visitLent * exp(-written);
    if (sent === 0) return;
    const armed = meanArmed(written, max(1, (chunk.chunks * sent) / (sent + waiting)));
    for (let s: Segment | null = chunk.first; s !== null; s = nextOf(s, chunk)) {
      if (s.snapshotClean === 0) continue;
      settle(s);
      s.loggedClean -= s.snapshotClean * armed;
      s.snapshotClean = 0;
    }
    range.armed += sent * armed;
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
  harvest(ranges: readonly WrittenRange[]): number {
    this.#endVisit();
    let fresh = 0;
    for (let i = 0; i < ranges.length; i += 1) fresh += this.#harvestRange(ranges[i]!);
    for (let i = 0; i < this.#chunks.length; i += 1) this.#chunks[i]!.pending = true;
    this.#recount();
    return fresh;
  }

  #harvestRange(range: WrittenRange): number {
    let fresh = 0;
    let noticed = 0;
    for (let s: Segment | null = range.first; s !== null; s = nextIn(s, range)) {
      settle(s);
      this.#joinPrevious(s);
    }
    for (let s: Segment | null = range.first; s !== null; s = nextIn(s, range)) {
      fresh += s.loggedClean;
      s.dirty = min(s.pages, s.dirty + s.loggedClean);
      s.loggedDirty = this.#snapshots ? min(s.dirty, s.loggedDirty + s.loggedClean) : 0;
      s.loggedClean = 0;
      s.snapshotDirty = s.loggedDirty;
      s.snapshotClean = 0;
      noticed += s.loggedDirty;
    }
    range.armed = range.pages - noticed;
    return fresh;
  }

  #recount(): void {
    const first = this.#cursor;
    let pages = 0;
    for (let s = first; s !== null; s = s.next === first ? null : s.next) pages += s.dirty;
    this.dirtyPages = pages;
  }

  /**
   * Join a segment to the one before it where nothing tells them apart, or where both were sent since the last sync and
   * positions inside the range do not matter.
   */
  #joinPrevious(segment: Segment): void {
    const { previous, range } = segment;
    if (previous === segment || previous.range !== range || range === null || range.first === segment) return;
    if (previous.chunk !== segment.chunk || segment === this.#cursor) return;
    const bothSent = previous.dirty === 0 && segment.dirty === 0 && !range.sequential;
    if (!bothSent && !alike(previous, segment)) return;
    previous.pages += segment.pages;
    previous.dirty += segment.dirty;
    previous.loggedDirty += segment.loggedDirty;
    previous.loggedClean += segment.loggedClean;
    previous.snapshotDirty += segment.snapshotDirty;
    previous.snapshotClean += segment.snapshotClean;
    previous.next = segment.next;
    segment.next.previous = previous;
  }

  /**
   * A vCPU wrote `length` pages one after the other from `from` (an offset into the range, wrapping): all of them are
   * noticed. Returns those that were not before.
   */
  markArc(range: WrittenRange, from: number, length: number): number {
    const end = from + min(length, range.pages);
    const fresh = this.#mark(range, from, min(end, range.pages));
    return end > range.pages ? fresh + this.#mark(range, 0, end - range.pages) : fresh;
  }

  #mark(range: WrittenRange, from: number, to: number): number {
    const start = range.firstPage + from;
    const end = range.firstPage + to;
    let fresh = 0;
    let s: Segment | null = range.first;
    while (s !== null && s.firstPage < end - SLACK_PAGES) {
      if (s.firstPage + s.pages <= start + SLACK_PAGES) {
        s = nextIn(s, range);
        continue;
      }
      if (s.firstPage < start - SLACK_PAGES) s = split(s, start - s.firstPage);
      if (s.firstPage + s.pages > end + SLACK_PAGES) split(s, end - s.firstPage);
      settle(s);
      fresh += s.pages - s.loggedDirty - s.loggedClean;
      s.loggedDirty = s.dirty;
      s.loggedClean = s.pages - s.dirty;
      const next = nextIn(s, range);
      settle(s.previous);
      this.#joinPrevious(s);
      s = next;
    }
    return fresh;
  }

  /** Pages that `markArc` would notice, left as they are. */
  armedOnArc(range: WrittenRange, from: number, length: number): number {
    const end = from + min(length, range.pages);
    const armed = armedBetween(range, from, min(end, range.pages));
    return end > range.pages ? armed + armedBetween(range, 0, end - range.pages) : armed;
  }

  /** Pages of [firstPage, firstPage + pages) whose bit is set. */
  missingIn(firstPage: number, pages: number): number {
    const first = this.#cursor;
    let missing = 0;
    for (let s = first; s !== null; s = s.next === first ? null : s.next)
      missing += s.dirty * overlap(s, firstPage, pages);
    return missing;
  }

  /** Share of the pages around this one whose bit is set. */
  missingAt(page: number): number {
    const segment = this.#segmentAt(page);
    return segment === null ? 0 : segment.dirty / segment.pages;
  }

  /** The page after this one from which `missingAt` may be another. */
  changesAfter(page: number): number {
    const segment = this.#segmentAt(page);
    if (segment !== null) return segment.firstPage + segment.pages;
    const first = this.#cursor;
    let next = INFINITY;
    for (let s = first; s !== null; s = s.next === first ? null : s.next)
      if (s.firstPage > page) next = min(next, s.firstPage);
    return next;
  }

  #segmentAt(page: number): Segment | null {
    const first = this.#cursor;
    for (let s = first; s !== null; s = s.next === first ? null : s.next) {
      if (s.firstPage <= page && page < s.firstPage + s.pages) return s;
    }
    return null;
  }

  /**
   * Take `wanted` set pages out of [firstPage, firstPage + pages), each as likely as any other: they were asked for. The
   * cursor goes on from the first segment there that has some left. Returns the pages taken.
   */
  fetch(firstPage: number, pages: number, wanted: number): number {
    const missing = this.missingIn(firstPage, pages);
    const first = this.#cursor;
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

  /** Take `wanted` set pages from this page on; the cursor stands behind them. Returns the pages taken. */
  fetchFrom(page: number, wanted: number): number {
    const segment = this.#segmentAt(page);
    if (segment === null) return 0;
    const inside = page - segment.firstPage;
    this.#cursor = inside > SLACK_PAGES ? split(segment, inside) : segment;
    const taken = min(wanted, this.dirtyPages);
    this.take(taken);
    return taken;
  }
}

/** The segments of `pieces` in a circle, cut where zero pages begin and end. Returns the first; null when there is none. */
function circle(pieces: readonly Piece[], zero: readonly ZeroExtent[]): Segment | null {
  const segments: Segment[] = [];
  let extent = 0;
  for (let i = 0; i < pieces.length; i += 1) {
    const piece = pieces[i]!;
    const end = piece.firstPage + piece.pages;
    let at = piece.firstPage;
    while (piece.range === null && extent < zero.length) {
      const { firstPage, pages } = zero[extent]!;
      if (firstPage >= end) break;
      if (firstPage > at) segments.push(newSegment(piece, false, at, firstPage));
      const zeroEnd = min(end, firstPage + pages);
      if (zeroEnd > max(at, firstPage)) segments.push(newSegment(piece, true, max(at, firstPage), zeroEnd));
      at = max(at, zeroEnd);
      if (firstPage + pages > end) break;
      extent += 1;
    }
    if (end > at) segments.push(newSegment(piece, false, at, end));
  }
  for (let i = 0; i < segments.length; i += 1) {
    const segment = segments[i]!;
    const { range, chunk } = segment;
    segment.next = segments[(i + 1) % segments.length]!;
    segment.next.previous = segment;
    if (range !== null && range.firstPage === segment.firstPage) range.first = segment;
    if (range !== null && chunk !== null) chunk.first ??= segment;
  }
  return segments[0] ?? null;
}

function newSegment(
  of: Pick<Segment, 'range' | 'chunk'>,
  isZero: boolean,
  from: number,
  to: number,
): Segment {
  const segment = {
    range: of.range,
    chunk: of.chunk,
    isZero,
    firstPage: from,
    pages: to - from,
    dirty: 0,
    loggedDirty: 0,
    loggedClean: 0,
    snapshotDirty: 0,
    snapshotClean: 0,
    asOf: 0,
  } as Segment;
  segment.previous = segment;
  segment.next = segment;
  return segment;
}

/** Cut a segment after its first `pages` pages; what it counts is spread evenly over it. Returns the back part. */
function split(segment: Segment, pages: number): Segment {
  const share = 1 - pages / segment.pages;
  const { firstPage } = segment;
  const back = newSegment(segment, segment.isZero, firstPage + pages, firstPage + segment.pages);
  back.dirty = segment.dirty * share;
  back.loggedDirty = segment.loggedDirty * share;
  back.loggedClean = segment.loggedClean * share;
  back.snapshotDirty = segment.snapshotDirty * share;
  back.snapshotClean = segment.snapshotClean * share;
  back.asOf = segment.asOf;
  segment.pages = pages;
  segment.dirty -= back.dirty;
  segment.loggedDirty -= back.loggedDirty;
  segment.loggedClean -= back.loggedClean;
  segment.snapshotDirty -= back.snapshotDirty;
  segment.snapshotClean -= back.snapshotClean;
  back.previous = segment;
  back.next = segment.next;
  segment.next.previous = back;
  segment.next = back;
  return back;
}

function markSent(segment: Segment): void {
  segment.loggedClean += segment.loggedDirty;
  segment.loggedDirty = 0;
  segment.snapshotClean += segment.snapshotDirty;
  segment.snapshotDirty = 0;
  segment.dirty = 0;
}

/** Let the uniform writes since a segment was last looked at take effect. */
function settle(segment: Segment): void {
  const { range } = segment;
  if (range === null || range.writes === segment.asOf) return;
  const writes = range.writes - segment.asOf;
  if (range.missedWrites !== writes) {
    range.missedWrites = writes;
    range.missedShare = exp(-writes / range.pages);
  }
  const missed = range.missedShare;
  const clean = segment.pages - segment.dirty;
  segment.loggedDirty = segment.dirty - (segment.dirty - segment.loggedDirty) * missed;
  segment.loggedClean = clean - (clean - segment.loggedClean) * missed;
  segment.asOf = range.writes;
}

/** Pages of a range between two offsets that tracking has not noticed. */
function armedBetween(range: WrittenRange, from: number, to: number): number {
  const start = range.firstPage + from;
  const end = range.firstPage + to;
  let armed = 0;
  for (let s: Segment | null = range.first; s !== null && s.firstPage < end; s = nextIn(s, range)) {
    const inside = min(end, s.firstPage + s.pages) - max(start, s.firstPage);
    if (inside <= 0) continue;
    settle(s);
    armed += inside * (1 - (s.loggedDirty + s.loggedClean) / s.pages);
  }
  return armed;
}

/** Share of a segment's pages that lie in [firstPage, firstPage + pages). */
function overlap(segment: Segment, firstPage: number, pages: number): number {
  const inside =
    min(firstPage + pages, segment.firstPage + segment.pages) - max(firstPage, segment.firstPage);
  return inside > 0 ? inside / segment.pages : 0;
}

/**
 * Of pages that were armed in `steps` equal steps, the first at the start, during which each page was written `written`
 * times on average: the share still armed at the end.
 */
export function meanArmed(written: number, steps: number): number {
  if (written === 0) return 1;
  return (exp(-written / steps) * expm1(-written)) / (steps * expm1(-written / steps));
}

function alike(a: Segment, b: Segment): boolean {
  return (
    same(a.dirty, b.dirty, a, b) &&
    same(a.loggedDirty, b.loggedDirty, a, b) &&
    same(a.loggedClean, b.loggedClean, a, b) &&
    same(a.snapshotDirty, b.snapshotDirty, a, b) &&
    same(a.snapshotClean, b.snapshotClean, a, b)
  );
}

/** Whether two counts are the same share of their segments. */
function same(x: number, y: number, a: Segment, b: Segment): boolean {
  return abs(x * b.pages - y * a.pages) <= ALIKE * a.pages * b.pages;
}

/** The next segment of the same range; null after the last. */
function nextIn(segment: Segment, range: WrittenRange): Segment | null {
  const { next } = segment;
  return next.range === range && next !== range.first ? next : null;
}

/** The next segment of the same chunk; null after the last. */
function nextOf(segment: Segment, chunk: Chunk): Segment | null {
  const { next } = segment;
  return next.chunk === chunk && next !== chunk.first ? next : null;
}
