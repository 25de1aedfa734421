/**
 * Slots of an XBZRLE cache that stand for all of them, for the fluid memory, which knows how many pages of a stretch are
 * dirty but not which. Up to `SAMPLED_PAGES` written pages all slots are there.
 */
import type { GuestSpec } from '../../../guest/spec.js';
import type { Generator } from '../../../random/generator.js';

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
  /** The slot of the first page. */
  readonly firstSlot: number;
}

/**
 * Pages that are written, drawn by slot: each slot that has any is as likely as any other, and all its pages are in the
 * sample, as they compete for it.
 */
export function sampleSlots(guest: GuestSpec, slots: number, random: Generator): XbzrleSample {
  const ranges = writtenRanges(guest, slots);
  const written = ranges.reduce((sum, range) => sum + range.pages, 0);
  const drawn = drawSlots(ranges, written, slots, random);
  const pages = pagesOf(ranges, drawn, slots);
  const slotOf = new Int32Array(pages.length);
  for (let i = 0; i < pages.length; i += 1) slotOf[i] = indexFrom(drawn, pages[i]! % slots);
  return { pages, slots: slotOf, slotCount: drawn.length };
}

function writtenRanges(guest: GuestSpec, slots: number): Range[] {
  const found = new Map<number, Range>();
  const add = (firstPage: number, pages: number): void => {
    found.set(firstPage, { firstPage, pages, firstSlot: firstPage % slots });
  };
  for (const { classes } of guest.vcpus)
    for (const use of classes) {
      if (use.writesPerSecond <= 0) continue;
      add(use.firstPage, use.pages);
      if (use.copyFirstPage !== undefined) add(use.copyFirstPage, use.pages);
    }
  if (guest.dma !== undefined) add(guest.dma.firstPage, guest.dma.pages);
  return [...found.values()].sort((a, b) => a.firstPage - b.firstPage);
}

/**
 * Written pages at even distances are looked at; the slot of one that competes with c - 1 others is taken with 1/c, as it is
 * found through each of the c. From small to large, each once.
 */
function drawSlots(
  ranges: readonly Range[],
  written: number,
  slots: number,
  random: Generator,
): Float64Array {
  const looks = written <= SAMPLED_PAGES ? written : SAMPLED_PAGES;
  const drawn = new Float64Array(looks);
  let count = 0;
  let any = -1;
  // Looks go upwards through the ranges.
  let range = 0;
  let before = 0;
  for (let i = 0; i < looks; i += 1) {
    const offset = looks === written ? i : floor(((i + random.nextFloat()) * written) / looks);
    while (range < ranges.length - 1 && offset - before >= ranges[range]!.pages) {
      before += ranges[range]!.pages;
      range += 1;
    }
    any = (ranges[range]!.firstPage + offset - before) % slots;
    if (looks === written || random.nextFloat() * competitors(ranges, any, slots) < 1) {
      drawn[count] = any;
      count += 1;
    }
  }
  if (count === 0 && any >= 0) {
    drawn[0] = any;
    count = 1;
  }
  return distinct(drawn.subarray(0, count).sort());
}

function distinct(sorted: Float64Array): Float64Array {
  let count = 0;
  for (let i = 0; i < sorted.length; i += 1) {
    if (i > 0 && sorted[i] === sorted[i - 1]) continue;
    sorted[count] = sorted[i]!;
    count += 1;
  }
  return sorted.subarray(0, count);
}

/** All written pages of the slots, in address order. */
function pagesOf(ranges: readonly Range[], drawn: Float64Array, slots: number): Float64Array {
  let count = 0;
  for (let i = 0; i < drawn.length; i += 1) count += competitors(ranges, drawn[i]!, slots);
  const pages = new Float64Array(count);
  let at = 0;
  for (const { firstPage, pages: length, firstSlot } of ranges) {
    const end = firstPage + length;
    let i = indexFrom(drawn, firstSlot);
    for (let turn = firstPage - firstSlot; turn < end; turn += slots) {
      for (; i < drawn.length && turn + drawn[i]! < end; i += 1) {
        pages[at] = turn + drawn[i]!;
        at += 1;
      }
      i = 0;
    }
  }
  // Ranges may share pages.
  return pages.sort();
}

/** The index of the first value that is not below `least`; the values rise. */
function indexFrom(values: Float64Array, least: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Written pages that map to the slot. */
function competitors(ranges: readonly Range[], slot: number, slots: number): number {
  let count = 0;
  for (const { pages, firstSlot } of ranges) {
    const first = slot >= firstSlot ? slot - firstSlot : slot - firstSlot + slots;
    const last = pages - 1 - first;
    if (last >= 0) count += last < slots ? 1 : floor(last / slots) + 1;
  }
  return count;
}
