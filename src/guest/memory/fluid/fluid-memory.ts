/**
 * The fast memory: what the page memory does page by page happens here to counts, exactly in expectation, at a cost that
 * depends on neither the size of memory nor the length of a run. Pages of one access class are interchangeable, so that
 * n uniform writes to W pages of which a are armed are noticed a (1 - e^(-n/W)) times; a sequential writer leaves an arc.
 *
 * One thing is left to chance: when the ring of a limited vCPU is full. Where vCPUs wait for each other it matters that
 * they do not march in step.
 *
 * What is where: circle.ts holds the address space, its bitmaps and the cursor; logged.ts how far a vCPU comes while its
 * writes are noticed; ring-runs.ts how it runs into its ring, and rings.ts the rings that everybody's exits empty; this file
 * the vCPUs.
 */
import { mapped } from '../../../lists.js';
import { normal } from '../../../random/distributions.js';
import { stream } from '../../../random/streams.js';
import { SegmentCircle } from './circle.js';
import { type FluidVcpu, groupByPhases, newVcpu, startsOf, turn } from './fluid-vcpu.js';
import { layOut } from './layout.js';
import { type Tracked, runLogged } from './logged.js';
import { passFills } from './fills.js';
import { runLimited, runReaped } from './ring-runs.js';
import { emptyRing, passIdle, planRings } from './rings.js';
import { newRemote, runRemote } from './remote.js';
import type { WrittenRange } from './segment.js';
import { Effort } from '../../effort.js';
import {
  type GuestMemory,
  type RingRunner,
  type RunOutcome,
  type Stretch,
  type Tracking,
  noOutcome,
} from '../memory.js';
import { ringSoftLimit } from '../ring.js';
import type { GuestSpec, HostProfile, ZeroExtent } from '../../spec.js';

const { max, min } = Math;
const INFINITY = Infinity;

/** Going through a segment takes as long as going through this many words of a bitmap. */
const WORDS_PER_SEGMENT = 20;

export class FluidMemory implements GuestMemory {
  readonly kind = 'fluid' as const;
  readonly totalPages: number;
  readonly outcome: RunOutcome = noOutcome();

