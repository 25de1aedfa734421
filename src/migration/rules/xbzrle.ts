/**
 * XBZRLE: pages that are sent again go out as the difference from the copy in a direct-mapped cache.
 * Source: QEMU migration/ram.c:save_xbzrle_page, migration/page_cache.c:cache_insert, cache_is_cached; the same from 7.2 to 10.2.
 */
import { PAGE_BYTES } from '../../guest/spec.js';
import { PAGE_HEADER_BYTES } from './stream.js';

const { ceil, floor, log2, min } = Math;

/** page_cache.c: CACHED_PAGE_LIFETIME, in syncs. */
export const CACHED_PAGE_LIFETIME = 2;
/** Header, flag byte and length before the encoded bytes. */
export const XBZRLE_HEADER_BYTES = PAGE_HEADER_BYTES + 1 + 2;

/**
 * page_cache.c:cache_init: pages that a cache of a given size holds. QEMU bounds a cache by nothing but its allocator. From
 * the first power of two that covers the guest on, each page has a slot of its own, so that more slots change nothing.
 */
export function cacheSlots(cacheBytes: number, totalPages: number): number {
  return min(floor(cacheBytes / PAGE_BYTES), 2 ** ceil(log2(totalPages)));
}

/** Slots of the cache: which page each one holds, and at which sync that page was last found in it. */
export class XbzrleCache {
  readonly #page: Float64Array;
  readonly #age: Int32Array;

  constructor(slots: number) {
    this.#page = new Float64Array(slots).fill(-1);
    this.#age = new Int32Array(slots);
  }

  /**
   * ram.c:save_xbzrle_page asks for `page` at sync `generation`; true when the cache has it. A hit makes the copy young again.
   * A miss caches the page, unless the slot holds another page that is younger than its lifetime. In the last stage, with the
   * guest stopped, a hit still counts, and a miss is not cached.
   */
  find(page: number, slot: number, generation: number, isLastStage: boolean): boolean {
    const held = this.#page[slot]!;
    if (held === page) {
      this.#age[slot] = generation;
      return true;
    }
    if (isLastStage) return false;
    if (held !== -1 && this.#age[slot]! + CACHED_PAGE_LIFETIME > generation) return false;
    this.#page[slot] = page;
    this.#age[slot] = generation;
    return false;
  }
}
