/**
 * The run of pages being sent. It is known from the memory (ram.c:find_dirty_block), grows shorter here as its pages leave,
 * and is taken off the memory when somebody looks at that.
 */
import type { Guest } from '../../guest/guest.js';
import type { GuestMemory } from '../../guest/memory/memory.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { stream } from '../../random/streams.js';
import type { Clock } from './clock.js';
import type { Counters } from './counters.js';
import type { Link } from './link.js';
import type { Parts } from './parts.js';
import type { MigrationState } from './state.js';
import {
  FLUSH_NORMAL_PAGES,
  type PageCost,
  type StreamCosts,
  mixedCost,
  pageTimeUs,
} from '../rules/stream.js';
import type { SyncPeriod } from './sync-period.js';
import { XbzrleCache } from '../rules/xbzrle.js';

const { max, min } = Math;

export class PageRun {
  /** Pages still to be sent, those of this run included (`migration_dirty_pages`). */
  dirtyPages = 0;
  /** Pages of the run, and of them those that have left. */
  pages = 0;
  taken = 0;
  /** Host pages that end with what is left of it; counted where host pages are huge. */
  hostPages = 0;
  /** Share of zero pages in the run, 0..1. */
  zeroShare = 0;

  readonly #memory: GuestMemory;
  readonly #guest: Guest;
  readonly #clock: Clock;
  readonly #link: Readonly<Link>;
  readonly #state: Readonly<MigrationState>;
  readonly #counters: Counters;
  readonly #period: Readonly<SyncPeriod>;
  readonly #stream: StreamCosts;
  readonly #hasHugePages: boolean;
  readonly #populateUs: number;
  readonly #xbzrle: XbzrleCache | null;
  readonly #encodeUs: number;
  readonly #priced: Int32Array;
  #mixed: PageCost | null = null;

  constructor({
    setup,
    clock,
    link,
    memory,
    guest,
    stream: costs,
    state,
    counters,
    period,
  }: Omit<Parts, 'version' | 'window' | 'run' | 'restraint'>) {
    const { host, migration, seed, run } = setup;
    this.#memory = memory;
    this.#guest = guest;
    this.#clock = clock;
    this.#link = link;
    this.#state = state;
    this.#counters = counters;
    this.#period = period;
    this.#stream = costs;
    this.#hasHugePages = setup.guest.hostPagePages > 1;
    this.#populateUs = host.populateNsPerPage / 1000;
    const xbzrle = migration.stream?.kind === 'xbzrle' ? migration.stream : null;
    this.#xbzrle = xbzrle === null ? null : new XbzrleCache(xbzrle, stream(seed, run, 'xbzrle'));
    const encodes = xbzrle?.xbzrleBytesPerSecond ?? 0;
    this.#encodeUs = encodes > 0 ? (PAGE_BYTES / encodes) * 1e6 : 0;
    this.#priced = new Int32Array(xbzrle === null ? 0 : FLUSH_NORMAL_PAGES);
  }

  /** Pages of the run that are still here. */
  get left(): number {
    return this.pages - this.taken;
  }

  /** All pages of the run cost the same. */
  get hasOneCost(): boolean {
    return this.#xbzrle === null;
  }

