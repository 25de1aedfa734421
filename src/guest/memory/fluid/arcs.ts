/**
 * What a sequential writer leaves: an arc of pages that tracking has noticed. Segments are cut where it begins and ends, and
 * joined where they do not differ any more.
 */
import { armedBetween } from './counts.js';
import { type Segment, type WrittenRange, SLACK_PAGES, alike, nextIn, settle, split } from './segment.js';

const { max, min } = Math;

/**
 * Join a segment to the one before it where they do not differ, or where both were sent since the last sync and
 * positions inside the range do not matter. Returns whether it was joined.
 */
export function joinPrevious(segment: Segment, cursor: Segment | null): boolean {
  const { previous, range } = segment;
  if (previous === segment || previous.range !== range || range === null || range.first === segment)
    return false;
  if (previous.chunk !== segment.chunk || segment === cursor) return false;
  const bothSent = previous.dirty === 0 && segment.dirty === 0 && !range.sequential;
  if (!bothSent && !alike(previous, segment)) return false;
  previous.pages += segment.pages;
  previous.dirty += segment.dirty;
  previous.loggedDirty += segment.loggedDirty;
  previous.loggedClean += segment.loggedClean;
  previous.snapshotDirty += segment.snapshotDirty;
  previous.snapshotClean += segment.snapshotClean;
  previous.next = segment.next;
  segment.next.previous = previous;
  return true;
}

/**
 * A vCPU wrote `length` pages one after the other from `from` (an offset into the range, wrapping): all of them are
 * noticed. Returns those that were not before.
 */
export function markArc(range: WrittenRange, from: number, length: number, cursor: Segment | null): number {
  const end = from + min(length, range.pages);
  const fresh = mark(range, from, min(end, range.pages), cursor);
  return end > range.pages ? fresh + mark(range, 0, end - range.pages, cursor) : fresh;
}

function mark(range: WrittenRange, from: number, to: number, cursor: Segment | null): number {
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
    fresh += max(0, s.pages - s.loggedDirty - s.loggedClean);
    s.loggedDirty = s.dirty;
    s.loggedClean = s.pages - s.dirty;
    const next = nextIn(s, range);
    settle(s.previous);
    joinPrevious(s, cursor);
    s = next;
  }
  return fresh;
}

/** Pages that `markArc` would notice, left as they are. */
export function armedOnArc(range: WrittenRange, from: number, length: number): number {
  const end = from + min(length, range.pages);
  const armed = armedBetween(range, from, min(end, range.pages));
  return end > range.pages ? armed + armedBetween(range, 0, end - range.pages) : armed;
}
