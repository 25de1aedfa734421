/**
 * XBZRLE: pages that are sent again go out as the difference from the copy in a direct-mapped cache.
 * Source: QEMU migration/ram.c:save_xbzrle_page, migration/page_cache.c:cache_insert, cache_is_cached.
 */
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Generator } from '../../random/generator.js';
import type { StreamSpec } from '../setup.js';
import { NORMAL_PAGE_BYTES, PAGE_HEADER_BYTES } from './stream.js';

const { floor } = Math;

/** page_cache.c: CACHED_PAGE_LIFETIME, in syncs. */
export const CACHED_PAGE_LIFETIME = 2;
/** Header, flag byte and length before the encoded bytes. */
export const XBZRLE_HEADER_BYTES = PAGE_HEADER_BYTES + 1 + 2;

export class XbzrleCache {
  /** What the last call of `price` found. */
  bytes = 0;
  hits = 0;
  misses = 0;
  overflows = 0;
  readonly #slots: number;
  readonly #page: Int32Array;
  readonly #age: Int32Array;
  readonly #spec: StreamSpec;
  readonly #random: Generator;

  constructor(spec: StreamSpec, random: Generator) {
    this.#slots = floor(spec.xbzrleCacheBytes / PAGE_BYTES);
    this.#page = new Int32Array(this.#slots).fill(-1);
    this.#age = new Int32Array(this.#slots);
    this.#spec = spec;
    this.#random = random;
  }

  /**
   * Bytes that the first `count` pages of `pages` cost at sync `generation`. A hit costs the encoded bytes, unless the
   * difference overflows a page; a miss sends the page and caches it, unless the slot holds another page that is younger
   * than its lifetime.
   */
  price(pages: Int32Array, count: number, generation: number): number {
    const { xbzrleEncodedBytes, xbzrleOverflowShare } = this.#spec;
    let bytes = 0;
    for (let i = 0; i < count; i += 1) {
      const page = pages[i]!;
      const slot = page % this.#slots;
      if (this.#page[slot] === page) {
        this.#age[slot] = generation;
        if (this.#random.nextFloat() < xbzrleOverflowShare) {
          this.overflows += 1;
          bytes += NORMAL_PAGE_BYTES;
        } else {
          this.hits += 1;
          bytes += XBZRLE_HEADER_BYTES + xbzrleEncodedBytes;
        }
        continue;
      }
      this.misses += 1;
      bytes += NORMAL_PAGE_BYTES;
      if (this.#page[slot] !== -1 && this.#age[slot]! + CACHED_PAGE_LIFETIME > generation) continue;
      this.#page[slot] = page;
      this.#age[slot] = generation;
    }
    this.bytes = bytes;
    return bytes;
  }
}
