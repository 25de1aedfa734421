/** QEMU's migration bitmap: which pages are to be sent, how many these are, and from where the next are. */
import { bitmapWords, clearFirst, countRange, countRuns, nextSet, setRange } from './bitmap.js';
import type { ZeroExtent } from '../../spec.js';
import { BLOCK_PAGES, countInBlock, zeroPagesOf } from '../../unused.js';

const { ceil, min } = Math;

export class MigrationBitmap {
  readonly words: Int32Array;
  /** Pages whose bit is set. */
  dirty = 0;
  cursor = 0;
  /** How often the cursor has wrapped. */
  rounds = 0;
  readonly #totalPages: number;
  readonly #ramPages: number;
  readonly #hostPagePages: number;

  constructor(totalPages: number, ramPages: number, hostPagePages: number) {
    this.#totalPages = totalPages;
    this.#ramPages = ramPages;
    this.#hostPagePages = hostPagePages;
    this.words = new Int32Array(bitmapWords(totalPages));
  }

  setAll(): void {
    setRange(this.words, 0, this.#totalPages);
    this.dirty = this.#totalPages;
  }

  /** The cursor goes to the next page whose bit is set, and beyond the last page to the first. Returns the page; -1: none. */
  seek(): number {
    if (this.dirty === 0) return -1;
    let page = nextSet(this.words, this.cursor, this.#totalPages);
    if (page < 0) {
      page = nextSet(this.words, 0, this.cursor);
      if (page < 0) return -1;
      this.rounds += 1;
    }
    this.cursor = page;
    return page;
  }

  /** Where the host page that `page` lies in ends; without huge pages there is nothing to end at. */
  hostPageEnd(page: number): number {
    const size = this.#hostPagePages;
    return size === 1 ? this.#totalPages : page - (page % size) + size;
  }

  /** The first so many pages from the cursor on are sent. */
  take(pages: number): void {
    if (pages === 0) return;
    this.cursor = clearFirst(this.words, this.cursor, pages);
    this.dirty -= pages;
  }

  /** Pages of this stretch need not be sent. */
  drop(firstPage: number, pages: number): void {
    const end = min(firstPage + pages, this.#totalPages);
    const dropped = countRange(this.words, firstPage, end);
    if (dropped > 0) clearFirst(this.words, firstPage, dropped);
    this.dirty -= dropped;
  }

  /** Post-copy: a requested page arrives with all of its host page; the background goes on behind it. Returns the pages. */
  fetch(page: number): number {
    const first = page - (page % this.#hostPagePages);
    const end = min(first + this.#hostPagePages, this.#totalPages);
    const pages = countRange(this.words, first, end);
    this.cursor = clearFirst(this.words, first, pages);
    this.dirty -= pages;
    return pages;
  }

  /** See `GuestMemory.discardDirty`. */
  discardDirty(): number {
    const size = this.#hostPagePages;
    if (size > 1) {
      // ROMs and video memory are blocks of their own, on pages of 4 KiB.
      for (let first = 0; first < this.#ramPages; first += size) {
        const dirty = countRange(this.words, first, first + size);
        if (dirty === 0 || dirty === size) continue;
        setRange(this.words, first, first + size);
        this.dirty += size - dirty;
      }
    }
    this.cursor = 0;
    return countRuns(this.words);
  }

  /** Numbers of the next `count` pages from the cursor on. */
  list(pages: Int32Array, count: number): void {
    let page = this.cursor;
    for (let i = 0; i < count; i += 1) {
      page = nextSet(this.words, page, this.#totalPages);
      pages[i] = page;
      page += 1;
    }
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
