/**
 * Post-copy on huge host pages, in the fluid memory: which host pages are dirty in part, and so become dirty whole
 * (ram.c:postcopy_chunk_hostpages_pass).
 *
 * Of a host page of H pages that lies in a segment with a share d of dirty pages none is dirty with (1-d)^H; of one that
 * lies in several segments with the product over its parts. This is exact in expectation where pages are dirty
 * independently of each other, as after uniform writes, and exact where a segment is dirty whole or not at all.
 */
import type { ZeroExtent } from '../../spec.js';
import { zeroPagesOf } from '../../unused.js';
import { type Segment, SLACK_PAGES, newSegment } from './segment.js';

const { ceil, floor, max, min } = Math;

/** Addresses that are dirty by host pages: each is with this probability. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly share: number;
  /** Share of zero pages, where it is the same all over; absent: as the guest began. */
  readonly zeroShare?: number;
}

/** `segments` in order of address. Returns those that take their place, likewise. */
export function wholeHostPages(
  segments: readonly Segment[],
  hostPagePages: number,
  ramPages: number,
  zero: readonly ZeroExtent[],
): Segment[] {
  const stretches: Stretch[] = [];
  /** By host page that some segment begins or ends in: the chance that nothing of it is dirty. */
  const untouched = new Map<number, number>();
  const touch = (host: number, share: number, pages: number): void => {
    if (pages > SLACK_PAGES) untouched.set(host, (untouched.get(host) ?? 1) * (1 - share) ** pages);
  };
  for (const { firstPage, pages, dirty, zeroShare } of segments) {
    if (dirty <= SLACK_PAGES) continue;
    const share = min(1, dirty / pages);
    const end = firstPage + pages;
    // ROMs and video memory are blocks of their own, on pages of 4 KiB.
    if (end > ramPages) stretches.push({ from: max(firstPage, ramPages), to: end, share, zeroShare });
    const ramEnd = min(end, ramPages);
    if (firstPage >= ramEnd) continue;
    const firstWhole = ceil((firstPage - SLACK_PAGES) / hostPagePages);
    const lastWhole = floor((ramEnd + SLACK_PAGES) / hostPagePages);
    if (firstWhole < lastWhole) {
      stretches.push({
        from: firstWhole * hostPagePages,
        to: lastWhole * hostPagePages,
        share: 1 - (1 - share) ** hostPagePages,
        zeroShare,
      });
    }
    touch(firstWhole - 1, share, min(ramEnd, firstWhole * hostPagePages) - firstPage);
    if (lastWhole >= firstWhole) touch(lastWhole, share, ramEnd - lastWhole * hostPagePages);
  }
  for (const [host, missed] of untouched) {
    stretches.push({ from: host * hostPagePages, to: (host + 1) * hostPagePages, share: 1 - missed });
  }
  stretches.sort((a, b) => a.from - b.from);
  return stretches.flatMap((stretch) => cutAtZeroPages(stretch, zero));
}

function cutAtZeroPages({ from, to, share, zeroShare }: Stretch, zero: readonly ZeroExtent[]): Segment[] {
  const segments: Segment[] = [];
  const add = (zeros: number, start: number, end: number): void => {
    if (end - start <= SLACK_PAGES) return;
    const segment = newSegment({ range: null, chunk: null }, zeros, start, end);
    segment.dirty = share * segment.pages;
    segments.push(segment);
  };
  if (zeroShare !== undefined) {
    add(zeroShare, from, to);
    return segments;
  }
  let at = from;
  for (const extent of zero) {
    const start = max(at, extent.firstPage);
    const end = min(to, extent.firstPage + extent.pages);
    if (end <= start) continue;
    add(0, at, start);
    add(zeroPagesOf(extent) / extent.pages, start, end);
    at = end;
  }
  add(0, at, to);
  return segments;
}
