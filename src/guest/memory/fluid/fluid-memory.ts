/**
 * The fast memory: what the page memory does page by page happens here to counts, exactly in expectation, at a cost that
 * depends on neither the size of memory nor the length of a run. Pages of one access class are interchangeable, so that
 * n uniform writes to W pages of which a are armed are noticed a (1 - e^(-n/W)) times; a sequential writer leaves an arc.
 *
 * One thing is left to chance: when the ring of a limited vCPU is full. Where vCPUs wait for each other it matters that
 * they do not march in step.
 *
 * What is where: circle.ts holds the address space, its bitmaps and the cursor; rings.ts the rings that
 * everybody's exits empty; this file the vCPUs, and the rings of vCPUs that a dirty limit holds up one by one.
 */
import { normal } from '../../../random/distributions.js';
import { stream } from '../../../random/streams.js';
import { SegmentCircle } from './circle.js';
import { type FluidVcpu, groupByPhases, newVcpu, noticedLate, startsOf, turn } from './fluid-vcpu.js';
import { layOut } from './layout.js';
import {
  type ExitCost,
  emptyRing,
  keepFresh,
  passIdle,
  passThroughFills,
  passed,
  planRings,
} from './rings.js';
import { BUDGET_STEPS, BUDGET_TOLERANCE, runOnOneRange } from './logged.js';
import { newRemote, runRemote } from './remote.js';
import type { WrittenRange } from './segment.js';
import { pagesTouched, timeToTouch, touchRate, touchedDeviation } from './vcpu.js';
import { Effort } from '../../effort.js';
import { type GuestMemory, type RunOutcome, type Stretch, type Tracking, noOutcome } from '../memory.js';
import { ringSoftLimit } from '../ring.js';
import { HUGE_PAGE_PAGES, type GuestSpec, type HostProfile, type ZeroExtent } from '../../spec.js';

