/** The writes of vCPUs as tracking notices them: in KVM's bitmap, or as entries of a ring. The page memory's hot loops. */
import type { Generator } from '../../../random/generator.js';
import { type ClassCursor, type VcpuState, noteRound } from './vcpu-writes.js';

const { ceil } = Math;

/** Pages of one 2 MiB huge page, which the first noticed write in it splits. */
const HUGE_PAGE_PAGES = 512;

export class TrackedWrites {
  /** What tracking has noticed, and what is not armed: see page-memory.ts. */
  readonly log: Int32Array;
  readonly aside: Int32Array;
  /** Pages written since somebody asked for them; null: nobody asks. */
  rewritten: Int32Array | null = null;
  /** Huge pages split since this was set to 0. */
  splits = 0;
  /** One byte per 2 MiB that still is a huge page; empty when writes split nothing. */
  readonly #huge: Uint8Array;
  readonly #splitsHuge: boolean;

  /** `words`: of a bitmap over so many pages. */
  constructor(words: number, totalPages: number, splitsHuge: boolean) {
    this.log = new Int32Array(words);
    this.aside = new Int32Array(words);
    this.#splitsHuge = splitsHuge;
    this.#huge = new Uint8Array(splitsHuge ? ceil(totalPages / HUGE_PAGE_PAGES) : 0);
  }

  /** Logging begins, and splits huge pages from here on. */
  start(): void {
    this.#huge.fill(1);
  }

  logUniform(random: Generator, c: ClassCursor, writes: number): number {
    const log = this.log;
    const rewritten = this.rewritten;
    const huge = this.#splitsHuge;
    const first = c.firstPage;
    const pages = c.pages;
    let fresh = 0;
    for (let i = 0; i < writes; i += 1) {
      const page = first + random.nextBelow(pages);
      const w = page >>> 5;
      const bit = 1 << (page & 31);
      if (rewritten !== null) rewritten[w]! |= bit;
      const word = log[w]!;
      if ((word & bit) === 0) {
        log[w] = word | bit;
        fresh += 1;
        if (huge) this.#split(page);
      }
    }
    return fresh;
  }

  logSequential(c: ClassCursor, writes: number): number {
    const log = this.log;
    const huge = this.#splitsHuge;
    const last = c.firstPage + c.pages;
    let page = c.firstPage + c.next;
    let fresh = 0;
    if (this.rewritten !== null) noteRound(this.rewritten, c, writes);
    for (let i = 0; i < writes; i += 1) {
      const w = page >>> 5;
      const bit = 1 << (page & 31);
      const word = log[w]!;
      if ((word & bit) === 0) {
        log[w] = word | bit;
        fresh += 1;
        if (huge) this.#split(page);
      }
      page += 1;
      if (page === last) page = c.firstPage;
    }
    c.next = page - c.firstPage;
    return fresh;
  }

  push(state: VcpuState, c: ClassCursor, writes: number): number {
    const unarmed = this.aside;
    const huge = this.#splitsHuge;
    const ring = state.ring;
    const last = c.firstPage + c.pages;
    const rewritten = this.rewritten;
    let count = state.ringCount;
    let page = c.firstPage + c.next;
    for (let i = 0; i < writes; i += 1) {
      if (!c.sequential) page = c.firstPage + state.random.nextBelow(c.pages);
      const w = page >>> 5;
      const bit = 1 << (page & 31);
      if (rewritten !== null) rewritten[w]! |= bit;
      const word = unarmed[w]!;
      if ((word & bit) === 0) {
        unarmed[w] = word | bit;
        ring[count] = page;
        count += 1;
        if (huge) this.#split(page);
      }
      if (c.sequential) {
        page += 1;
        if (page === last) page = c.firstPage;
      }
    }
    if (c.sequential) c.next = page - c.firstPage;
    const faults = count - state.ringCount;
    state.ringCount = count;
    return faults;
  }

  pushEvery(state: VcpuState, c: ClassCursor, writes: number): number {
    const ring = state.ring;
    const last = c.firstPage + c.pages;
    const rewritten = this.rewritten;
    let count = state.ringCount;
    let page = c.firstPage + c.next;
    for (let i = 0; i < writes; i += 1) {
      if (!c.sequential) page = c.firstPage + state.random.nextBelow(c.pages);
      if (rewritten !== null) rewritten[page >>> 5]! |= 1 << (page & 31);
      ring[count] = page;
      count += 1;
      if (c.sequential) {
        page += 1;
        if (page === last) page = c.firstPage;
      }
    }
    if (c.sequential) c.next = page - c.firstPage;
    state.ringCount = count;
    return writes;
  }

  /** kvm_mmu: the first write after logging began splits a huge page, unless that was done eagerly. */
  #split(page: number): void {
    const block = page >>> 9;
    this.splits += this.#huge[block]!;
    this.#huge[block] = 0;
  }
}