  readonly #tracking: Tracking;
  readonly #effort: Effort;
  readonly #circle: SegmentCircle;
  readonly #zero: readonly ZeroExtent[];
  /** What devices write; null: nothing. */
  readonly #dma: { readonly range: WrittenRange; readonly writesPerUs: number } | null;
  readonly #tracked: Tracked;
  readonly #seed: number;
  readonly #run: number;
  readonly #hostPagePages: number;
  readonly #vcpus: readonly FluidVcpu[];
  #logging = false;
  /** Shares of all writes that each vCPU that writes has, and the devices together, 0..1. */
  readonly #writeShares: readonly number[];
  /** The chance that each sync has found a page since one that has not, 0..1. */
  #foundAll = 1;
  #limited = false;
  #planned = false;

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
    const byChunks = tracking === 'bitmap-manual';
    const layout = layOut(guest, byChunks ? clearBitmapShift : null);
    this.#circle = new SegmentCircle(layout, guest, byChunks);
    this.#zero = guest.zeroExtents;
    this.#seed = seed;
    this.#run = run;
    this.#hostPagePages = guest.hostPagePages;
    const softLimit = ringSoftLimit(guest.dirtyRingSize, host.pml);
    this.#tracked = {
      isRing: tracking === 'ring',
      splitUs: host.splitUs,
      softLimit,
      fullExitUs: host.ringExitUs + (softLimit * host.ringEntryNs) / 1000,
      exitCost: {
        exitUs: host.ringExitUs,
        entryUs: host.ringEntryNs / 1000,
        pushAll: host.ringPushesEveryWrite,
      },
      outcome: this.outcome,
    };
    const faultUs = (host.pml ? host.pmlNsPerPage : host.writeFaultNs) / 1000;
    const { dma } = guest;
    const byDevices = layout.ranges.find(({ device }) => device);
    this.#dma =
      dma === undefined || byDevices === undefined
        ? null
        : { range: byDevices, writesPerUs: dma.writesPerSecond / 1e6 };
    const rangeAt = new Map<number, WrittenRange>();
    for (const range of layout.ranges) rangeAt.set(range.firstPage, range);
    this.#vcpus = mapped(guest.vcpus, (vcpu, id) =>
      newVcpu(vcpu, rangeAt, faultUs, startsOf(vcpu, seed, run, id)),
    );
    groupByPhases(this.#vcpus);
    const rates = [...this.#vcpus.map((vcpu) => vcpu.writesPerUs), this.#dma?.writesPerUs ?? 0];
    const sum = rates.reduce((all, rate) => all + rate, 0);
    this.#writeShares = rates.filter((rate) => rate > 0).map((rate) => rate / sum);
  }

  get runZeroShare(): number {
    return this.#circle.runZeroShare;
  }

  get runContent(): number {
    return this.#circle.runContent;
  }

  get clearNeeded(): boolean {
    return this.#circle.clearNeeded;
  }

  get rounds(): number {
    return this.#circle.rounds;
  }

  setLimited(limited: boolean): void {
    this.#limited = limited;
    for (let i = 0; i < this.#vcpus.length; i += 1) {
      const state = this.#vcpus[i]!;
      state.deviation = 0;
      state.random ??= stream(this.#seed, this.#run, `vcpu ${i} ring`);
    }
  }

  setRunShare(vcpu: number, share: number): void {
    const state = this.#vcpus[vcpu]!;
    if (state.runShare === share) return;
    state.runShare = share;
    this.#planned = false;
  }

  startTracking(): void {
    this.#logging = true;
  }

  startLogging(): void {
    this.#logging = true;
    this.#circle.start();
  }

  stopLogging(): void {
    this.#logging = false;
  }

  run(vcpu: number, budgetUs: number, writeFactor: number, readFactor: number): void {
    const state = this.#vcpus[vcpu]!;
    const outcome = this.outcome;
    outcome.faults = 0;
    outcome.faultUs = 0;
    outcome.ringFull = false;
    outcome.ringExits = 0;
    outcome.ranUs = budgetUs;
    let progressUs = budgetUs;
    const writesPerUs = state.writesPerUs * writeFactor;
    if (this.#logging && writesPerUs > 0) {
      if (state.writeFactor !== writeFactor) this.#changeRates(state, writeFactor);
      if (this.#tracking !== 'ring') progressUs = runLogged(this.#tracked, state, budgetUs);
      else if (this.#limited) progressUs = runLimited(this.#tracked, state, budgetUs);
      else progressUs = this.#runReaped(state, budgetUs);
    } else if (this.#logging && this.#tracking === 'ring' && !this.#limited) passIdle(state, budgetUs);
    outcome.writes = writesPerUs * progressUs;
    outcome.reads = progressUs * state.readsPerUs * readFactor;
    this.#write(state, writeFactor * progressUs);
  }

  /** A new phase: of this vCPU, and of all that have the same phases, though they have not been asked to run in it yet. */
  #changeRates({ inStep }: FluidVcpu, writeFactor: number): void {
    for (let i = 0; i < inStep.length; i += 1) {
      const state = inStep[i]!;
      state.writeFactor = writeFactor;
      this.#forgetFills(state);
    }
  }

  #forgetFills(state: FluidVcpu): void {
    this.#planned = false;
    state.fillRunUs = INFINITY;
    state.deviation = 0;
    state.entriesVaryBy = 0;
  }

  writeByDevices(us: number): void {
    if (this.#dma === null || !this.#logging) return;
    this.#dma.range.writes += this.#dma.writesPerUs * us;
  }

  fork(vcpu: number): void {
    const state = this.#vcpus[vcpu]!;
    const { uses } = state;
    for (let i = 0; i < uses.length; i += 1) {
      const use = uses[i]!;
      if (use.copy !== null) turn(use, use.copy);
    }
    this.#forgetFills(state);
  }

  /** The writes of `us` of progress at full rates reach their ranges. */
  #write(state: FluidVcpu, us: number): void {
    const { uses } = state;
    for (let i = 0; i < uses.length; i += 1) {
      const use = uses[i]!;
      const writes = use.writesPerUs * us;
      if (writes === 0) continue;
      if (!use.sequential) {
        if (this.#logging) use.range.writes += writes;
        continue;
      }
      if (this.#logging && this.#tracking === 'ring') use.arc = min(use.arc + writes, use.range.pages);
      else if (this.#logging) this.#circle.markArc(use.range, use.position, writes);
      use.position = (use.position + writes) % use.range.pages;
    }
  }

  // ------------------------------------------------------------------------------------------------ dirty ring

  /** No vCPU is limited: any full ring is an exit that empties all. */
  #runReaped(state: FluidVcpu, budgetUs: number): number {
    const { softLimit, exitCost } = this.#tracked;
    if (!this.#planned) planRings(this.#vcpus, softLimit, exitCost);
    this.#planned = true;
    return runReaped(this.#tracked, state, budgetUs);
  }

  passFills(
    vcpu: number,
    runner: RingRunner,
    toUs: number,
    freeFromUs: number,
    share: number,
    most: number,
  ): number {
    const state = this.#vcpus[vcpu]!;
    // A vCPU has learned of a fill while it was limited only, and so while dirty pages were logged in rings.
    if (!this.#logging || state.fillRunUs === INFINITY || state.inRing > 0 || state.writeFactor !== 1)
      return 0;
    return passFills(this.#tracked, state, runner, toUs, freeFromUs, share, most);
  }

  ringFullNotBeforeUs(_vcpu: number, _writeFactor: number): number {
    return INFINITY;
  }

  reap(vcpu: number): number {
    const state = this.#vcpus[vcpu]!;
    const entries = state.inRing;
    emptyRing(state);
    if (state.random !== null && state.entriesVaryBy > 0) {
      state.deviation = this.#limited ? normal(state.random) * state.entriesVaryBy : 0;
    }
    return entries;
  }

  reapedPages(vcpu: number): number {
    const state = this.#vcpus[vcpu]!;
    return state.pushed - state.inRing;
  }

  // ------------------------------------------------------------------------------------------------ migration bitmap

  harvest(): number {
    if (this.#tracking === 'ring') this.#markArcs();
    const fresh = this.#circle.harvest();
    this.#effort.scan(WORDS_PER_SEGMENT * this.#circle.segmentCount);
    return fresh;
  }

  /** In ring mode the arcs of sequential writers are drawn at a sync only. */
  #markArcs(): void {
    for (let i = 0; i < this.#vcpus.length; i += 1) {
      const { uses } = this.#vcpus[i]!;
      for (let k = 0; k < uses.length; k += 1) {
        const use = uses[k]!;
        if (use.arc === 0) continue;
        const from = use.position - use.arc;
        this.#circle.markArc(use.range, from < 0 ? from + use.range.pages : from, use.arc);
        use.arc = 0;
      }
    }
  }

  dirtyPages(): number {
    return this.#circle.dirtyPages;
  }

  foundNone(pages: number): boolean {
    // A writer writes at even distances: in a time in which it writes 0.3 pages on average, it writes none 7 times in 10.
    let chance = 1;
    for (let i = 0; i < this.#writeShares.length; i += 1) chance *= max(0, 1 - pages * this.#writeShares[i]!);
    this.#foundAll *= 1 - chance;
    if (this.#foundAll > 0.5) return false;
    this.#foundAll = 1;
    return true;
  }

  nextRun(): number {
    return this.#circle.nextRun();
  }

  runHostPages(): number {
    return this.#circle.runHostPages(this.#hostPagePages);
  }

  takeHinted(): void {
    this.#circle.takeHinted(this.#zero);
  }

  clearChunk(behindUs: number): void {
    this.#circle.clearChunk(behindUs);
  }

  beginSpan(runUs: number): void {
    this.#circle.beginSpan(runUs);
  }

  pagesToWrap(): number {
    return this.#circle.pagesToWrap();
  }

  stretches(into: Stretch[], pages: number): number {
    return this.#circle.stretches(into, pages);
  }

  take(pages: number): void {
    this.#circle.take(pages);
  }

  discardDirty(): number {
    return this.#circle.discardDirty(this.#hostPagePages);
  }

  runRemote(vcpu: number, wallUs: number, writeFactor: number, readFactor: number, stallUs: number): void {
    const state = this.#vcpus[vcpu]!;
    state.remote ??= newRemote(state.spec, state.starts, state.uses);
    const writeRate = state.writesPerUs * writeFactor;
    const readRate = state.readsPerUs * readFactor;
    runRemote(
      state.remote,
      this.#circle,
      this.outcome,
      wallUs,
      writeRate,
      readRate,
      stallUs,
      this.#hostPagePages,
    );
  }
}