const { abs, exp, max, min } = Math;
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
  readonly #softLimit: number;
  readonly #exitCost: ExitCost;
  readonly #splitUs: number;
  readonly #seed: number;
  readonly #run: number;
  readonly #hostPagePages: number;
  readonly #vcpus: readonly FluidVcpu[];
  #logging = false;
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
    this.#softLimit = ringSoftLimit(guest.dirtyRingSize, host.pml);
    this.#splitUs = host.splitUs;
    this.#seed = seed;
    this.#run = run;
    this.#hostPagePages = guest.hostPagePages;
    this.#exitCost = {
      exitUs: host.ringExitUs,
      entryUs: host.ringEntryNs / 1000,
      pushAll: host.ringPushesEveryWrite,
    };
    const faultUs = (host.pml ? host.pmlNsPerPage : host.writeFaultNs) / 1000;
    const { dma } = guest;
    const byDevices = layout.ranges.find(({ device }) => device);
    this.#dma =
      dma === undefined || byDevices === undefined
        ? null
        : { range: byDevices, writesPerUs: dma.writesPerSecond / 1e6 };
    const rangeAt = new Map(layout.ranges.map((range) => [range.firstPage, range]));
    this.#vcpus = guest.vcpus.map((vcpu, id) =>
      newVcpu(vcpu, rangeAt, faultUs, startsOf(vcpu, seed, run, id)),
    );
    groupByPhases(this.#vcpus);
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
      if (this.#tracking !== 'ring') progressUs = this.#runLogged(state, budgetUs);
      else if (this.#limited) progressUs = this.#runLimited(state, budgetUs);
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

  // ------------------------------------------------------------------------------------------------ bitmap log

  /** Progress in `budgetUs` of run time when every write to an armed page is noticed once. */
  #runLogged(state: FluidVcpu, budgetUs: number): number {
    const { uses } = state;
    if (uses.length === 1 && this.#splitUs === 0 && !uses[0]!.sequential)
      return runOnOneRange(state, uses[0]!, budgetUs, this.outcome);
    for (let i = 0; i < uses.length; i += 1) {
      const use = uses[i]!;
      use.room = use.range.armed;
      use.among = use.range.pages;
    }
    const progressUs = this.#progressWithin(state, budgetUs);
    for (let i = 0; i < uses.length; i += 1) {
      const { range, fresh } = uses[i]!;
      range.armed -= fresh;
      for (let k = 0; k < range.lateCount; k += 1) {
        const late = range.late[k]!;
        range.armed += late.fresh;
        late.armed -= late.fresh;
      }
    }
    return progressUs;
  }

  /** Pages noticed in `us` of progress; sets `fresh` of each use. */
  #noticed(state: FluidVcpu, us: number): number {
    if (this.#tracking === 'ring') return this.#pushed(state, us);
    const { uses } = state;
    let pages = pagesTouched(uses, state.writeFactor, us);
    for (let i = 0; i < uses.length; i += 1) {
      const use = uses[i]!;
      const writes = use.writesPerUs * state.writeFactor * us;
      if (use.sequential) {
        pages -= use.fresh;
        use.fresh = this.#circle.armedOnArc(use.range, use.position, writes);
        pages += use.fresh;
      } else if (use.range.lateCount > 0) pages += noticedLate(use, writes);
    }
    return pages;
  }

  /**
   * Progress p for which p and the cost of what it touches fill the budget. The first guess ignores costs, the second
   * takes them to be proportional, further ones take the chord between too little and too much. Fills the outcome.
   */
  #progressWithin(state: FluidVcpu, budgetUs: number): number {
    let us = budgetUs;
    let faults = this.#noticed(state, us);
    if (state.faultUs > 0 || (this.#splitUs > 0 && faults > 0)) {
      let low = 0;
      let lowCost = 0;
      let high = us;
      let highCost = us + this.#costUs(state, faults);
      for (let step = 0; step < BUDGET_STEPS; step += 1) {
        if (abs(highCost - budgetUs) <= BUDGET_TOLERANCE * budgetUs) break;
        us = low + ((high - low) * (budgetUs - lowCost)) / (highCost - lowCost);
        faults = this.#noticed(state, us);
        const costUs = us + this.#costUs(state, faults);
        if (abs(costUs - budgetUs) <= BUDGET_TOLERANCE * budgetUs) break;
        if (costUs > budgetUs) {
          high = us;
          highCost = costUs;
        } else {
          low = us;
          lowCost = costUs;
        }
      }
    }
    this.#account(state, faults);
    return us;
  }

  /** Run time that noticing a number of pages costs, µs. */
  #costUs(state: FluidVcpu, faults: number): number {
    return faults * state.faultUs + (this.#splitUs > 0 ? this.#splits(state, false) * this.#splitUs : 0);
  }

  /** These pages were noticed. */
  #account(state: FluidVcpu, faults: number): void {
    const { outcome } = this;
    outcome.faults += faults;
    outcome.faultUs += faults * state.faultUs;
    if (this.#splitUs > 0) outcome.faultUs += this.#splits(state, true) * this.#splitUs;
  }

  /** Huge pages that the `fresh` pages of each use split; `keep`: they are split from now on. */
  #splits(state: FluidVcpu, keep: boolean): number {
    let splits = 0;
    for (let i = 0; i < state.uses.length; i += 1) {
      const { range, fresh, sequential } = state.uses[i]!;
      const whole = range.unsplitBlocks;
      if (whole === 0) continue;
      const split = sequential
        ? min(whole, fresh / HUGE_PAGE_PAGES)
        : whole * (1 - exp(-fresh / range.hugeBlocks));
      splits += split;
      if (keep) range.unsplitBlocks -= split;
    }
    return splits;
  }

  // ------------------------------------------------------------------------------------------------ dirty ring

  /** Entries pushed in `us` of progress. */
  #pushed(state: FluidVcpu, us: number): number {
    if (this.#exitCost.pushAll) return state.writesPerUs * state.writeFactor * us;
    return pagesTouched(state.uses, state.writeFactor, us);
  }

  /** No vCPU is limited: any full ring is an exit that empties all. */
  #runReaped(state: FluidVcpu, budgetUs: number): number {
    if (!this.#planned) {
      planRings(this.#vcpus, this.#softLimit, this.#exitCost);
      this.#planned = true;
    }
    const paidUs = min(state.owedUs, budgetUs);
    const progressUs = (budgetUs - paidUs) * state.pace;
    state.owedUs -= paidUs;
    passThroughFills(state, progressUs, this.#exitCost.pushAll);
    this.outcome.ringExits = passed.exits;
    this.outcome.ringExitUs = passed.exits * state.exitUs;
    state.pushed += passed.entries;
    if (this.#splitUs > 0) this.#spread(state, passed.entries);
    const faultUs = passed.entries * state.faultUs;
    this.#account(state, passed.entries);
    state.owedUs += this.outcome.faultUs - faultUs;
    return progressUs;
  }

  /** Entries of several fills, as pages that were touched in each range. */
  #spread(state: FluidVcpu, entries: number): void {
    const { uses } = state;
    for (let i = 0; i < uses.length; i += 1) {
      const use = uses[i]!;
      use.fresh = this.#exitCost.pushAll ? 0 : (entries * use.writesPerUs) / state.writesPerUs;
    }
  }

  /** A dirty limit is in service: a full ring stops its vCPU, and no other vCPU's pages are armed again. */
  #runLimited(state: FluidVcpu, budgetUs: number): number {
    const { outcome } = this;
    const againUs = state.fillRunUs + state.deviation * state.entryUs;
    if (state.inRing === 0 && budgetUs >= againUs) return this.#fillAgain(state, againUs);
    const need = this.#softLimit + state.deviation - state.inRing;
    if (need <= 0 || state.inRing >= this.#softLimit) {
      outcome.ringFull = true;
      outcome.ranUs = 0;
      return 0;
    }
    const { uses } = state;
    for (let i = 0; i < uses.length; i += 1) {
      const use = uses[i]!;
      use.among = use.range.pages;
      use.room = max(0, use.among - use.range.inRings);
    }
    const fullUs = this.#exitCost.pushAll
      ? need / (state.writesPerUs * state.writeFactor)
      : timeToTouch(uses, state.writeFactor, need);
    if (fullUs < budgetUs) {
      const entries = this.#pushed(state, fullUs);
      const runUs = fullUs + this.#costUs(state, entries);
      if (runUs <= budgetUs) {
        if (state.inRing === 0 && state.deviation === 0) this.#learnFill(state, fullUs, runUs);
        this.#account(state, entries);
        this.#keepEntries(state, this.#softLimit - state.inRing);
        outcome.ringFull = true;
        outcome.ranUs = runUs;
        return fullUs;
      }
    }
    const progressUs = this.#progressWithin(state, budgetUs);
    this.#keepEntries(state, outcome.faults);
    return progressUs;
  }

  /** Keep what the next fills from an empty ring have in common with this one. */
  #learnFill(state: FluidVcpu, progressUs: number, runUs: number): void {
    const { uses, writeFactor } = state;
    if (this.#exitCost.pushAll) return;
    state.entriesVaryBy = touchedDeviation(uses, writeFactor, progressUs);
    if (!state.isAlone || this.#splitUs > 0) return;
    state.fillProgressUs = progressUs;
    state.fillRunUs = runUs;
    state.entryUs = 1 / touchRate(uses, writeFactor) + state.faultUs;
  }

  /** An empty ring of a vCPU that shares no range fills as it did the last time, but for chance. */
  #fillAgain(state: FluidVcpu, runUs: number): number {
    const { outcome } = this;
    outcome.faults = this.#softLimit;
    outcome.faultUs = this.#softLimit * state.faultUs;
    outcome.ringFull = true;
    outcome.ranUs = runUs;
    state.pushed += this.#softLimit;
    state.inRing = this.#softLimit;
    return state.fillProgressUs + runUs - state.fillRunUs;
  }

  #keepEntries(state: FluidVcpu, entries: number): void {
    state.pushed += entries;
    state.inRing += entries;
    if (!this.#exitCost.pushAll) keepFresh(state.uses);
  }

  fullAfterUs(vcpu: number): number {
    const state = this.#vcpus[vcpu]!;
    // A vCPU has learned of a fill while it was limited only, and so while dirty pages were logged in rings.
    if (!this.#logging || state.inRing > 0 || state.writesPerUs === 0 || state.writeFactor !== 1)
      return INFINITY;
    return state.fillRunUs + state.deviation * state.entryUs;
  }

  fillAndReap(vcpu: number): number {
    const state = this.#vcpus[vcpu]!;
    const { outcome } = this;
    const progressUs = this.#fillAgain(state, state.fillRunUs + state.deviation * state.entryUs);
    outcome.writes = state.writesPerUs * progressUs;
    outcome.reads = progressUs * state.readsPerUs;
    this.#write(state, progressUs);
    return this.reap(vcpu);
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
