/** What is counted over stretches of segments; a circle of them is given by its first. */
import { type Segment, type WrittenRange, SLACK_PAGES, nextIn, settle } from './segment.js';

const { max, min } = Math;
const INFINITY = Infinity;

/**
 * Runs of dirty pages, where `unit` pages are dirty together: of n units that are dirty with a share d each, d begin a run at
 * the first, if what is before is clean, and d (1 - d) at each of the others.
 */
export function expectedRuns(inOrder: readonly Segment[], unit = 1): number {
  let runs = 0;
  let end = 0;
  let before = 0;
  for (let i = 0; i < inOrder.length; i += 1) {
    const { firstPage, pages, dirty } = inOrder[i]!;
    if (dirty <= SLACK_PAGES) continue;
    const share = min(1, dirty / pages);
    const touches = firstPage - end <= SLACK_PAGES;
    runs += share * (1 - (touches ? before : 0)) + max(0, pages / unit - 1) * share * (1 - share);
    end = firstPage + pages;
    before = share;
  }
  return runs;
}

/** Pages of a range between two offsets that tracking has not noticed. */
export function armedBetween(range: WrittenRange, from: number, to: number): number {
  const start = range.firstPage + from;
  const end = range.firstPage + to;
  let armed = 0;
  for (let s: Segment | null = range.first; s !== null && s.firstPage < end; s = nextIn(s, range)) {
    const inside = min(end, s.firstPage + s.pages) - max(start, s.firstPage);
    if (inside <= 0) continue;
    settle(s);
    armed += inside * max(0, 1 - (s.loggedDirty + s.loggedClean) / s.pages);
  }
  return armed;
}

/** Share of a segment's pages that lie in [firstPage, firstPage + pages). */
export function overlap(segment: Segment, firstPage: number, pages: number): number {
  const inside =
    min(firstPage + pages, segment.firstPage + segment.pages) - max(firstPage, segment.firstPage);
  return inside > 0 ? inside / segment.pages : 0;
}

/** Pages of [firstPage, firstPage + pages) whose bit is set. */
export function missingIn(first: Segment | null, firstPage: number, pages: number): number {
  let missing = 0;
  for (let s = first; s !== null; s = s.next === first ? null : s.next)
    missing += s.dirty * overlap(s, firstPage, pages);
  return missing;
}

/** Share of the pages around this one whose bit is set. */
export function missingAt(first: Segment | null, page: number): number {
  const segment = segmentAt(first, page);
  return segment === null ? 0 : segment.dirty / segment.pages;
}

/** The page after this one from which `missingAt` may be another. */
export function changesAfter(first: Segment | null, page: number): number {
  const segment = segmentFrom(first, page);
  if (segment === null) return INFINITY;
  return segment.firstPage > page ? segment.firstPage : segment.firstPage + segment.pages;
}

/** The segment with this page, or the next one by address; null: there is none. */
export function segmentFrom(first: Segment | null, page: number): Segment | null {
  let next: Segment | null = null;
  for (let s = first; s !== null; s = s.next === first ? null : s.next) {
    if (s.firstPage + s.pages > page && (next === null || s.firstPage < next.firstPage)) next = s;
  }
  return next;
}

function segmentAt(first: Segment | null, page: number): Segment | null {
  for (let s = first; s !== null; s = s.next === first ? null : s.next) {
    if (s.firstPage <= page && page < s.firstPage + s.pages) return s;
  }
  return null;
}
