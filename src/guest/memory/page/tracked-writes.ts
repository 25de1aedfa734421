/**
 * The writes of vCPUs as tracking notices them: in KVM's bitmap, or as entries of a ring. The page memory's hot loops.
 *
 * Pages are drawn in blocks before any of their bits is looked at. The loops over a block depend on nothing but its numbers, so
 * a CPU has several of their cache misses under way at once. docs/performance.md compares this with other designs.
 */
import type { Generator } from '../../../random/generator.js';
import { areSet, bitmapWords, listFresh, markPages, markRange, readLines, setRange } from './bitmap.js';
import type { ClassCursor, VcpuState } from './vcpu-writes.js';
import { HUGE_PAGE_PAGES } from '../../spec.js';

const { ceil, min } = Math;

/** Writes whose pages are drawn together: 8 KiB of numbers, which stay in the innermost cache. */
const BLOCK_WRITES = 2048;

/** The bitmap of a class of so many pages, 1 MiB, still lies in the second cache of common CPUs. */
const CACHED_PAGES = 2 ** 23;

/** Half of that: of a class so large, what was read first is still there when its writes are marked. */
const READ_AHEAD_PAGES = 2 ** 22;

/** Reading a cache line of a bitmap in order is at least twice as fast as where a write happens to lie; its pages are 512. */
const READ_AHEAD_PAGES_PER_WRITE = 2 * 512;

export class TrackedWrites {
  /** What tracking has noticed, and what is not armed: see page-memory.ts. */
  readonly log: Int32Array;
  readonly aside: Int32Array;
  /** Pages written since they were last asked for; null: they are never asked for. */
  rewritten: Int32Array | null = null;
  /** Huge pages split since this was set to 0. */
  splits = 0;
  /** One byte per 2 MiB that still is a huge page; empty when writes split nothing. */
  readonly #huge: Uint8Array;
  readonly #splitsHuge: boolean;
  /** What all vCPUs write does not stay in the cache, so that each turn of a vCPU finds its part of the log gone. */
  readonly #exceedsCache: boolean;
  /** Pages of the writes at hand, and those of them that are noticed. */
  readonly #block = new Int32Array(BLOCK_WRITES);
  readonly #noticed = new Int32Array(BLOCK_WRITES);

  /** `words`: of a bitmap over so many pages; `writtenPages`: those of them that some vCPU writes. */
  constructor(words: number, totalPages: number, writtenPages: number, splitsHuge: boolean) {
    this.log = new Int32Array(words);
    this.aside = new Int32Array(words);
    this.#splitsHuge = splitsHuge;
    this.#exceedsCache = writtenPages > CACHED_PAGES;
    this.#huge = new Uint8Array(splitsHuge ? ceil(totalPages / HUGE_PAGE_PAGES) : 0);
  }

  /** Logging begins, and splits huge pages from here on. */
  start(): void {
    this.#huge.fill(1);
  }

  /** Writes that are not tracked. Their pages are drawn all the same: the stream does not depend on what is tracked. */
  skip(random: Generator, c: ClassCursor, writes: number): void {
    if (c.sequential) {
      c.next = (c.next + writes) % c.pages;
      return;
    }
    for (let left = writes; left > 0; left -= BLOCK_WRITES)
      random.fillRange(c.firstPage, c.pages, this.#block, min(left, BLOCK_WRITES));
  }

  /** Into KVM's bitmap. Returns the writes that are noticed. */
  mark(random: Generator, c: ClassCursor, writes: number): number {
    if (c.sequential) return this.#logSequential(c, writes);
    if (this.#exceedsCache && c.pages <= min(READ_AHEAD_PAGES, writes * READ_AHEAD_PAGES_PER_WRITE)) {
      const { firstPage, pages } = c;
      // Kept, as a compiler leaves out what is read for nothing.
      this.#noticed[0] = readLines(this.log, firstPage >>> 5, bitmapWords(firstPage + pages));
    }
    return this.#logUniform(random, c, writes);
  }

  #logUniform(random: Generator, c: ClassCursor, writes: number): number {
    const bits = this.log;
    const block = this.#block;
    let fresh = 0;
    for (let left = writes; left > 0; left -= BLOCK_WRITES) {
      const count = min(left, BLOCK_WRITES);
      this.#draw(random, c, count);
      if (c.pages > CACHED_PAGES && areSet(bits, block, count)) continue;
      if (this.#splitsHuge) {
        const noticed = listFresh(bits, block, count, this.#noticed, 0);
        this.#split(this.#noticed, 0, noticed);
        fresh += noticed;
      } else {
        fresh += markPages(bits, block, count);
      }
    }
    return fresh;
  }

  /** A loop over a class is a range of pages, whose words are filled whole. */
  #logSequential(c: ClassCursor, writes: number): number {
    let fresh = 0;
    for (let left = writes; left > 0;) {
      const count = min(left, c.pages - c.next);
      const from = c.firstPage + c.next;
      fresh += this.#splitsHuge
        ? this.#markAndSplit(from, from + count)
        : markRange(this.log, from, from + count);
      if (this.rewritten !== null) setRange(this.rewritten, from, from + count);
      c.next += count;
      if (c.next === c.pages) c.next = 0;
      left -= count;
    }
    return fresh;
  }

