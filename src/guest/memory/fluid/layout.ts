/** How the fluid memory divides the address space before a migration: ranges that vCPUs write, clear chunks, the rest. */
import type { Chunk, WrittenRange } from './segment.js';
import { HUGE_PAGE_PAGES, type AccessClass, type GuestSpec } from '../../spec.js';

const { ceil, floor, max, min } = Math;

/**
 * Pieces into which all written pages are divided at their clear chunks, so that the cost of a pass does not grow with
 * memory; a range gets its share of them, by size, and not less than the least. A range of no more chunks than that is exact.
 * The pieces of a uniform range still count their chunks one by one (`meanArmed`): what is lost is how dirty pages lie
 * inside a piece. A sequential range is cleared piece by piece: with N pieces a page is armed for (N+1)/(2N) of a pass on
 * average, so that 32 pieces instead of many leave it armed for 3 % longer at most.
 */
const UNIFORM_PIECES = 16;
const LEAST_UNIFORM_PIECES = 2;
const SEQUENTIAL_PIECES = 32;

/** A piece of the address space to be made into a segment. */
export interface Piece {
  readonly range: WrittenRange | null;
  readonly chunk: Chunk | null;
  readonly firstPage: number;
  readonly pages: number;
}

export interface Layout {
  /** In address order, disjoint, over all of memory. */
  readonly pieces: readonly Piece[];
  readonly ranges: readonly WrittenRange[];
  readonly chunks: readonly Chunk[];
}

/** `clearBitmapShift`: log2 of a chunk's pages; null when nothing is cleared by chunks. */
export function layOut(guest: GuestSpec, clearBitmapShift: number | null): Layout {
  const ranges = writtenRanges(guest);
  const chunks = new ChunkMap(guest.ramPages, clearBitmapShift === null ? null : 2 ** clearBitmapShift);
  const pieces: Piece[] = [];
  const written = ranges.reduce((pages, range) => pages + range.pages, 0);
  let at = 0;
  for (const range of ranges) {
    chunks.addUnwritten(pieces, at, range.firstPage, range.firstPage);
    chunks.addWritten(pieces, range, piecesOf(range, written));
    at = range.firstPage + range.pages;
  }
  chunks.addUnwritten(pieces, at, guest.ramPages + guest.hiddenPages, null);
  return { pieces, ranges, chunks: chunks.all };
}

function piecesOf(range: WrittenRange, writtenPages: number): number {
  if (range.sequential) return SEQUENTIAL_PIECES;
  return max(LEAST_UNIFORM_PIECES, ceil((UNIFORM_PIECES * range.pages) / writtenPages));
}

/** Each range once, in address order, however many vCPUs write it. */
function writtenRanges(guest: GuestSpec): WrittenRange[] {
  const found = new Map<number, NewRange>();
  for (const vcpu of guest.vcpus) {
    for (const use of vcpu.classes) {
      if (use.writesPerSecond <= 0) continue;
      addUse(found, use);
      if (use.copyFirstPage !== undefined) addUse(found, { ...use, firstPage: use.copyFirstPage });
    }
  }
  const { dma } = guest;
  if (dma !== undefined) {
    addUse(found, { ...dma, pattern: 'uniform', readsPerSecond: 0 });
    found.get(dma.firstPage)!.device = true;
  }
  const ranges = [...found.values()].sort((a, b) => a.firstPage - b.firstPage);
  for (let i = 1; i < ranges.length; i += 1) {
    const { firstPage, pages } = ranges[i - 1]!;
    if (firstPage + pages > ranges[i]!.firstPage) {
      throw new RangeError(`written classes overlap at page ${ranges[i]!.firstPage}`);
    }
  }
  return ranges;
}

function addUse(found: Map<number, NewRange>, use: AccessClass): void {
  let range = found.get(use.firstPage);
  if (range === undefined) found.set(use.firstPage, (range = newRange(use)));
  if (use.pattern === 'sequential') range.sequential = true;
  range.users += 1;
}

/** While it is not known yet who writes it. */
type NewRange = { -readonly [Key in keyof WrittenRange]: WrittenRange[Key] };

function newRange(use: AccessClass): NewRange {
  const blocks =
    floor((use.firstPage + use.pages - 1) / HUGE_PAGE_PAGES) - floor(use.firstPage / HUGE_PAGE_PAGES) + 1;
  return {
    firstPage: use.firstPage,
    pages: use.pages,
    sequential: false,
    device: false,
    users: 0,
    // Set when the segments are made.
    first: null,
    writes: 0,
    armed: use.pages,
    late: [],
    lateCount: 0,
    spanWrites: 0,
    inRings: 0,
    hugeBlocks: blocks,
    unsplitBlocks: blocks,
    missedWrites: 0,
    missedShare: 1,
  };
}

/** Chunks are counted within guest RAM. Only those with pages that vCPUs write matter. */
class ChunkMap {
  readonly all: Chunk[] = [];
  readonly #ramPages: number;
  readonly #chunkPages: number | null;
  /** The chunk made last, which the next piece may lie in too. */
  #last: Chunk | null = null;
  #lastStart = -1;

  constructor(ramPages: number, chunkPages: number | null) {
    this.#ramPages = ramPages;
    this.#chunkPages = chunkPages;
  }

  /** Pages [from, to) that are not written; `nextWritten` is where the next range begins. */
  addUnwritten(pieces: Piece[], from: number, to: number, nextWritten: number | null): void {
    const size = this.#chunkPages;
    if (size === null) {
      add(pieces, null, null, from, to);
      return;
    }
    // What shares its chunk with a range before or behind it can bring about that chunk's clear.
    const headEnd =
      this.#last === null ? from : min(to, max(from, min(this.#lastStart + size, this.#ramPages)));
    add(pieces, null, this.#last, from, headEnd);
    const tailStart = nextWritten === null ? to : max(headEnd, floor(nextWritten / size) * size);
    add(pieces, null, null, headEnd, tailStart);
    if (tailStart < to) add(pieces, null, this.#chunkAt(tailStart - (tailStart % size), 1), tailStart, to);
  }

  /** `most`: pieces that the range may be divided into. */
  addWritten(pieces: Piece[], range: WrittenRange, most: number): void {
    const end = range.firstPage + range.pages;
    const size = this.#chunkPages;
    if (size === null || range.device) {
      add(pieces, range, null, range.firstPage, end);
      return;
    }
    const count = ceil(end / size) - floor(range.firstPage / size);
    const group = count <= most ? 1 : ceil(count / most);
    // Chunks at the ends may be shared with a neighbour and so stay single.
    const firstWhole = ceil(range.firstPage / size);
    const lastWhole = end === this.#ramPages ? ceil(end / size) : floor(end / size);
    let at = range.firstPage;
    while (at < end) {
      const index = floor(at / size);
      const whole = index >= firstWhole && index < lastWhole;
      const chunks = whole ? min(group, lastWhole - index) : 1;
      const pieceEnd = min(end, (index + chunks) * size);
      add(pieces, range, this.#chunkAt(index * size, chunks), at, pieceEnd);
      at = pieceEnd;
    }
  }

  #chunkAt(start: number, chunks: number): Chunk {
    if (this.#last !== null && this.#lastStart === start) return this.#last;
    this.#last = { chunks, first: null, pending: false };
    this.#lastStart = start;
    this.all.push(this.#last);
    return this.#last;
  }
}

function add(
  pieces: Piece[],
  range: WrittenRange | null,
  chunk: Chunk | null,
  from: number,
  to: number,
): void {
  if (to > from) pieces.push({ range, chunk, firstPage: from, pages: to - from });
}