  /**
   * See to it that a run of pages is at hand at `atUs`; false when nothing is left to send. Where the next page's chunk has
   * to be cleared first, the guest is brought to that instant.
   */
  find(atUs: number): boolean {
    while (this.taken >= this.pages) {
      this.handOver();
      this.pages = this.#memory.nextRun();
      this.zeroShare = this.#memory.runZeroShare;
      if (this.#hasHugePages && this.pages > 0) this.hostPages = this.#memory.runHostPages();
      if (this.pages > 0) return true;
      if (!this.#memory.clearNeeded) return false;
      this.#clearChunk(atUs);
    }
    return true;
  }

  /** ram.c:migration_clear_memory_region_dirty_bitmap: what a running guest wrote until then counts as not yet sent. */
  #clearChunk(atUs: number): void {
    let behindUs = 0;
    if (this.#state.stopUs === null) {
      this.#clock.advance(atUs);
      behindUs = this.#guest.fallBehind(this.#clock.nowUs);
    }
    this.#memory.clearChunk(behindUs);
  }

  /** Tell the memory which pages were sent, and forget the run. */
  handOver(): void {
    if (this.taken > 0) this.#memory.take(this.taken);
    this.pages = 0;
    this.taken = 0;
  }

  /** How many pages of it can be priced together. */
  available(): number {
    if (this.#xbzrle === null || this.#memory.rounds === 0) return this.left;
    return min(this.left, FLUSH_NORMAL_PAGES);
  }

  /** What a page of the run costs; under XBZRLE what the next `pages` of it cost on average. */
  cost(pages: number): PageCost {
    return this.#xbzrle === null || this.#memory.rounds === 0
      ? this.plainCost()
      : this.#encodedCost(this.#xbzrle, pages);
  }

  /** The same where no page is encoded: in the switchover. */
  plainCost(): PageCost {
    return this.costOn(this.#stream, this.#sentAsZero());
  }

  /** What a page costs on a stream when a share of the run's pages go out as zero pages. */
  costOn(stream: StreamCosts, zeroShare: number): PageCost {
    if (zeroShare === 0) return stream.normal;
    if (zeroShare === 1) return stream.zero;
    const kept = this.#mixed;
    if (kept?.mixed?.zeroShare === zeroShare && kept.mixed.zero === stream.zero) return kept;
    const mixed = mixedCost(stream, zeroShare);
    this.#mixed = mixed;
    return mixed;
  }

  /** Time that one page takes now, µs: sending thread, link, and in the first pass a destination that populates it. */
  pageUs(cost: PageCost): number {
    const us = pageTimeUs(cost, this.#link.bytesPerSecond * this.#link.share);
    const { normal } = this.#stream;
    const isMixed = cost.mixed !== undefined;
    if (this.#populateUs === 0 || this.#period.syncCount > 1 || !(isMixed || cost === normal)) return us;
    if (!isMixed) return max(us, this.#populateUs);
    const normalUs = pageTimeUs(normal, this.#link.bytesPerSecond * this.#link.share);
    return us + (1 - this.zeroShare) * max(0, this.#populateUs - normalUs);
  }

  /** The next `pages` of the run leave. */
  send(pages: number, bytesPerPage: number): void {
    this.taken += pages;
    this.dirtyPages -= pages;
    this.count(pages, bytesPerPage);
  }

  /** So many pages of this run's kind have left. */
  count(pages: number, bytesPerPage: number): void {
    const counters = this.#counters;
    const bytes = pages * bytesPerPage;
    const zeroPages = pages * this.#sentAsZero();
    counters.zeroPages += zeroPages;
    counters.normalPages += pages - zeroPages;
    counters.transferred += bytes;
    // Pages in multifd packets do not pass the main channel, whose bytes the other two are.
    if (this.#stream.multifd) counters.multifdBytes += bytes;
    else if (this.#state.stopUs === null) counters.precopyBytes += bytes;
    else counters.downtimeBytes += bytes;
  }

  /** The next `pages` of the run are pushed after the guest has moved. */
  push(pages: number, bytesPerPage: number, zeroShare: number): void {
    const counters = this.#counters;
    this.taken += pages;
    this.dirtyPages -= pages;
    counters.zeroPages += pages * zeroShare;
    counters.normalPages += pages * (1 - zeroShare);
    counters.transferred += pages * bytesPerPage;
    counters.postcopyBytes += pages * bytesPerPage;
  }

  #encodedCost(cache: XbzrleCache, pages: number): PageCost {
    if (this.#sentAsZero() > 0 || this.#memory.listRun === undefined) return this.plainCost();
    this.#handOverTaken();
    this.#memory.listRun(this.#priced, pages);
    const bytes = cache.price(this.#priced, pages, this.#period.syncCount) / pages;
    return { bytes, flushPages: pages, cpuUs: this.#stream.normal.cpuUs + this.#encodeUs };
  }

  /** Share of the run's pages that go out as zero pages. */
  #sentAsZero(): number {
    return this.#stream.zeroAsNormal ? 0 : this.zeroShare;
  }

  /** Take off the memory what was sent of the run, and keep the rest of it. */
  #handOverTaken(): void {
    this.#memory.take(this.taken);
    this.pages -= this.taken;
    this.taken = 0;
  }
}
