/** Where a learned guest's zero pages and its load lie, as a scenario can say it: few stretches, and one room for the load. */
import type { ZeroExtent } from '../../guest/spec.js';

const { ceil, max, min } = Math;

/** Where things lie in the learned guest's memory, in pages of 4 KiB. */
export interface MemoryLayout {
  /** Zero pages of guest RAM: in address order, disjoint, outside the room. */
  readonly zero: readonly ZeroExtent[];
  /** The longest stretch that is not zero: the load lies in it. */
  readonly roomFirstPage: number;
  readonly roomPages: number;
}

/** Shorter stretches than this share of RAM are put together with the next. */
const GRAIN = 1 / 256;
/** The room holds at least this share of what is not zero, else nothing is known of the places. */
const MOST = 0.75;

/**
 * Of the stretches that a log shows the long ones stay where they are. What the short ones held is added to the zero pages
 * behind the room. Where the memory in use is scattered, or no place is known, all zero pages lie at the end.
 *
 * @param zeroPages of guest RAM
 * @param extents as the log shows them, hidden pages included
 */
export function memoryLayout(
  ramPages: number,
  zeroPages: number,
  extents: readonly ZeroExtent[],
): MemoryLayout {
  const inUse = ramPages - zeroPages;
  const atEnd: MemoryLayout = {
    zero: zeroPages === 0 ? [] : [{ firstPage: inUse, pages: zeroPages }],
    roomFirstPage: 0,
    roomPages: inUse,
  };
  const long = extents
    .map(({ firstPage, pages }) => ({ firstPage, pages: min(pages, ramPages - firstPage) }))
    .filter(({ pages }) => pages >= ceil(ramPages * GRAIN));
  const room = longestGap(long, ramPages);
  const short = zeroPages - long.reduce((sum, { pages }) => sum + pages, 0);
  const roomPages = room.pages - max(0, short);
  if (short < 0 || roomPages < MOST * inUse) return atEnd;
  const zero = [...long, { firstPage: room.firstPage + roomPages, pages: short }]
    .filter(({ pages }) => pages > 0)
    .sort((a, b) => a.firstPage - b.firstPage);
  return { zero: joined(zero), roomFirstPage: room.firstPage, roomPages };
}

/** As far as they lie in memory of a number of pages, each page once: counters that jump make a log's stretches reach further. */
export function withinMemory(extents: readonly ZeroExtent[], pages: number): ZeroExtent[] {
  let from = 0;
  return extents.flatMap((extent) => {
    const firstPage = max(from, extent.firstPage);
    const end = min(pages, extent.firstPage + extent.pages);
    if (end <= firstPage) return [];
    from = end;
    return [{ firstPage, pages: end - firstPage }];
  });
}

function longestGap(extents: readonly ZeroExtent[], ramPages: number): ZeroExtent {
  let longest = { firstPage: 0, pages: 0 };
  let from = 0;
  for (const { firstPage, pages } of [...extents, { firstPage: ramPages, pages: 0 }]) {
    if (firstPage - from > longest.pages) longest = { firstPage: from, pages: firstPage - from };
    from = firstPage + pages;
  }
  return longest;
}

function joined(extents: readonly ZeroExtent[]): ZeroExtent[] {
  return extents.reduce<ZeroExtent[]>((done, { firstPage, pages }) => {
    const last = done.at(-1);
    if (last === undefined || last.firstPage + last.pages < firstPage) return [...done, { firstPage, pages }];
    return [...done.slice(0, -1), { firstPage: last.firstPage, pages: last.pages + pages }];
  }, []);
}
