/** QEMU's migration bitmap: which pages are to be sent, how many these are, and from where the next are. */
import {
  bitmapWords,
  clearFirst,
  clearRange,
  countRange,
  countRuns,
  endOfSet,
  mergeClear,
  mergeKeep,
  nextSet,
  setRange,
} from './bitmap.js';
import type { ZeroExtent } from '../../spec.js';
import { BLOCK_PAGES, countInBlock, zeroPagesOf } from '../../unused.js';

const { ceil, min } = Math;

/** Pages of 128 MiB, log2: their bits fill 4 KiB, one page of the memory that the simulator touches. */
const PART_SHIFT = 15;

/**
 * The bitmap lies in parts, each with the number of its bits. A part whose bits are all 0 or all 1 costs a look at its number,
 * and no look at its words. Most parts of a guest are written by no vCPU and go from all 1 to all 0 in the first pass: memory
 * for their words is never touched.
 */
export class MigrationBitmap {
  /** Pages whose bit is set. */
  dirty = 0;
  cursor = 0;
  /** How often the cursor has wrapped. */
  rounds = 0;
  readonly #totalPages: number;
  readonly #ramPages: number;
  readonly #hostPagePages: number;
  /** Words of a part that is implied are 0. */
  readonly #words: Int32Array;
  readonly #partShift: number;
  readonly #partPages: number;
  /** Bits that are set in each part. */
  readonly #counts: Int32Array;
  /** 1: all bits of this part are set, although its words do not say so yet. */
  readonly #implied: Uint8Array;
  #impliedParts = 0;

