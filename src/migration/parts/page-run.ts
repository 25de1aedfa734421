/**
 * The run of pages being sent. It is known from the memory (ram.c:find_dirty_block), grows shorter here as its pages leave,
 * and is taken off the memory when that is looked at.
 */
import type { Guest } from '../../guest/guest.js';
import type { Effort } from '../../guest/effort.js';
import type { NonEmpty } from '../../lists.js';
import type { GuestMemory } from '../../guest/memory/memory.js';
import type { Clock } from './clock.js';
import type { Counters } from './counters.js';
import type { Link } from './link.js';
import type { MigrationSetup } from '../setup.js';
import type { MigrationState } from './state.js';
import type { SendPace } from './send-pace.js';
import { type PageCost, type StreamCosts, mixedCost, pageTimeUs } from '../rules/stream.js';
import type { SyncPeriod } from './sync-period.js';
import { XbzrleRun } from './xbzrle/xbzrle-run.js';

const { ceil, floor, max, min } = Math;
/** Part of a page that is a rounding error of the fluid memory's real counts. */
const SLACK_PAGES = 1e-6;
/** Of a page that takes no time of its own, µs: above 0, as pages are found by division. */
const NO_TIME_US = 1e-9;

/** What a run of pages reads and writes. */
interface PageRunParts {
  readonly setup: MigrationSetup;
  readonly clock: Clock;
  readonly link: Link;
  readonly pace: SendPace;
  readonly memory: GuestMemory;
  readonly guest: Guest;
  readonly effort: Effort;
  /** One for each content. */
  readonly streams: NonEmpty<StreamCosts>;
  readonly state: MigrationState;
  readonly counters: Counters;
  readonly period: SyncPeriod;
}

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
  /** ram.c: `last_stage`: the guest is stopped and the rest is sent. */
  isLastStage = false;
  /** What a normal page takes longer in the last stage, µs. */
  lastStageUs = 0;
  /** What each page takes of those that `beforeRateChanges` has returned last, µs. */
  sendUs = 0;
  /** Host pages are huge. */
  readonly hasHugePages: boolean;

  readonly #memory: GuestMemory;
  readonly #guest: Guest;
  readonly #effort: Effort;
  readonly #clock: Clock;
  readonly #link: Readonly<Link>;
  readonly #pace: Readonly<SendPace>;
  readonly #state: Readonly<MigrationState>;
  readonly #counters: Counters;
  readonly #period: Readonly<SyncPeriod>;
  readonly #streams: NonEmpty<StreamCosts>;
  /** Of the guest at large: contents differ in what data costs only. */
  readonly #stream: StreamCosts;
  readonly #populateUs: number;
  readonly #xbzrle: XbzrleRun | null;
  #mixed: PageCost | null = null;
  /** Time that multifd's channels still need for what was queued, µs: for that long the migration thread looks for zero pages at the same time. */
  #aheadUs = 0;
  /** Of multifd's synchronisations that have not been waited for. */
  #syncBytes = 0;

  constructor(parts: PageRunParts) {
    const { setup, clock, link, pace, memory, guest, effort, streams, state, counters, period } = parts;
    const { host, migration } = setup;
    this.#memory = memory;
    this.#guest = guest;
    this.#effort = effort;
    this.#clock = clock;
    this.#link = link;
    this.#pace = pace;
    this.#state = state;
    this.#counters = counters;
    this.#period = period;
    this.#streams = streams;
    [this.#stream] = streams;
    this.hasHugePages = setup.guest.hostPagePages > 1;
    this.#populateUs = host.populateNsPerPage / 1000;
    const xbzrle = migration.stream?.kind === 'xbzrle' ? migration.stream : null;
    this.#xbzrle = xbzrle === null ? null : new XbzrleRun(setup, xbzrle, memory, this.#stream.normal);
  }

  /** Pages of the run that are still here. */
  get left(): number {
    return this.pages - this.taken;
  }

  /** All pages of the run cost the same. */
  get hasOneCost(): boolean {
    return this.#xbzrle === null && !this.#isBeside();
  }

  /** Zero pages are looked for while channels send. */
  #isBeside(): boolean {
    return this.#aheadUs > 0 && this.#sentAsZero() === 1;
  }

  /** A caller that waits for longer than the channels need has waited for them. */
  drained(): void {
    this.#aheadUs = 0;
  }

  /**
   * See to it that a run of pages is at hand at `atUs`; false when nothing is left to send. Where the next page's chunk has
   * to be cleared first, the guest is brought to that instant.
   */
  find(atUs: number): boolean {
    this.#effort.turn();
    while (this.taken >= this.pages) {
      this.handOver();
      this.pages = this.#memory.nextRun();
      this.zeroShare = this.#memory.runZeroShare;
      if (this.hasHugePages && this.pages > 0) this.hostPages = this.#memory.runHostPages();
      if (this.pages > 0) return true;
      if (!this.#memory.clearNeeded) {
        // Of real counts a rounding error may stay.
        this.dirtyPages = 0;
        return false;
      }
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

  /** Mark the sent pages in the memory, and forget the run. */
  handOver(): void {
    if (this.taken > 0) this.#memory.take(this.taken);
    this.pages = 0;
    this.taken = 0;
  }

  /** How many pages of it can be priced together. */
  available(): number {
    if (this.#isBeside()) return min(this.left, max(1, ceil(this.#aheadUs / this.#stream.zero.cpuUs)));
    if (this.#xbzrle === null) return this.left;
    if (this.#encodes()) return min(this.left, this.#xbzrle.batch);
    // Encoding begins with the second round, and a run of the fluid memory may go on into it.
    if (this.#memory.rounds > 0 || this.#memory.pagesToWrap === undefined) return this.left;
    this.#handOverTaken();
    const first = this.#memory.pagesToWrap();
    if (this.#encodes()) return min(this.left, this.#xbzrle.batch);
    return first > SLACK_PAGES ? min(this.left, first) : this.left;
  }

  /**
   * What a page of the run costs; under XBZRLE what the next `pages` of it cost on average, by what they hold at `atUs`: where
   * that is known page by page the guest is brought to that instant.
   */
  cost(pages: number, atUs: number): PageCost {
    if (!this.#encodes()) return this.plainCost();
    this.#handOverTaken();
    if (this.#memory.takeRewritten !== undefined && this.#state.stopUs === null) {
      this.#clock.advance(atUs);
      this.#guest.advance(this.#clock.nowUs);
    }
    return this.#xbzrle!.price(pages, this.#period.syncCount, this.isLastStage);
  }

  /** What data of the run costs. */
  #ofContent(): StreamCosts {
    return this.#streams[this.#memory.runContent]!;
  }

  /** The same where no page is encoded. */
  plainCost(): PageCost {
    return this.costOn(this.#ofContent(), this.#sentAsZero());
  }

  /** What a page costs on a stream when a share of the run's pages go out as zero pages. */
  costOn(stream: StreamCosts, zeroShare: number): PageCost {
    if (zeroShare === 0) return stream.normal;
    if (zeroShare === 1) return stream.zero;
    const kept = this.#mixed;
    if (kept?.mixed?.zeroShare === zeroShare && kept.mixed.normal === stream.normal) return kept;
    const mixed = mixedCost(stream, zeroShare);
    this.#mixed = mixed;
    return mixed;
  }

  /**
   * Time that one page takes at `atUs`, µs: sending thread, link, in the first pass a destination that populates it, and in the
   * last stage a host on which the guest has just stopped.
   */
  pageUs(cost: PageCost, atUs = this.#clock.nowUs): number {
    return this.#pageUsOver(cost, this.#link.rateAt(atUs));
  }

  /**
   * Of `most` pages that each take `pageUs` from `atUs` on, those that leave before the rate of the link changes, or else the
   * one that is on the wire then: `sendUs` is what each takes. Returns their number.
   */
  beforeRateChanges(most: number, cost: PageCost, pageUs: number, atUs: number): number {
    this.sendUs = pageUs;
    const sameUs = this.#link.changesAfter(atUs) - atUs;
    if (most * pageUs <= sameUs) return most;
    const whole = floor(sameUs / pageUs);
    if (whole > 0) return whole;
    const pages = min(1, most);
    const us = this.#link.throughUs(pages, atUs, (count, rate) => count * this.#pageUsOver(cost, rate));
    this.sendUs = us / pages;
    return pages;
  }

  #pageUsOver(cost: PageCost, linkBytesPerSecond: number): number {
    if (this.isLastStage)
      return this.#throughUs(cost, linkBytesPerSecond) + (1 - this.zeroShare) * this.lastStageUs;
    return this.#throughUs(cost, linkBytesPerSecond * this.#link.share);
  }

  #throughUs(cost: PageCost, bytesPerSecond: number): number {
    const { normal, zero } = this.#ofContent();
    if (this.#isBeside() && cost === zero) return NO_TIME_US;
    const pace = this.#pace.factor;
    const us = pageTimeUs(cost, bytesPerSecond, pace);
    const isMixed = cost.mixed !== undefined;
    if (this.#populateUs === 0 || this.#period.syncCount > 1 || !(isMixed || cost === normal)) return us;
    const populateUs = this.#populateUs * pace;
    if (!isMixed) return max(us, populateUs);
    const normalUs = pageTimeUs(normal, bytesPerSecond, pace);
    return us + (1 - this.zeroShare) * max(0, populateUs - normalUs);
  }

  /** multifd_send_sync_main: the channels send these bytes before the next page, and the migration thread waits for them. */
  synchronise(bytes: number): void {
    this.drained();
    this.#syncBytes += bytes;
  }

  /** There are such bytes to wait for. */
  get synchronises(): boolean {
    return this.#syncBytes > 0;
  }

  /** Time that they take from `atUs` on, µs: now they have been waited for. */
  syncUs(atUs: number): number {
    if (this.#syncBytes === 0) return 0;
    const share = this.isLastStage ? 1 : this.#link.share;
    const us = this.#link.timeForUs(this.#syncBytes / share, atUs);
    this.#syncBytes = 0;
    return us;
  }

  /** The next `pages` of the run leave, each in `pageUs`. */
  send(pages: number, bytesPerPage: number, pageUs: number): void {
    this.count(pages, bytesPerPage, pageUs);
    if (this.#encodes()) this.#xbzrle!.leave(pages);
    this.taken += pages;
    // Of real counts a rounding error may stay on either side.
    this.dirtyPages = max(0, this.dirtyPages - pages);
  }

  /** A number of pages of this run's kind have left. */
  count(pages: number, bytesPerPage: number, pageUs: number): void {
    const counters = this.#counters;
    const bytes = pages * bytesPerPage;
    const zeroPages = pages * this.#sentAsZero();
    if (this.#stream.aheadPages > 0) this.#goAhead(pages, pageUs);
    counters.zeroPages += zeroPages;
    if (this.#encodes()) this.#countEncoded(pages);
    else {
      counters.normalPages += pages - zeroPages;
      counters.wholeBytes += (pages - zeroPages) * this.#ofContent().normal.wireBytes;
    }
    const { multifd, zeroInPackets, zero } = this.#stream;
    const onMain = multifd ? (zeroInPackets ? 0 : zeroPages * zero.bytes) : bytes;
    counters.record(onMain, this.#state.stopUs === null);
    counters.recordMultifd(bytes - onMain);
  }

  /** A stretch of one kind: channels take up data as long as they have less than they can hold, and send it meanwhile. */
  #goAhead(pages: number, sentUs: number): void {
    const { normal, zero, aheadPages } = this.#ofContent();
    const zeroShare = this.#sentAsZero();
    if (zeroShare === 1) this.#aheadUs = max(0, this.#aheadUs - pages * zero.cpuUs);
    else if (zeroShare === 0) {
      const rate = this.#link.bytesPerSecond * this.#link.share;
      const pageUs = min(sentUs, pageTimeUs(normal, rate, this.#pace.factor));
      this.#aheadUs = min(aheadPages * pageUs, this.#aheadUs + pages * pageUs);
    }
  }

  /** The next `pages` of the run are pushed after the guest has moved. */
  push(pages: number, bytesPerPage: number, zeroShare: number): void {
    const counters = this.#counters;
    this.taken += pages;
    this.dirtyPages = max(0, this.dirtyPages - pages);
    counters.zeroPages += pages * zeroShare;
    counters.normalPages += pages * (1 - zeroShare);
    counters.postcopyZeroPages += pages * zeroShare;
    counters.postcopyNormalPages += pages * (1 - zeroShare);
    counters.transferred += pages * bytesPerPage;
    counters.postcopyBytes += pages * bytesPerPage;
  }

  /** ram.c: `xbzrle_started` from the second round on, for pages that are not zero. */
  #encodes(): boolean {
    return this.#xbzrle !== null && this.#memory.rounds > 0 && this.#sentAsZero() === 0;
  }

  /** xbzrle_counters.pages counts each page found in the cache; normal_pages each that goes out whole, overflows too. */
  #countEncoded(pages: number): void {
    const { hitShare, overflowShare } = this.#xbzrle!;
    this.#counters.xbzrlePages += pages * hitShare;
    this.#counters.xbzrleOverflows += pages * overflowShare;
    this.#counters.xbzrleBytes += pages * this.#xbzrle!.countedBytes;
    this.#counters.xbzrleMisses += pages * (1 - hitShare);
    this.#counters.normalPages += pages * (1 - hitShare + overflowShare);
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
