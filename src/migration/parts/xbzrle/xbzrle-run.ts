/**
 * What the next pages of a run cost under XBZRLE. In the page memory each page is looked up. In the fluid memory the pages of
 * sampled slots are: each is dirty with the share of dirty pages around it, and the share of hits among those is taken for
 * all. For uniform writes that is right in expectation, for sequential ones page by page; the sample adds its own error.
 */
import type { GuestMemory, Stretch } from '../../../guest/memory/memory.js';
import { PAGE_BYTES } from '../../../guest/spec.js';
import type { Generator } from '../../../random/generator.js';
import { stream } from '../../../random/streams.js';
import {
  FLUSH_NORMAL_PAGES,
  IO_BUFFER_BYTES,
  NORMAL_PAGE_BYTES,
  PAGE_HEADER_BYTES,
  type PageCost,
} from '../../rules/stream.js';
import { encodedTlsUs } from '../../rules/cpu-costs.js';
import { XBZRLE_HEADER_BYTES, XbzrleCache, cacheSlots } from '../../rules/xbzrle.js';
import type { MigrationSetup, StreamSpec } from '../../setup.js';
import { type XbzrleSample, sampleSlots } from './xbzrle-sample.js';

const { ceil, floor, max, min } = Math;

/** Pages that are priced together in the fluid memory. */
const FLUID_BATCH_PAGES = 1024;
const SLACK_PAGES = 1e-6;

export class XbzrleRun {
  /** Pages that have been looked up and not yet sent. */
  priced = 0;
  /**
   * Shares of these: in the cache; whole pages all the same, as their difference overflowed; the same as their copy, of which
   * nothing is sent, as the copy was read after the write that made the page dirty. The fluid memory knows none of the last.
   */
  hitShare = 0;
  overflowShare = 0;
  unchangedShare = 0;
  readonly #memory: GuestMemory;
  readonly #spec: StreamSpec;
  readonly #random: Generator;
  readonly #slots: number;
  readonly #cache: XbzrleCache;
  readonly #sample: XbzrleSample | null;
  readonly #encodeUs: number;
  /** Encrypting one encoded page. */
  readonly #encryptUs: number;
  readonly #plainUs: number;
  readonly #countsEachPage: boolean;
  readonly #pages = new Int32Array(FLUSH_NORMAL_PAGES);
  readonly #stretches: Stretch[] = [];
  #cost: PageCost;

  constructor(setup: MigrationSetup, spec: StreamSpec, memory: GuestMemory, normal: PageCost) {
    this.#memory = memory;
    this.#spec = spec;
    this.#random = stream(setup.seed, setup.run, 'xbzrle');
    this.#slots = cacheSlots(spec.xbzrleCacheBytes, memory.totalPages);
    this.#sample = memory.listRun === undefined ? sampleSlots(setup.guest, this.#slots, this.#random) : null;
    this.#cache = new XbzrleCache(this.#sample === null ? this.#slots : this.#sample.slotCount);
    const encodes = spec.xbzrleBytesPerSecond;
    this.#encodeUs = encodes > 0 ? (PAGE_BYTES / encodes) * 1e6 : 0;
    this.#encryptUs = encodedTlsUs(spec);
    this.#plainUs = normal.cpuUs;
    this.#countsEachPage = normal.flushPages === 1;
    memory.watchRewrites?.();
    this.#cost = normal;
  }

  /** Pages that can be priced together. */
  get batch(): number {
    if (this.priced > 0) return this.priced;
    return this.#sample === null ? FLUSH_NORMAL_PAGES : FLUID_BATCH_PAGES;
  }

  /** What the next `pages` pages cost on average; those that were looked up before are not looked up again. */
  price(pages: number, generation: number, isLastStage: boolean): PageCost {
    if (this.priced > 0) return this.#cost;
    if (this.#sample === null) this.#lookUp(pages, generation, isLastStage);
    else this.#estimate(this.#sample, pages, generation, isLastStage);
    this.priced = pages;
    const encoded = this.hitShare - this.overflowShare - this.unchangedShare;
    const whole = 1 - this.hitShare + this.overflowShare;
    const bytes = encoded * (XBZRLE_HEADER_BYTES + this.#spec.xbzrleEncodedBytes) + whole * NORMAL_PAGE_BYTES;
    this.#cost = {
      ...this.#cost,
      bytes,
      wireBytes: bytes,
      // What goes into the cache is copied into the buffer, whole or encoded (ram.c:ram_save_page, `send_async`).
      ...(this.#countsEachPage || bytes === 0
        ? {}
        : {
            flushPages: max(1, ceil(IO_BUFFER_BYTES / bytes)),
            vectorShare: 0,
            bufferShare: min(1, bytes / IO_BUFFER_BYTES),
          }),
      // A difference is copied into the buffer with others: only whole pages cost a write of their own.
      cpuUs: whole * this.#plainUs + this.hitShare * this.#encodeUs + encoded * this.#encryptUs,
    };
    return this.#cost;
  }

  /** xbzrle_counters.bytes of a page on average: without the header, and of an overflow the whole page. */
  get countedBytes(): number {
    const encoded = this.hitShare - this.overflowShare - this.unchangedShare;
    const counted = XBZRLE_HEADER_BYTES - PAGE_HEADER_BYTES + this.#spec.xbzrleEncodedBytes;
    return encoded * counted + this.overflowShare * PAGE_BYTES;
  }

  /** A number of them were sent; less than a part of a page is a rounding error of real counts. */
  leave(pages: number): void {
    this.priced = this.priced - pages > SLACK_PAGES ? this.priced - pages : 0;
  }

  #lookUp(pages: number, generation: number, isLastStage: boolean): void {
    let hits = 0;
    let overflows = 0;
    let unchanged = 0;
    this.#memory.listRun!(this.#pages, pages);
    for (let i = 0; i < pages; i += 1) {
      const page = this.#pages[i]!;
      const isRewritten = this.#memory.takeRewritten!(page);
      if (!this.#cache.find(page, page % this.#slots, generation, isLastStage)) continue;
      hits += 1;
      if (!isRewritten) unchanged += 1;
      else if (this.#random.nextFloat() < this.#spec.xbzrleOverflowShare) overflows += 1;
    }
    this.hitShare = hits / pages;
    this.overflowShare = overflows / pages;
    this.unchangedShare = unchanged / pages;
  }

  #estimate(sample: XbzrleSample, pages: number, generation: number, isLastStage: boolean): void {
    const count = this.#memory.stretches!(this.#stretches, pages);
    let asked = 0;
    let hits = 0;
    for (let i = 0; i < count; i += 1) {
      const { from, to, dirtyShare } = this.#stretches[i]!;
      for (let k = firstAtOrAfter(sample.pages, from); k < sample.pages.length; k += 1) {
        const page = sample.pages[k]!;
        if (page >= to) break;
        if (dirtyShare < 1 && this.#random.nextFloat() >= dirtyShare) continue;
        asked += 1;
        if (this.#cache.find(page, sample.slots[k]!, generation, isLastStage)) hits += 1;
      }
    }
    // Where no page of the sample lies, what was found last stands.
    if (asked > 0) this.hitShare = hits / asked;
    this.overflowShare = this.hitShare * this.#spec.xbzrleOverflowShare;
  }
}

/** Index of the first page that is not below `page`. */
function firstAtOrAfter(pages: Float64Array, page: number): number {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = floor((low + high) / 2);
    if (pages[middle]! < page) low = middle + 1;
    else high = middle;
  }
  return low;
}
