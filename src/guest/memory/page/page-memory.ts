/**
 * The reference memory: one bit a page, every write lands on a page. Nothing is averaged.
 *
 * Three bitmaps. MigrationBitmap is QEMU's (B). `log` is what tracking has noticed: in bitmap mode KVM's dirty
 * bitmap (K, whose complement is the armed set), in ring mode the slots that reaping filled (S). `aside` is in bitmap mode
 * QEMU's snapshot of the log (S), in ring mode the pages that are in a ring and so not armed.
 */
import { stream } from '../../../random/streams.js';
import { bitmapWords, clearLogged, setRange } from './bitmap.js';
import { ClearChunks } from './clear-chunks.js';
import { DeviceWrites } from './device-writes.js';
import { PageKinds } from './kinds.js';
import { MigrationBitmap, dropHinted } from './migration-bitmap.js';
import { runRemote } from './remote.js';
import { TrackedWrites } from './tracked-writes.js';
import { type VcpuState, newVcpuState, writtenWords } from './vcpu-writes.js';
import { ContentMap } from '../../content.js';
import { Effort } from '../../effort.js';
import { type GuestMemory, type RunOutcome, type Tracking, noOutcome } from '../memory.js';
import { ringSoftLimit } from '../ring.js';
import { hintedPagesOf } from '../../unused.js';
import type { GuestSpec, HostProfile, ZeroExtent } from '../../spec.js';

const { floor, max, min } = Math;
const INFINITY = Infinity;

/** A run is counted at most this far ahead, so that each page is counted once a pass and not again after every stop. */
const RUN_SPAN_PAGES = 1 << 20;

export class PageMemory implements GuestMemory {
  readonly kind = 'page' as const;
  readonly totalPages: number;
  readonly outcome: RunOutcome = noOutcome();
  runZeroShare = 0;
  runContent = 0;
  clearNeeded = false;