  #markAndSplit(from: number, to: number): number {
    let fresh = 0;
    for (let page = from; page < to;) {
      const end = min(to, page - (page % HUGE_PAGE_PAGES) + HUGE_PAGE_PAGES);
      const noticed = markRange(this.log, page, end);
      if (noticed > 0) this.#splitAt(page);
      fresh += noticed;
      page = end;
    }
    return fresh;
  }

  /** Into the ring, which has room for them: an entry for each write to a page that is armed. Returns the entries. */
  push(state: VcpuState, c: ClassCursor, writes: number): number {
    const before = state.ringCount;
    let count = before;
    for (let left = writes; left > 0; left -= BLOCK_WRITES) {
      const drawn = min(left, BLOCK_WRITES);
      this.#draw(state.random, c, drawn);
      count = listFresh(this.aside, this.#block, drawn, state.ring, count);
    }
    if (this.#splitsHuge) this.#split(state.ring, before, count);
    state.ringCount = count;
    return count - before;
  }

  /** Likewise, with an entry for each write. */
  pushEvery(state: VcpuState, c: ClassCursor, writes: number): number {
    const { ring } = state;
    const block = this.#block;
    for (let left = writes; left > 0; left -= BLOCK_WRITES) {
      const drawn = min(left, BLOCK_WRITES);
      this.#draw(state.random, c, drawn);
      for (let i = 0; i < drawn; i += 1) ring[state.ringCount + i] = block[i]!;
      state.ringCount += drawn;
    }
    return writes;
  }

  /** The entries of the ring go to the log, and their pages are armed again. Returns the entries. */
  reap(state: VcpuState): number {
    const { ring, ringCount } = state;
    const { log, aside: unarmed } = this;
    for (let i = 0; i < ringCount; i += 1) {
      const page = ring[i]!;
      const w = page >>> 5;
      const bit = 1 << (page & 31);
      log[w]! |= bit;
      unarmed[w]! &= ~bit;
    }
    state.ringCount = 0;
    state.reaped += ringCount;
    return ringCount;
  }

  /** The pages of the next `count` writes, at most a block of them; they are noted as rewritten. */
  #draw(random: Generator, c: ClassCursor, count: number): void {
    const block = this.#block;
    if (c.sequential) {
      for (let i = 0; i < count; i += 1) {
        block[i] = c.firstPage + c.next;
        c.next += 1;
        if (c.next === c.pages) c.next = 0;
      }
    } else {
      random.fillRange(c.firstPage, c.pages, block, count);
    }
    if (this.rewritten !== null) markPages(this.rewritten, block, count);
  }

  /** kvm_mmu: the first write after logging began splits a huge page, unless that was done eagerly. */
  #split(pages: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i += 1) this.#splitAt(pages[i]!);
  }

  #splitAt(page: number): void {
    const block = page >>> 9;
    this.splits += this.#huge[block]!;
    this.#huge[block] = 0;
  }
}
