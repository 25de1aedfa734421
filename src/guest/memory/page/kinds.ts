/** Which pages are zero: the extents of a guest, page by page. */
import type { ZeroExtent } from '../../spec.js';
import { BLOCK_PAGES, countInBlock } from '../../unused.js';

const { floor, min } = Math;

export class PageKinds {
  /** Of the page that was asked for last: zero. */
  isZero = false;
  readonly #zero: readonly ZeroExtent[];
  readonly #totalPages: number;

  constructor(zero: readonly ZeroExtent[], totalPages: number) {
    this.#zero = zero;
    this.#totalPages = totalPages;
  }

  /** Where the kind of this page ends. */
  endOf(page: number): number {
    this.isZero = false;
    for (let i = 0; i < this.#zero.length; i += 1) {
      const extent = this.#zero[i]!;
      if (page < extent.firstPage) return extent.firstPage;
      const end = extent.firstPage + extent.pages;
      if (page >= end) continue;
      if (extent.zeroPages !== undefined) return this.#mixedEnd(extent, extent.zeroPages, page);
      this.isZero = true;
      return end;
    }
    return this.#totalPages;
  }

  /** In each block of the extent zero pages come first. */
  #mixedEnd(extent: ZeroExtent, zeroPages: number, page: number): number {
    const block = floor((page - extent.firstPage) / BLOCK_PAGES);
    const blockStart = extent.firstPage + block * BLOCK_PAGES;
    const zeroEnd = blockStart + countInBlock(extent, zeroPages, block);
    if (page >= zeroEnd) return min(blockStart + BLOCK_PAGES, extent.firstPage + extent.pages);
    this.isZero = true;
    return zeroEnd;
  }
}
