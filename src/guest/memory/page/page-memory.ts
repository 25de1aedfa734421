/**
 * The reference memory: one bit a page, every write lands on a page. Nothing is averaged.
 *
 * Three bitmaps. `toSend` is QEMU's migration bitmap (B). `log` is what tracking has noticed: in bitmap mode KVM's dirty
 * bitmap (K, whose complement is the armed set), in ring mode the slots that reaping filled (S). `aside` is in bitmap mode
 * QEMU's snapshot of the log (S), in ring mode the pages that are in a ring and so not armed.
 */
import { stream } from '../../../random/streams.js';
import type { Generator } from '../../../random/generator.js';
import {
  bitmapWords,
  clearFirst,
  clearLogged,
  countRange,
  countRuns,
  mergeClear,
  mergeKeep,
  nextSet,
  setRange,
} from './bitmap.js';
import { DeviceWrites } from './device-writes.js';
import { ContentMap } from '../../content.js';
import { Effort } from '../../effort.js';
import { type GuestMemory, type RunOutcome, type Tracking, noOutcome } from '../memory.js';
import { ringSoftLimit } from '../ring.js';
import { BLOCK_PAGES, countInBlock, hintedPagesOf, zeroPagesOf } from '../../unused.js';
import { type GuestSpec, type HostProfile, type ZeroExtent, slackPerAccessUs } from '../../spec.js';

const { floor, max, min, ceil } = Math;
const INFINITY = Infinity;

/** A run is counted at most this far ahead, so that each page is counted once a pass and not again after every stop. */
const RUN_SPAN_PAGES = 1 << 20;

/** Pages of one 2 MiB huge page, which the first noticed write in it splits. */
const HUGE_PAGE_PAGES = 512;

/** How one vCPU uses one class, with the state of the loop that does it. */
interface ClassCursor {
  firstPage: number;
  /** Where it goes after the next fork; the same place where nobody forks. */
  copyFirstPage: number;
  readonly pages: number;
  readonly sequential: boolean;
  readonly writesPerUs: number;
  readonly readsPerUs: number;
  /** Next page of a sequential loop, as an offset into the class. */
  next: number;
  /** Part of a write that the last run left over. */
  writeCredit: number;
}

interface VcpuState {
  readonly random: Generator;
  readonly classes: readonly ClassCursor[];
  readonly writesPerUs: number;
  readonly readsPerUs: number;
  /** Cost of one noticed write that its own waiting time does not absorb, µs. */
  readonly faultUs: number;
  /** Time for which it is still blocked on a missing page, µs. */
  owedUs: number;
  accessCredit: number;
  /** Pages in the ring, and how many. */
  readonly ring: Int32Array;
  ringCount: number;
  reaped: number;
  /** Cost of the last run that went beyond its budget, µs: the next run pays it first. */
  overrunUs: number;
}

export class PageMemory implements GuestMemory {
  readonly kind = 'page' as const;
  readonly totalPages: number;
  readonly outcome: RunOutcome = noOutcome();
  runZeroShare = 0;
  runContent = 0;
  clearNeeded = false;
  rounds = 0;

  readonly #tracking: Tracking;
  readonly #effort: Effort;
  readonly #ramPages: number;
  readonly #toSend: Int32Array;
  readonly #log: Int32Array;
  readonly #aside: Int32Array;
  readonly #zero: readonly ZeroExtent[];
  readonly #contents: ContentMap;
  /** Words that hold pages some vCPU writes: only these can become dirty again. Pairs of [from, to). */
  readonly #written: readonly (readonly [number, number])[];
  /** What devices write, and what their logs hold; null: nothing. */
  readonly #dma: DeviceWrites | null;
  readonly #chunkShift: number;
  readonly #chunkClear: Uint8Array;
  readonly #softLimit: number;
  readonly #pushAll: boolean;
  readonly #vcpus: readonly VcpuState[];
  /** One byte per 2 MiB that still is a huge page; empty when writes split nothing. */
  readonly #huge: Uint8Array;
  readonly #splitUs: number;
  readonly #hostPagePages: number;
  #splits = 0;
  #logging = false;
  /** Pages written since `takeRewritten` asked for them; null: nobody asks. */
  #rewritten: Int32Array | null = null;
  #dirty = 0;
  #cursor = 0;
  #runEnd = 0;
  #chunk = 0;

