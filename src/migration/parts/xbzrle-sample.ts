/**
 * Slots of an XBZRLE cache that stand for all of them, for the fluid memory, which knows how many pages of a stretch are
 * dirty but not which. Up to `SAMPLED_PAGES` written pages all slots are there.
 */
import type { GuestSpec } from '../../guest/spec.js';
import type { Generator } from '../../random/generator.js';

const { floor } = Math;

/** Written pages in the sample, about: a share of hits is off by 1 / sqrt of those that are dirty. */
export const SAMPLED_PAGES = 32_768;

/** Written pages whose slots were drawn, in address order, and the slot of each as an index into those drawn. */
export interface XbzrleSample {
  readonly pages: Float64Array;
  readonly slots: Int32Array;
  readonly slotCount: number;
}

interface Range {
  readonly firstPage: number;
  readonly pages: number;
}

/**
 * Pages that are written, drawn by slot: each slot that has any is as likely as any other, and all its pages are in the
 * sample, as they compete for it.
 */
export function sampleSlots(guest: GuestSpec, slots: number, random: Generator): XbzrleSample {
  const ranges = writtenRanges(guest);
  const written = ranges.reduce((sum, range) => sum + range.pages, 0);
  const drawn = drawSlots(ranges, written, slots, random);
  const found: { page: number; slot: number }[] = [];
  drawn.forEach((slot, index) => {
    for (const range of ranges) {
      const end = range.firstPage + range.pages;
      for (let page = firstIn(range, slot, slots); page < end; page += slots)
        found.push({ page, slot: index });
    }
  });
  found.sort((a, b) => a.page - b.page);
  return {
    pages: Float64Array.from(found, ({ page }) => page),
    slots: Int32Array.from(found, ({ slot }) => slot),
    slotCount: drawn.length,
  };
}

function writtenRanges(guest: GuestSpec): Range[] {
  const found = new Map<number, Range>();
  for (const { classes } of guest.vcpus)
    for (const use of classes) {
      if (use.writesPerSecond <= 0) continue;
      const { firstPage, pages, copyFirstPage } = use;
      found.set(firstPage, { firstPage, pages });
      if (copyFirstPage !== undefined) found.set(copyFirstPage, { firstPage: copyFirstPage, pages });
    }
  if (guest.dma !== undefined) found.set(guest.dma.firstPage, guest.dma);
  return [...found.values()].sort((a, b) => a.firstPage - b.firstPage);
}

/**
 * Written pages at even distances are looked at; the slot of one that competes with c - 1 others is taken with 1/c, as it is
 * found through each of the c.
 */
function drawSlots(ranges: readonly Range[], written: number, slots: number, random: Generator): number[] {
  const drawn = new Set<number>();
  const looks = written <= SAMPLED_PAGES ? written : SAMPLED_PAGES;
  let any = -1;
  for (let i = 0; i < looks; i += 1) {
    const offset = looks === written ? i : floor(((i + random.nextFloat()) * written) / looks);
    const slot = pageAt(ranges, offset) % slots;
    any = slot;
    if (looks === written || random.nextFloat() * competitors(ranges, slot, slots) < 1) drawn.add(slot);
  }
  if (drawn.size === 0 && any >= 0) drawn.add(any);
  return [...drawn];
}

function pageAt(ranges: readonly Range[], offset: number): number {
  let left = offset;
  for (const { firstPage, pages } of ranges) {
    if (left < pages) return firstPage + left;
    left -= pages;
  }
  return 0;
}

/** The first page of a range that maps to the slot; beyond its end where there is none. */
function firstIn({ firstPage }: Range, slot: number, slots: number): number {
  return firstPage + ((((slot - firstPage) % slots) + slots) % slots);
}

function competitors(ranges: readonly Range[], slot: number, slots: number): number {
  let count = 0;
  for (const range of ranges) {
    const last = range.firstPage + range.pages - 1 - firstIn(range, slot, slots);
    if (last >= 0) count += floor(last / slots) + 1;
  }
  return count;
}