  /** `partShift`: log2 of the pages of a part, at least 5. */
  constructor(totalPages: number, ramPages: number, hostPagePages: number, partShift = PART_SHIFT) {
    this.#totalPages = totalPages;
    this.#ramPages = ramPages;
    this.#hostPagePages = hostPagePages;
    this.#words = new Int32Array(bitmapWords(totalPages));
    this.#partShift = partShift;
    this.#partPages = 2 ** partShift;
    const parts = ceil(totalPages / this.#partPages);
    this.#counts = new Int32Array(parts);
    this.#implied = new Uint8Array(parts);
  }

  /** The bits themselves, all of them written out. */
  get words(): Int32Array {
    for (let part = 0; this.#impliedParts > 0; part += 1) this.#writeOut(part);
    return this.#words;
  }

  setAll(): void {
    for (let part = 0; part < this.#counts.length; part += 1) {
      const start = part * this.#partPages;
      const end = this.#endOfPart(part);
      // Words that are 0 already are not touched.
      if (this.#implied[part] === 0 && this.#counts[part] !== 0) clearRange(this.#words, start, end);
      this.#counts[part] = end - start;
    }
    this.#implied.fill(1);
    this.#impliedParts = this.#counts.length;
    this.dirty = this.#totalPages;
  }

  /** The cursor goes to the next page whose bit is set, and beyond the last page to the first. Returns the page; -1: none. */
  seek(): number {
    if (this.dirty === 0) return -1;
    let page = this.next(this.cursor, this.#totalPages);
    if (page < 0) {
      page = this.next(0, this.cursor);
      if (page < 0) return -1;
      this.rounds += 1;
    }
    this.cursor = page;
    return page;
  }

  /** First page in [from, to) whose bit is set, or -1. */
  next(from: number, to: number): number {
    for (let page = from; page < to;) {
      const part = page >>> this.#partShift;
      const end = min(to, this.#endOfPart(part));
      if (this.#implied[part] !== 0) return page;
      if (this.#counts[part] !== 0) {
        const found = nextSet(this.#words, page, end);
        if (found >= 0) return found;
      }
      page = end;
    }
    return -1;
  }

  /** Bits that are set in [from, to). */
  count(from: number, to: number): number {
    let count = 0;
    for (let page = from; page < to;) {
      const part = page >>> this.#partShift;
      const end = this.#endOfPart(part);
      count += this.#countFrom(part, page);
      if (end > to) count -= this.#countFrom(part, to);
      page = end;
    }
    return count;
  }

  /** Where the host page that `page` lies in ends; without huge pages there is nothing to end at. */
  hostPageEnd(page: number): number {
    const size = this.#hostPagePages;
    return size === 1 ? this.#totalPages : page - (page % size) + size;
  }

  /** The first so many pages from the cursor on are sent. */
  take(pages: number): void {
    if (pages > 0) this.cursor = this.#clear(this.cursor, pages);
  }

  /** Pages of this stretch need not be sent. */
  drop(firstPage: number, pages: number): void {
    const end = min(firstPage + pages, this.#totalPages);
    this.#clear(firstPage, this.count(firstPage, end));
  }

  /** Post-copy: a requested page arrives with all of its host page; the background goes on behind it. Returns the pages. */
  fetch(page: number): number {
    const first = page - (page % this.#hostPagePages);
    const pages = this.count(first, min(first + this.#hostPagePages, this.#totalPages));
    this.cursor = this.#clear(first, pages);
    return pages;
  }

  /**
   * Pages in the words [from, to) of a log become dirty. The words are kept, and copied to `snapshot`; without one, the log is
   * emptied. Returns the pages that were not dirty before.
   */
  merge(log: Int32Array, snapshot: Int32Array | null, from: number, to: number): number {
    const shift = this.#partShift - 5;
    let fresh = 0;
    for (let w = from; w < to;) {
      const part = w >>> shift;
      const end = min(to, (part + 1) << shift);
      if (this.#implied[part] === 0) {
        const added =
          snapshot === null
            ? mergeClear(this.#words, log, w, end)
            : mergeKeep(this.#words, log, snapshot, w, end);
        this.#counts[part]! += added;
        fresh += added;
      } else if (snapshot === null) {
        log.fill(0, w, end);
      } else {
        snapshot.set(log.subarray(w, end), w);
      }
      w = end;
    }
    this.dirty += fresh;
    return fresh;
  }

  /** See `GuestMemory.discardDirty`. */
  discardDirty(): number {
    const size = this.#hostPagePages;
    const { words } = this;
    if (size > 1) {
      // ROMs and video memory are blocks of their own, on pages of 4 KiB.
      for (let first = 0; first < this.#ramPages; first += size) {
        const dirty = countRange(words, first, first + size);
        if (dirty === 0 || dirty === size) continue;
        setRange(words, first, first + size);
        this.dirty += size - dirty;
      }
      this.#counts.forEach((_, part, counts) => {
        counts[part] = countRange(words, part * this.#partPages, this.#endOfPart(part));
      });
    }
    this.cursor = 0;
    return countRuns(words);
  }

  /** Numbers of the next `count` pages from the cursor on. */
  list(pages: Int32Array, count: number): void {
    let page = this.cursor;
    for (let i = 0; i < count; i += 1) {
      page = this.next(page, this.#totalPages);
      pages[i] = page;
      page += 1;
    }
  }

  #endOfPart(part: number): number {
    return min((part + 1) * this.#partPages, this.#totalPages);
  }

  /** Bits of the part that are set from `page` on. */
  #countFrom(part: number, page: number): number {
    const start = part * this.#partPages;
    const end = this.#endOfPart(part);
    const all = this.#counts[part]!;
    if (this.#implied[part] !== 0) return end - page;
    if (all === 0) return 0;
    return page - start < end - page
      ? all - countRange(this.#words, start, page)
      : countRange(this.#words, page, end);
  }

  #writeOut(part: number): void {
    if (this.#implied[part] === 0) return;
    this.#implied[part] = 0;
    this.#impliedParts -= 1;
    setRange(this.#words, part * this.#partPages, this.#endOfPart(part));
  }

  /** Clear the first `count` set bits from `from` on; there must be that many. Returns the page just past the last. */
  #clear(from: number, count: number): number {
    let end = from;
    for (let page = from, left = count; left > 0;) {
      const part = page >>> this.#partShift;
      const here = this.#countFrom(part, page);
      if (here > left) {
        this.#writeOut(part);
        end = clearFirst(this.#words, page, left);
      } else if (here > 0) {
        end = this.#clearRest(part, page);
      }
      const cleared = min(here, left);
      this.#counts[part]! -= cleared;
      this.dirty -= cleared;
      left -= cleared;
      page = this.#endOfPart(part);
    }
    return end;
  }

  /** Clear all bits of the part from `page` on; one at least is set. Returns the page just past the last. */
  #clearRest(part: number, page: number): number {
    const end = this.#endOfPart(part);
    if (this.#implied[part] !== 0 && page === part * this.#partPages) {
      this.#implied[part] = 0;
      this.#impliedParts -= 1;
      return end;
    }
    this.#writeOut(part);
    const last = endOfSet(this.#words, page, end);
    clearRange(this.#words, page, last);
    return last;
  }
}

/** The pages of the extent that free page hints report need not be sent: in each block first of its zero pages, then of its data. */
export function dropHinted(bitmap: MigrationBitmap, extent: ZeroExtent): void {
  const zero = zeroPagesOf(extent);
  const blocks = ceil(extent.pages / BLOCK_PAGES);
  for (let block = 0; block < blocks; block += 1) {
    const start = extent.firstPage + block * BLOCK_PAGES;
    bitmap.drop(start, countInBlock(extent, extent.hintedZeroPages ?? 0, block));
    const data = start + countInBlock(extent, zero, block);
    bitmap.drop(data, countInBlock(extent, extent.hintedDataPages ?? 0, block));
  }
}