  constructor(
    guest: GuestSpec,
    host: HostProfile,
    tracking: Tracking,
    clearBitmapShift: number,
    seed: number,
    run: number,
    effort = new Effort(),
  ) {
    this.#effort = effort;
    this.totalPages = guest.ramPages + guest.hiddenPages;
    this.#tracking = tracking;
    this.#ramPages = guest.ramPages;
    const words = bitmapWords(this.totalPages);
    this.#toSend = new Int32Array(words);
    this.#log = new Int32Array(words);
    this.#aside = new Int32Array(words);
    this.#zero = guest.zeroExtents;
    this.#contents = new ContentMap(guest);
    this.#chunkShift = clearBitmapShift;
    this.#chunkClear = new Uint8Array(this.#chunkOf(this.totalPages - 1) + 1);
    this.#softLimit = ringSoftLimit(guest.dirtyRingSize, host.pml);
    this.#pushAll = host.ringPushesEveryWrite && tracking === 'ring';
    this.#written = writtenWords(guest);
    this.#dma =
      guest.dma === undefined ? null : new DeviceWrites(guest.dma, words, stream(seed, run, 'device writes'));
    this.#splitUs = host.splitUs;
    this.#hostPagePages = guest.hostPagePages;
    this.#huge = new Uint8Array(host.splitUs > 0 ? ceil(this.totalPages / HUGE_PAGE_PAGES) : 0);
    const faultUs = (host.pml ? host.pmlNsPerPage : host.writeFaultNs) / 1000;
    this.#vcpus = guest.vcpus.map((vcpu, id) => {
      const writesPerUs = vcpu.classes.reduce((sum, c) => sum + c.writesPerSecond, 0) / 1e6;
      const readsPerUs = vcpu.classes.reduce((sum, c) => sum + c.readsPerSecond, 0) / 1e6;
      const random = stream(seed, run, `vcpu ${id} writes`);
      return {
        random,
        classes: vcpu.classes.map((c) => ({
          firstPage: c.firstPage,
          copyFirstPage: c.copyFirstPage ?? c.firstPage,
          pages: c.pages,
          sequential: c.pattern === 'sequential',
          writesPerUs: c.writesPerSecond / 1e6,
          readsPerUs: c.readsPerSecond / 1e6,
          next: c.pattern === 'sequential' ? (c.startOffset ?? random.nextBelow(c.pages)) : 0,
          writeCredit: 0,
        })),
        writesPerUs,
        readsPerUs,
        faultUs: max(0, faultUs - slackPerAccessUs(vcpu)),
        owedUs: 0,
        accessCredit: 0,
        ring: new Int32Array(tracking === 'ring' ? this.#softLimit : 0),
        ringCount: 0,
        reaped: 0,
        overrunUs: 0,
      };
    });
  }

  setLimited(_limited: boolean): void {
    // Every ring-full exit is an event here, limited or not.
  }

  setRunShare(_vcpu: number, _share: number): void {
    // vCPUs are never far apart here: they fill their rings when they do.
  }

  startTracking(): void {
    this.#logging = true;
  }

  startLogging(): void {
    this.#logging = true;
    this.#huge.fill(1);
    setRange(this.#toSend, 0, this.totalPages);
    this.#dirty = this.totalPages;
    // KVM_DIRTY_LOG_INITIALLY_SET: nothing is armed until its chunk is cleared. Without it, and in ring mode, all is armed.
    if (this.#tracking === 'bitmap-manual') setRange(this.#log, 0, this.totalPages);
  }

  stopLogging(): void {
    this.#logging = false;
  }

  run(vcpu: number, budgetUs: number, writeFactor: number, readFactor: number): void {
    const state = this.#vcpus[vcpu]!;
    const outcome = this.outcome;
    outcome.writes = 0;
    outcome.faults = 0;
    outcome.faultUs = 0;
    outcome.ringFull = false;
    const ring = this.#tracking === 'ring' && this.#logging;
    const rate = state.writesPerUs * writeFactor;
    // One step never writes more than the ring has room for; only the last may cost more run time than is left.
    let left = budgetUs - state.overrunUs;
    let progressUs = 0;
    if (rate === 0 && left > 0) {
      progressUs = left;
      left = 0;
    }
    while (left > 0) {
      let step = left;
      const worst = 1 + rate * state.faultUs;
      if (this.#logging && state.faultUs > 0) step = left / worst;
      if (ring) {
        const room = this.#softLimit - state.ringCount;
        if (room <= 0) {
          outcome.ringFull = true;
          break;
        }
        step = min(step, room / rate);
      }
      // What is left is too short for one access: it ends this run, its credit stays with the class.
      if (step * rate < 1) step = min(left, 1 / rate);
      const faults = this.#write(state, step, writeFactor, ring);
      const cost = faults * state.faultUs + this.#splits * this.#splitUs;
      this.#splits = 0;
      outcome.faults += faults;
      outcome.faultUs += cost;
      progressUs += step;
      left -= step + cost;
    }
    state.overrunUs = max(0, -left);
    outcome.ranUs = budgetUs - max(0, left);
    outcome.reads = progressUs * state.readsPerUs * readFactor;
    if (ring && state.ringCount >= this.#softLimit) outcome.ringFull = true;
  }

  /** All classes of a vCPU write for `us` of progress. Returns the writes that tracking noticed. */
  #write(state: VcpuState, us: number, writeFactor: number, ring: boolean): number {
    let faults = 0;
    for (let i = 0; i < state.classes.length; i += 1) {
      const c = state.classes[i]!;
      const due = c.writeCredit + c.writesPerUs * writeFactor * us;
      let writes = floor(due);
      if (ring) writes = min(writes, this.#softLimit - state.ringCount);
      c.writeCredit = due - writes;
      if (writes === 0) continue;
      this.#effort.draw(writes);
      this.outcome.writes += writes;
      if (!this.#logging) {
        if (c.sequential) c.next = (c.next + writes) % c.pages;
        else skipDraws(state.random, c.pages, writes);
      } else if (ring) {
        faults += this.#pushAll ? this.#pushEvery(state, c, writes) : this.#push(state, c, writes);
      } else {
        faults += c.sequential ? this.#logSequential(c, writes) : this.#logUniform(state.random, c, writes);
      }
    }
    return faults;
  }

  #logUniform(random: Generator, c: ClassCursor, writes: number): number {
    const log = this.#log;
    const rewritten = this.#rewritten;
    const huge = this.#splitUs > 0;
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

  #logSequential(c: ClassCursor, writes: number): number {
    const log = this.#log;
    const huge = this.#splitUs > 0;
    const last = c.firstPage + c.pages;
    let page = c.firstPage + c.next;
    let fresh = 0;
    if (this.#rewritten !== null) noteRound(this.#rewritten, c, writes);
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

  #push(state: VcpuState, c: ClassCursor, writes: number): number {
    const unarmed = this.#aside;
    const huge = this.#splitUs > 0;
    const ring = state.ring;
    const last = c.firstPage + c.pages;
    const rewritten = this.#rewritten;
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

  #pushEvery(state: VcpuState, c: ClassCursor, writes: number): number {
    const ring = state.ring;
    const last = c.firstPage + c.pages;
    const rewritten = this.#rewritten;
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
    this.#splits += this.#huge[block]!;
    this.#huge[block] = 0;
  }

  ringFullNotBeforeUs(vcpu: number, writeFactor: number): number {
    if (this.#tracking !== 'ring' || !this.#logging) return INFINITY;
    const state = this.#vcpus[vcpu]!;
    const rate = state.writesPerUs * writeFactor;
    return rate === 0 ? INFINITY : (this.#softLimit - state.ringCount) / rate;
  }

  writeByDevices(us: number): void {
    const dma = this.#dma;
    if (dma === null) return;
    const drawn = dma.write(us, this.#rewritten);
    this.#effort.draw(drawn);
    if (!this.#logging) dma.forget();
  }

  fork(vcpu: number): void {
    const { classes } = this.#vcpus[vcpu]!;
    for (let i = 0; i < classes.length; i += 1) {
      const c = classes[i]!;
      const { firstPage } = c;
      c.firstPage = c.copyFirstPage;
      c.copyFirstPage = firstPage;
    }
  }

  reap(vcpu: number): number {
    const state = this.#vcpus[vcpu]!;
    const { ring, ringCount } = state;
    const log = this.#log;
    const unarmed = this.#aside;
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

  reapedPages(vcpu: number): number {
    return this.#vcpus[vcpu]!.reaped;
  }

  harvest(): number {
    let fresh = 0;
    if (this.#tracking === 'bitmap-manual') {
      // Outside the written words log and migration bitmap only differ by pages already cleared and sent.
      for (let i = 0; i < this.#written.length; i += 1) {
        const [from, to] = this.#written[i]!;
        this.#effort.scan(to - from);
        fresh += mergeKeep(this.#toSend, this.#log, this.#aside, from, to);
      }
      if (this.#snapshotNeverTaken) {
        this.#aside.set(this.#log);
        this.#snapshotNeverTaken = false;
      }
      this.#chunkClear.fill(1);
    } else {
      for (let i = 0; i < this.#written.length; i += 1) {
        const [from, to] = this.#written[i]!;
        this.#effort.scan(to - from);
        fresh += mergeClear(this.#toSend, this.#log, from, to);
      }
    }
    if (this.#dma !== null) fresh += this.#dma.harvest(this.#toSend);
    this.#dirty += fresh;
    return fresh;
  }
  #snapshotNeverTaken = true;

  dirtyPages(): number {
    return this.#dirty;
  }

  nextRun(): number {
    this.clearNeeded = false;
    if (this.#dirty === 0) return 0;
    let page = nextSet(this.#toSend, this.#cursor, this.totalPages);
    if (page < 0) {
      page = nextSet(this.#toSend, 0, this.#cursor);
      if (page < 0) return 0;
      this.rounds += 1;
    }
    this.#cursor = page;
    let end = min(this.totalPages, page + RUN_SPAN_PAGES);
    if (this.#tracking === 'bitmap-manual') {
      const chunk = this.#chunkOf(page);
      if (this.#chunkClear[chunk] !== 0) {
        this.#chunk = chunk;
        this.clearNeeded = true;
        return 0;
      }
      end = min(end, this.#chunkEnd(chunk));
    }
    this.runContent = this.#contents.at(page);
    end = min(end, this.#kindEnd(page), this.#contents.endOf(page, end), this.#hostPageEnd(page));
    this.#runEnd = end;
    return countRange(this.#toSend, page, end);
  }

  /** Where the host page that `page` lies in ends; without huge pages there is nothing to end at. */
  #hostPageEnd(page: number): number {
    const size = this.#hostPagePages;
    return size === 1 ? this.totalPages : page - (page % size) + size;
  }

  runHostPages(): number {
    const end = min(this.totalPages, this.#hostPageEnd(this.#cursor));
    return nextSet(this.#toSend, this.#runEnd, end) < 0 ? 1 : 0;
  }

  beginSpan(_runUs: number): void {
    // The guest is always brought up to a clear.
  }

  clearChunk(_behindUs: number): void {
    this.#chunkClear[this.#chunk] = 0;
    this.clearNeeded = false;
    const from = this.#chunkStart(this.#chunk);
    clearLogged(this.#log, this.#aside, from >>> 5, bitmapWords(this.#chunkEnd(this.#chunk)));
  }

  take(pages: number): void {
    if (pages === 0) return;
    this.#cursor = clearFirst(this.#toSend, this.#cursor, pages);
    this.#dirty -= pages;
  }

  takeHinted(): void {
    for (let i = 0; i < this.#zero.length; i += 1) {
      const extent = this.#zero[i]!;
      if (hintedPagesOf(extent) === 0) continue;
      if (this.#tracking === 'bitmap-manual') this.#clearChunksOf(extent);
      const zero = zeroPagesOf(extent);
      const blocks = ceil(extent.pages / BLOCK_PAGES);
      for (let block = 0; block < blocks; block += 1) {
        const start = extent.firstPage + block * BLOCK_PAGES;
        this.#drop(start, countInBlock(extent, extent.hintedZeroPages ?? 0, block));
        const data = start + countInBlock(extent, zero, block);
        this.#drop(data, countInBlock(extent, extent.hintedDataPages ?? 0, block));
      }
    }
  }

  #drop(firstPage: number, pages: number): void {
    const end = min(firstPage + pages, this.totalPages);
    const dropped = countRange(this.#toSend, firstPage, end);
    if (dropped > 0) clearFirst(this.#toSend, firstPage, dropped);
    this.#dirty -= dropped;
  }

  #clearChunksOf({ firstPage, pages }: ZeroExtent): void {
    const last = this.#chunkOf(firstPage + pages - 1);
    for (let chunk = this.#chunkOf(firstPage); chunk <= last; chunk += 1) {
      if (this.#chunkClear[chunk] === 0) continue;
      this.#chunk = chunk;
      this.clearChunk(0);
    }
  }

  watchRewrites(): void {
    this.#rewritten ??= new Int32Array(bitmapWords(this.totalPages));
  }

  takeRewritten(page: number): boolean {
    const w = page >>> 5;
    const bit = 1 << (page & 31);
    const word = this.#rewritten![w]!;
    this.#rewritten![w] = word & ~bit;
    return (word & bit) !== 0;
  }

  listRun(pages: Int32Array, count: number): void {
    let page = this.#cursor;
    for (let i = 0; i < count; i += 1) {
      page = nextSet(this.#toSend, page, this.totalPages);
      pages[i] = page;
      page += 1;
    }
  }

  discardDirty(): number {
    const size = this.#hostPagePages;
    if (size > 1) {
      // ROMs and video memory are blocks of their own, on pages of 4 KiB.
      for (let first = 0; first < this.#ramPages; first += size) {
        const dirty = countRange(this.#toSend, first, first + size);
        if (dirty === 0 || dirty === size) continue;
        setRange(this.#toSend, first, first + size);
        this.#dirty += size - dirty;
      }
    }
    this.#cursor = 0;
    return countRuns(this.#toSend);
  }

  runRemote(vcpu: number, wallUs: number, writeFactor: number, readFactor: number, stallUs: number): void {
    const state = this.#vcpus[vcpu]!;
    const outcome = this.outcome;
    outcome.writes = 0;
    outcome.reads = 0;
    outcome.requests = 0;
    outcome.fetched = 0;
    outcome.blockedUs = 0;
    const rate = state.writesPerUs * writeFactor + state.readsPerUs * readFactor;
    const writeShare = rate > 0 ? (state.writesPerUs * writeFactor) / rate : 0;
    let left = wallUs;
    // Blocked while nobody answered: now its request goes out.
    if (state.owedUs === INFINITY && stallUs !== INFINITY) state.owedUs = stallUs;
    while (left > 0) {
      if (state.owedUs > 0) {
        const blocked = min(state.owedUs, left);
        state.owedUs -= blocked;
        outcome.blockedUs += blocked;
        left -= blocked;
        continue;
      }
      const due = state.accessCredit + rate * left;
      const accesses = floor(due);
      const done = this.#accessUntilMissing(state, accesses, stallUs);
      this.#effort.draw(done);
      outcome.writes += done * writeShare;
      outcome.reads += done * (1 - writeShare);
      if (done === accesses && state.owedUs === 0) {
        state.accessCredit = due - accesses;
        break;
      }
      left -= max(0, (done - state.accessCredit) / rate);
      state.accessCredit = 0;
    }
    outcome.ranUs = wallUs - outcome.blockedUs;
  }

  /** Up to `accesses` accesses, ending at the first that finds its page missing. Returns those done, that one included. */
  #accessUntilMissing(state: VcpuState, accesses: number, stallUs: number): number {
    const missing = this.#toSend;
    for (let i = 0; i < accesses; i += 1) {
      const c = this.#pickClass(state);
      let page = c.firstPage + c.next;
      if (c.sequential) c.next = c.next + 1 === c.pages ? 0 : c.next + 1;
      else page = c.firstPage + state.random.nextBelow(c.pages);
      if ((missing[page >>> 5]! & (1 << (page & 31))) === 0) continue;
      state.owedUs = stallUs;
      if (stallUs !== INFINITY) {
        this.outcome.requests += 1;
        this.#fetch(page);
      }
      return i + 1;
    }
    return accesses;
  }

  /** A class in proportion to its rates. */
  #pickClass(state: VcpuState): ClassCursor {
    const { classes } = state;
    if (classes.length === 1) return classes[0]!;
    let x = state.random.nextFloat() * (state.writesPerUs + state.readsPerUs);
    for (let i = 0; i < classes.length - 1; i += 1) {
      const c = classes[i]!;
      x -= c.writesPerUs + c.readsPerUs;
      if (x < 0) return c;
    }
    return classes[classes.length - 1]!;
  }

  /** A requested page arrives with all of its host page; the background goes on behind it. */
  #fetch(page: number): void {
    const first = page - (page % this.#hostPagePages);
    const end = min(first + this.#hostPagePages, this.totalPages);
    const pages = countRange(this.#toSend, first, end);
    this.#cursor = clearFirst(this.#toSend, first, pages);
    this.#dirty -= pages;
    this.outcome.fetched += pages;
  }

  /** Sets `runZeroShare` for the page and returns where its kind ends. */
  #kindEnd(page: number): number {
    this.runZeroShare = 0;
    for (let i = 0; i < this.#zero.length; i += 1) {
      const extent = this.#zero[i]!;
      if (page < extent.firstPage) return extent.firstPage;
      const end = extent.firstPage + extent.pages;
      if (page >= end) continue;
      if (extent.zeroPages !== undefined) return this.#mixedKindEnd(extent, extent.zeroPages, page);
      this.runZeroShare = 1;
      return end;
    }
    return this.totalPages;
  }

  /** In each block of the extent zero pages come first. */
  #mixedKindEnd(extent: ZeroExtent, zeroPages: number, page: number): number {
    const block = floor((page - extent.firstPage) / BLOCK_PAGES);
    const blockStart = extent.firstPage + block * BLOCK_PAGES;
    const zeroEnd = blockStart + countInBlock(extent, zeroPages, block);
    if (page >= zeroEnd) return min(blockStart + BLOCK_PAGES, extent.firstPage + extent.pages);
    this.runZeroShare = 1;
    return zeroEnd;
  }

  // Chunks are counted within a RAM block: guest RAM, then the hidden pages as one block of their own.
  #chunkOf(page: number): number {
    if (page < this.#ramPages) return floor(page / 2 ** this.#chunkShift);
    return ceil(this.#ramPages / 2 ** this.#chunkShift);
  }

  #chunkStart(chunk: number): number {
    return min(chunk * 2 ** this.#chunkShift, this.#ramPages);
  }

  #chunkEnd(chunk: number): number {
    const start = this.#chunkStart(chunk);
    return start === this.#ramPages ? this.totalPages : min(start + 2 ** this.#chunkShift, this.#ramPages);
  }
}

/** The next `writes` writes of a sequential loop. */
function noteRound(bits: Int32Array, c: ClassCursor, writes: number): void {
  const ahead = min(writes, c.pages - c.next);
  setRange(bits, c.firstPage + c.next, c.firstPage + c.next + ahead);
  const wrapped = min(writes - ahead, c.next);
  if (wrapped > 0) setRange(bits, c.firstPage, c.firstPage + wrapped);
}

/** A run that nobody tracks still draws its pages: the stream stays the same whatever is tracked. */
function skipDraws(random: Generator, pages: number, draws: number): void {
  for (let i = 0; i < draws; i += 1) random.nextBelow(pages);
}

/** The words that hold pages written by some class, merged and in order. */
function writtenWords(guest: GuestSpec): (readonly [number, number])[] {
  const ranges = guest.vcpus
    .flatMap((vcpu) => vcpu.classes)
    .filter((c) => c.writesPerSecond > 0)
    .flatMap(({ firstPage, copyFirstPage, pages }) =>
      (copyFirstPage === undefined ? [firstPage] : [firstPage, copyFirstPage]).map(
        (first) => [first >>> 5, bitmapWords(first + pages)] as const,
      ),
    )
    .sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
