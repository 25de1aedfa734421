/** How the circle of segments is made of the pieces of the address space. */
import type { ZeroExtent } from '../../spec.js';
import { zeroPagesOf } from '../../unused.js';
import type { Piece } from './layout.js';
import { type Segment, newSegment, split } from './segment.js';

const { max, min } = Math;

/** The segments of `pieces` in a circle, cut where stretches with zero pages begin and end. Returns the first; null when there is none. */
export function circle(pieces: readonly Piece[], zero: readonly ZeroExtent[]): Segment | null {
  const segments: Segment[] = [];
  let extent = 0;
  for (let i = 0; i < pieces.length; i += 1) {
    const piece = pieces[i]!;
    const end = piece.firstPage + piece.pages;
    let at = piece.firstPage;
    while (piece.range === null && extent < zero.length) {
      const { firstPage, pages } = zero[extent]!;
      if (firstPage >= end) break;
      if (firstPage > at) segments.push(newSegment(piece, 0, at, firstPage));
      const zeroEnd = min(end, firstPage + pages);
      const share = zeroPagesOf(zero[extent]!) / pages;
      if (zeroEnd > max(at, firstPage)) segments.push(newSegment(piece, share, max(at, firstPage), zeroEnd));
      at = max(at, zeroEnd);
      if (firstPage + pages > end) break;
      extent += 1;
    }
    if (end > at) segments.push(newSegment(piece, 0, at, end));
  }
  link(segments);
  for (let i = 0; i < segments.length; i += 1) {
    const segment = segments[i]!;
    const { range, chunk } = segment;
    if (range !== null && range.firstPage === segment.firstPage) range.first = segment;
    if (range !== null && chunk !== null) chunk.first ??= segment;
  }
  return segments[0] ?? null;
}

/** Segments of pages that are not written end at these pages too. */
export function cutAt(first: Segment | null, borders: readonly number[]): void {
  for (const page of borders) {
    for (let s = first; s !== null; s = s.next === first ? null : s.next) {
      const inside = page - s.firstPage;
      if (s.range === null && inside > 0 && inside < s.pages) split(s, inside);
    }
  }
}

/** The same stretch as one that is not written: it leaves the circle once it is sent. */
export function unwritten({ zeroShare, firstPage, pages, dirty }: Segment): Segment {
  const segment = newSegment({ range: null, chunk: null }, zeroShare, firstPage, firstPage + pages);
  segment.dirty = dirty;
  return segment;
}

/** Closes segments in order of address to a circle. Returns the first; null when there is none. */
export function link(segments: readonly Segment[]): Segment | null {
  for (let i = 0; i < segments.length; i += 1) {
    const segment = segments[i]!;
    segment.next = segments[(i + 1) % segments.length]!;
    segment.next.previous = segment;
  }
  return segments[0] ?? null;
}
