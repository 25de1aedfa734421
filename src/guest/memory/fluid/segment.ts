/**
 * A stretch of the address space in the fluid memory. Inside a segment pages are interchangeable, so counts say all: how
 * many have their bit set in the migration bitmap, how many of those and of the others tracking has noticed. Counts are
 * expectations and so real numbers.
 *
 * Everything that happens is linear in these counts: a write notices an equal share of all that was not noticed yet, a
 * send moves pages from set to clear, a sync moves noticed pages to set. So a segment is cut where the cursor stops in it,
 * and two that were cut may be joined by adding their counts.
 *
 * Uniform writes are not applied when they happen. A range counts them, and a segment catches up when it is looked at:
 * after n writes to a range of W pages a share e^(-n/W) of what was not noticed still is not.
 */
const { abs, exp } = Math;

/** Pages below which two positions are the same and a count is zero. */
export const SLACK_PAGES = 1e-6;
/** Shares that differ less than this are the same. */
const ALIKE = 1e-9;

/** Addresses that some vCPUs write, all in the same way: an access class, whichever vCPU uses it. */
export interface WrittenRange {
  readonly firstPage: number;
  readonly pages: number;
  /** vCPUs that write it. */
  readonly users: number;
  /** Some vCPU goes through it page after page: where a page lies matters. */
  readonly sequential: boolean;
  /** Devices write it: their own logs, which a sync empties, show which pages. */
  readonly device: boolean;
  /** The segment that begins it. */
  first: Segment | null;
  /** Uniform writes to it while tracked. */
  writes: number;
  /** Bitmap log: pages whose next write would be noticed. */
  armed: number;
  /** Bitmap log: pages that are armed on the way through the span of run time under way, the first so many; writes before it. */
  readonly late: LateArm[];
  lateCount: number;
  spanWrites: number;
  /** Dirty ring: pages that are in some ring and so not armed. */
  inRings: number;
  /** Blocks of 2 MiB, and those of them that are still mapped by one huge page. */
  readonly hugeBlocks: number;
  unsplitBlocks: number;
  /** The share left by `missedWrites` writes, for the segments of the range that are equally far behind. */
  missedWrites: number;
  missedShare: number;
}

/** Pages that are armed when a share of a span's run time is left, until their next write. */
export interface LateArm {
  armed: number;
  share: number;
  /** Of the last question: those noticed. */
  fresh: number;
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
  /** null: nothing writes here. Once sent, such a segment leaves the circle. */
  readonly range: WrittenRange | null;
  readonly chunk: Chunk | null;
  /** Zero pages among those whose bit is set, as a share. */
  zeroShare: number;
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

export function newSegment(
  of: Pick<Segment, 'range' | 'chunk'>,
  zeroShare: number,
  from: number,
  to: number,
): Segment {
  const segment = {
    range: of.range,
    chunk: of.chunk,
    zeroShare,
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
export function split(segment: Segment, pages: number): Segment {
  const share = 1 - pages / segment.pages;
  const { firstPage } = segment;
  const back = newSegment(segment, segment.zeroShare, firstPage + pages, firstPage + segment.pages);
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

export function markSent(segment: Segment): void {
  segment.loggedClean += segment.loggedDirty;
  segment.loggedDirty = 0;
  segment.snapshotClean += segment.snapshotDirty;
  segment.snapshotDirty = 0;
  segment.dirty = 0;
}

/** Let the uniform writes since a segment was last looked at take effect. */
export function settle(segment: Segment): void {
  if (segment.range !== null) settleAt(segment, segment.range.writes);
}

/** A share of pages that writes left out, as it was last asked for: ranges that are written alike ask for the same in turn. */
export interface Missed {
  perPage: number;
  share: number;
}

/** Of pages with so many writes each on average, the share without one: e^-x. */
export function missedShare(last: Missed, perPage: number): number {
  if (perPage !== last.perPage) {
    last.perPage = perPage;
    last.share = exp(-perPage);
  }
  return last.share;
}

const settled: Missed = { perPage: 0, share: 1 };

/** Let those writes take effect that its range had when it counted `writes`. */
export function settleAt(segment: Segment, writes: number): void {
  const since = writes - segment.asOf;
  const { range } = segment;
  if (since === 0 || range === null) return;
  if (range.missedWrites !== since) {
    range.missedWrites = since;
    range.missedShare = missedShare(settled, since / range.pages);
  }
  const missed = range.missedShare;
  const clean = segment.pages - segment.dirty;
  segment.loggedDirty = segment.dirty - (segment.dirty - segment.loggedDirty) * missed;
  segment.loggedClean = clean - (clean - segment.loggedClean) * missed;
  segment.asOf = writes;
}

export function alike(a: Segment, b: Segment): boolean {
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
export function nextIn(segment: Segment, range: WrittenRange): Segment | null {
  const { next } = segment;
  return next.range === range && next !== range.first ? next : null;
}

/** The next segment of the same chunk; null after the last. */
export function nextOf(segment: Segment, chunk: Chunk): Segment | null {
  const { next } = segment;
  return next.chunk === chunk && next !== chunk.first ? next : null;
}