  readonly #tracking: Tracking;
  readonly #effort: Effort;
  readonly #bitmap: MigrationBitmap;
  readonly #writes: TrackedWrites;
  readonly #zero: readonly ZeroExtent[];
  readonly #kinds: PageKinds;
  readonly #contents: ContentMap;
  /** Words that hold pages some vCPU writes: only these can become dirty again. Pairs of [from, to). */
  readonly #written: readonly (readonly [number, number])[];
  /** What devices write, and what their logs hold; null: nothing. */
  readonly #dma: DeviceWrites | null;
  readonly #chunks: ClearChunks;
  readonly #softLimit: number;
  readonly #pushAll: boolean;
  readonly #vcpus: readonly VcpuState[];
  readonly #splitUs: number;
  #logging = false;
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
    const words = bitmapWords(this.totalPages);
    this.#bitmap = new MigrationBitmap(this.totalPages, guest.ramPages, guest.hostPagePages);
    this.#written = writtenWords(guest);
    const writtenPages = 32 * this.#written.reduce((sum, [from, to]) => sum + to - from, 0);
    this.#writes = new TrackedWrites(words, this.totalPages, writtenPages, host.splitUs > 0);
    this.#zero = guest.zeroExtents;
    this.#kinds = new PageKinds(guest.zeroExtents, this.totalPages);
    this.#contents = new ContentMap(guest);
    this.#chunks = new ClearChunks(guest.ramPages, this.totalPages, clearBitmapShift);
    this.#softLimit = ringSoftLimit(guest.dirtyRingSize, host.pml);
    this.#pushAll = host.ringPushesEveryWrite && tracking === 'ring';
    this.#dma =
      guest.dma === undefined ? null : new DeviceWrites(guest.dma, words, stream(seed, run, 'device writes'));
    this.#splitUs = host.splitUs;
    const faultUs = (host.pml ? host.pmlNsPerPage : host.writeFaultNs) / 1000;
    this.#vcpus = guest.vcpus.map((vcpu, id) =>
      newVcpuState(
        vcpu,
        faultUs,
        tracking === 'ring' ? this.#softLimit : 0,
        stream(seed, run, `vcpu ${id} writes`),
      ),
    );
  }

  setLimited(_limited: boolean): void {
    // Every ring-full exit is an event here, limited or not.
  }

  setRunShare(_vcpu: number, _share: number): void {
    // vCPUs are never far apart here: they fill their rings when they do.
  }

  get rounds(): number {
    return this.#bitmap.rounds;
  }

  startTracking(): void {
    this.#logging = true;
  }

  startLogging(): void {
    this.#logging = true;
    this.#writes.start();
    this.#bitmap.setAll();
    // KVM_DIRTY_LOG_INITIALLY_SET: nothing is armed until its chunk is cleared. Without it, and in ring mode, all is armed.
    // Words that no vCPU writes stay 0, as nothing reads them: memory that is never touched costs nothing.
    if (this.#tracking !== 'bitmap-manual') return;
    for (let i = 0; i < this.#written.length; i += 1) {
      const [from, to] = this.#written[i]!;
      setRange(this.#writes.log, from * 32, min(to * 32, this.totalPages));
    }
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
    const writes = this.#writes;
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
      const cost = faults * state.faultUs + writes.splits * this.#splitUs;
      writes.splits = 0;
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
        this.#writes.skip(state.random, c, writes);
      } else if (ring) {
        faults += this.#pushAll
          ? this.#writes.pushEvery(state, c, writes)
          : this.#writes.push(state, c, writes);
      } else {
        faults += this.#writes.mark(state.random, c, writes);
      }
    }
    return faults;
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
    const drawn = dma.write(us, this.#writes.rewritten);
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

  /** When a ring is full is not known beforehand. */
  passFills(): number {
    return 0;
  }

  reap(vcpu: number): number {
    return this.#writes.reap(this.#vcpus[vcpu]!);
  }

  reapedPages(vcpu: number): number {
    return this.#vcpus[vcpu]!.reaped;
  }

  harvest(): number {
    const { log, aside } = this.#writes;
    const snapshot = this.#tracking === 'bitmap-manual' ? aside : null;
    let fresh = 0;
    for (let i = 0; i < this.#written.length; i += 1) {
      const [from, to] = this.#written[i]!;
      this.#effort.scan(to - from);
      fresh += this.#bitmap.merge(log, snapshot, from, to);
    }
    if (snapshot !== null) this.#chunks.pending.fill(1);
    if (this.#dma !== null) fresh += this.#dma.harvest(this.#bitmap);
    return fresh;
  }

  dirtyPages(): number {
    return this.#bitmap.dirty;
  }

  nextRun(): number {
    this.clearNeeded = false;
    const page = this.#bitmap.seek();
    if (page < 0) return 0;
    let end = min(this.totalPages, page + RUN_SPAN_PAGES);
    if (this.#tracking === 'bitmap-manual') {
      const chunk = this.#chunks.of(page);
      if (this.#chunks.pending[chunk] !== 0) {
        this.#chunk = chunk;
        this.clearNeeded = true;
        return 0;
      }
      end = min(end, this.#chunks.endOf(chunk));
    }
    this.runContent = this.#contents.at(page);
    const kindEnd = this.#kinds.endOf(page);
    this.runZeroShare = this.#kinds.isZero ? 1 : 0;
    end = min(end, kindEnd, this.#contents.endOf(page, end), this.#bitmap.hostPageEnd(page));
    this.#runEnd = end;
    return this.#bitmap.count(page, end);
  }

  runHostPages(): number {
    const end = min(this.totalPages, this.#bitmap.hostPageEnd(this.#bitmap.cursor));
    return this.#bitmap.next(this.#runEnd, end) < 0 ? 1 : 0;
  }

  beginSpan(_runUs: number): void {
    // The guest is always brought up to a clear.
  }

  clearChunk(_behindUs: number): void {
    this.#chunks.pending[this.#chunk] = 0;
    this.clearNeeded = false;
    const first = this.#chunks.startOf(this.#chunk) >>> 5;
    const end = bitmapWords(this.#chunks.endOf(this.#chunk));
    const { log, aside } = this.#writes;
    for (let i = 0; i < this.#written.length; i += 1) {
      const [from, to] = this.#written[i]!;
      clearLogged(log, aside, max(first, from), min(end, to));
    }
  }

  take(pages: number): void {
    this.#bitmap.take(pages);
  }

  takeHinted(): void {
    for (let i = 0; i < this.#zero.length; i += 1) {
      const extent = this.#zero[i]!;
      if (hintedPagesOf(extent) === 0) continue;
      if (this.#tracking === 'bitmap-manual') this.#clearChunksOf(extent);
      dropHinted(this.#bitmap, extent);
    }
  }

  #clearChunksOf({ firstPage, pages }: ZeroExtent): void {
    const last = this.#chunks.of(firstPage + pages - 1);
    for (let chunk = this.#chunks.of(firstPage); chunk <= last; chunk += 1) {
      if (this.#chunks.pending[chunk] === 0) continue;
      this.#chunk = chunk;
      this.clearChunk(0);
    }
  }

  watchRewrites(): void {
    this.#writes.rewritten ??= new Int32Array(bitmapWords(this.totalPages));
  }

  takeRewritten(page: number): boolean {
    const w = page >>> 5;
    const bit = 1 << (page & 31);
    const word = this.#writes.rewritten![w]!;
    this.#writes.rewritten![w] = word & ~bit;
    return (word & bit) !== 0;
  }

  listRun(pages: Int32Array, count: number): void {
    this.#bitmap.list(pages, count);
  }

  discardDirty(): number {
    return this.#bitmap.discardDirty();
  }

  runRemote(vcpu: number, wallUs: number, writeFactor: number, readFactor: number, stallUs: number): void {
    const { outcome } = this;
    const state = this.#vcpus[vcpu]!;
    this.#effort.draw(runRemote(state, this.#bitmap, outcome, wallUs, writeFactor, readFactor, stallUs));
  }
}
