/**
 * The running guest: its vCPUs on the clock, their memory, their rings. It does not know that a migration exists: it is
 * made to log, to run until an instant, to reap, to sleep at full rings, to be throttled and to stop.
 *
 * Throttles change when a vCPU runs, never a rate.
 */
import { exponential } from '../random/distributions.js';
import { stream } from '../random/streams.js';
import { Effort } from './effort.js';
import type { GuestMemory } from './memory/memory.js';
import { factorAt, onePerPhases, phaseAt } from './phases.js';
import type { GuestSpec, HostProfile, VcpuSpec } from './spec.js';
import { ThrottleTimetable } from './throttle.js';
import {
  type Vcpu,
  addBacklog,
  exitToComeUs,
  lastRunInstant,
  newVcpu,
  runShare,
  sleepToComeUs,
  writesEvenly,
} from './vcpu.js';
import { WorkHistory } from './work-history.js';

const { max, min } = Math;
const INFINITY = Infinity;

export class Guest {
  readonly memory: GuestMemory;
  readonly vcpus: readonly Vcpu[];
  /** Called at each ring-full exit of the page memory or of a limited vCPU. */
  onRingFull: (vcpu: number, timeUs: number) => void = () => {};
  /** The bound that the page memory needs on how far vCPUs may drift apart: rings are shared business until limited. */
  limited = false;
  /** Share of its speed, 0..1, that a running vCPU has next to the host's other work. */
  speed = 1;
  /** null: it is not wanted. */
  history: WorkHistory | null = null;
  readonly #host: HostProfile;
  readonly #effort: Effort;
  readonly #shared: ThrottleTimetable;
  readonly #startUs: number;
  readonly #ring: boolean;
  readonly #hasDma: boolean;
  readonly #ringIsFull: Uint8Array;
  /** One vCPU for each sequence of phases. */
  readonly #phased: readonly VcpuSpec[];
  /** Writes go on so evenly that the memory can account for a clear later. */
  #isEven: boolean;
  #stopped = false;
  #timeUs = 0;

  constructor(
    spec: GuestSpec,
    host: HostProfile,
    memory: GuestMemory,
    startUs: number,
    seed = 1,
    run = 1,
    effort = new Effort(),
  ) {
    this.#effort = effort;
    this.memory = memory;
    this.#host = host;
    this.#startUs = startUs;
    this.#shared = new ThrottleTimetable(startUs);
    this.#ring = spec.dirtyRingSize > 0;
    this.#hasDma = spec.dma !== undefined;
    this.#ringIsFull = new Uint8Array(spec.vcpus.length);
    this.#isEven = memory.kind === 'fluid' && !this.#ring && spec.vcpus.every(writesEvenly);
    this.#timeUs = startUs;
    this.#phased = onePerPhases(spec.vcpus);
    this.vcpus = spec.vcpus.map((vcpu, id) =>
      newVcpu(vcpu, id, host, this.#shared, startUs, stream(seed, run, `vcpu ${id} wakes`)),
    );
  }

  get timeUs(): number {
    return this.#timeUs;
  }

  /** Note from `fromUs` on, every `periodUs`, what each vCPU has done. */
  watch(fromUs: number, periodUs: number): void {
    this.history = new WorkHistory(this.vcpus.length, fromUs, periodUs);
  }

  /** Let every vCPU run until `toUs`. Rings that fill on the way are reaped and their vCPUs put to sleep. */
  advance(toUs: number): void {
    if (toUs <= this.#timeUs) return;
    if (!this.#stopped) {
      if (this.#hasDma) this.memory.writeByDevices(toUs - this.#timeUs);
      if (this.#isEven) this.memory.beginSpan(this.#shared.runTimeUs(this.#timeUs, toUs, 0));
      if (this.#ring && !this.limited && this.memory.kind === 'fluid') this.#advanceByPhases(toUs);
      else if (!this.#ring || this.limited || this.vcpus.length === 1) this.#advanceEach(toUs);
      else {
        this.#advanceTogether(toUs);
      }
    }
    this.#timeUs = toUs;
  }

  #advanceEach(toUs: number): void {
    for (let i = 0; i < this.vcpus.length; i += 1) {
      this.#advanceThroughExits(this.vcpus[i]!, toUs);
    }
  }

  /** Let a vCPU run until `toUs`, through rings that fill on the way. */
  #advanceThroughExits(vcpu: Vcpu, toUs: number): void {
    do if (this.limited) this.#passFills(vcpu, toUs);
    while (this.#advanceVcpu(vcpu, toUs) && this.#ringFullExit(vcpu));
  }

  /**
   * Under a dirty limit: a ring that fills as the one before, the sleep after it, and so on, as long as a whole fill lies
   * before `toUs`. What `#advanceVcpu` and an exit do one by one, with the same draws, and so exact; for a vCPU whose rates
   * stay as they are and that no throttle holds back.
   */
  #passFills(vcpu: Vcpu, toUs: number): void {
    const { memory } = this;
    const { outcome } = memory;
    const { id, throttle, wakeLossUs } = vcpu;
    if (!vcpu.isSteady || throttle.percent > 0 || this.history !== null) return;
    const share = 1 - (1 - this.speed) * vcpu.stealShare;
    while (vcpu.timeUs < toUs) {
      if (vcpu.sleepUntilUs > vcpu.timeUs) {
        this.#effort.stretch();
        vcpu.timeUs = min(vcpu.sleepUntilUs, toUs);
        continue;
      }
      const fillUs = memory.fullAfterUs(id);
      const availableUs = throttle.runTimeUs(vcpu.timeUs, toUs, wakeLossUs);
      const workUs = availableUs * share;
      if (availableUs <= 0 || workUs < fillUs) return;
      this.#effort.stretch();
      this.#noteStall(vcpu, throttle.awakeAtUs(vcpu.timeUs));
      const entries = memory.fillAndReap(id);
      vcpu.writes += outcome.writes;
      vcpu.reads += outcome.reads;
      vcpu.faults += outcome.faults;
      vcpu.faultUs += outcome.faultUs;
      const ranUs = (availableUs * fillUs) / workUs;
      const at = min(toUs, throttle.instantAfterUs(vcpu.timeUs, ranUs, wakeLossUs));
      vcpu.throttledUs += max(0, at - vcpu.timeUs - ranUs);
      vcpu.timeUs = at;
      vcpu.lastRanUs = at;
      this.#leaveAtFullRing(vcpu, entries);
    }
  }

  /**
   * How rings fill that all empty depends on everybody's rates: one vCPU after the other goes as far as these stay as they
   * are, so that they are worked out once for each border between phases and not once more for every vCPU.
   */
  #advanceByPhases(toUs: number): void {
    let now = this.#timeUs;
    while (now < toUs) {
      let end = toUs;
      for (let i = 0; i < this.#phased.length; i += 1)
        end = min(end, max(now + LEAST_PHASE_US, phaseAt(this.#phased[i]!, now).untilUs));
      this.#advanceEach(end);
      now = end;
    }
  }

  /** Let one vCPU run until `toUs`; with the page memory all come along, so that their order does not depend on who is asked. */
  advanceOne(vcpu: number, toUs: number): void {
    if (this.memory.kind === 'page') {
      this.advance(toUs);
      return;
    }
    const v = this.vcpus[vcpu]!;
    if (!this.#stopped) this.#advanceThroughExits(v, toUs);
  }

  /**
   * The tracking of a chunk is cleared at `toUs`: the guest is brought up, or if the memory can do without stays where it
   * is. Returns the run time by which it is behind, µs.
   */
  fallBehind(toUs: number): number {
    if (this.#isEven) return this.#shared.runTimeUs(this.#timeUs, toUs, 0);
    this.advance(toUs);
    return 0;
  }

  /**
   * A ring-full exit reaps everybody's ring, so vCPUs must not drift apart across one: all go in steps within which no
   * ring can fill before the step's end, and rings that are full then are reaped when all have arrived there.
   */
  #advanceTogether(toUs: number): void {
    const full = this.#ringIsFull;
    let now = this.#timeUs;
    while (now < toUs) {
      let step = toUs - now;
      for (let i = 0; i < this.vcpus.length; i += 1) {
        const vcpu = this.vcpus[i]!;
        const free = this.memory.ringFullNotBeforeUs(i, factorAt(vcpu.spec, now, 'writeFactor'));
        step = min(step, vcpu.catchesUp ? free * vcpu.spec.busy : free);
      }
      // Below this the vCPU next to its limit just runs into it: the others are at most this far ahead.
      const target = min(toUs, now + max(step, SMALLEST_STEP_US));
      for (let i = 0; i < this.vcpus.length; i += 1)
        full[i] = this.#advanceVcpu(this.vcpus[i]!, target) ? 1 : 0;
      for (let i = 0; i < this.vcpus.length; i += 1) {
        if (full[i] === 0) continue;
        const vcpu = this.vcpus[i]!;
        do this.#ringFullExit(vcpu);
        while (this.#advanceVcpu(vcpu, target));
      }
      now = target;
    }
  }

  /** Let a vCPU run until `toUs`, or until its ring is full: true. */
  #advanceVcpu(vcpu: Vcpu, toUs: number): boolean {
    const { memory } = this;
    const { outcome } = memory;
    const { phases } = vcpu.spec;
    while (vcpu.timeUs < toUs) {
      this.#effort.stretch();
      if (vcpu.sleepUntilUs > vcpu.timeUs) {
        const awake = min(vcpu.sleepUntilUs, toUs);
        addBacklog(vcpu, awake - vcpu.timeUs);
        vcpu.timeUs = awake;
        if (this.history !== null) this.history.rested(vcpu, awake);
        continue;
      }
      if (vcpu.nextForkUs <= vcpu.timeUs) this.#fork(vcpu);
      let end = min(toUs, vcpu.nextForkUs);
      let writeFactor = 1;
      let readFactor = 1;
      if (phases.length > 0) {
        const phase = phaseAt(vcpu.spec, vcpu.timeUs);
        writeFactor = phase.writeFactor;
        readFactor = phase.readFactor;
        end = min(end, phase.untilUs);
      }
      const available = vcpu.throttle.runTimeUs(vcpu.timeUs, end, vcpu.wakeLossUs);
      if (available <= 0) {
        vcpu.throttledUs += end - vcpu.timeUs;
        addBacklog(vcpu, end - vcpu.timeUs);
        vcpu.timeUs = end;
        if (this.history !== null) this.history.rested(vcpu, end);
        continue;
      }
      this.#noteStall(vcpu, vcpu.throttle.awakeAtUs(vcpu.timeUs));
      const workUs = this.#workWithin(vcpu, available, end);
      const before = vcpu.writes + vcpu.reads;
      const sinceUs = vcpu.timeUs;
      memory.run(vcpu.id, workUs, writeFactor, readFactor);
      vcpu.writes += outcome.writes;
      vcpu.reads += outcome.reads;
      vcpu.faults += outcome.faults;
      vcpu.faultUs += outcome.faultUs;
      const ranUs = outcome.ringFull ? this.#runTimeOf(vcpu, outcome.ranUs, workUs, available) : available;
      const at = outcome.ringFull
        ? min(end, vcpu.throttle.instantAfterUs(vcpu.timeUs, ranUs, vcpu.wakeLossUs))
        : end;
      const elapsed = at - vcpu.timeUs;
      addBacklog(vcpu, elapsed - outcome.ranUs + (outcome.ringExits > 0 ? outcome.ringExitUs : 0));
      // Also where the throttle was lifted in the middle of a sleep.
      vcpu.throttledUs += max(0, elapsed - ranUs);
      if (outcome.ringExits > 0) {
        vcpu.ringFullExits += outcome.ringExits;
        vcpu.ringExitUs += outcome.ringExitUs;
      }
      if (vcpu.throttle.percent > 0 && elapsed > ranUs) {
        vcpu.longestStallUs = max(vcpu.longestStallUs, min(vcpu.throttle.sleepUs, elapsed - ranUs));
      }
      vcpu.timeUs = at;
      if (this.history !== null) this.history.ran(vcpu, sinceUs, before);
      vcpu.lastRanUs = lastRunInstant(vcpu.throttle, at);
      if (outcome.ringFull) return true;
    }
    return false;
  }

  #fork(vcpu: Vcpu): void {
    this.memory.fork(vcpu.id);
    const everyUs = vcpu.spec.fork?.everyUs ?? 0;
    vcpu.nextForkUs = everyUs > 0 ? vcpu.nextForkUs + everyUs : INFINITY;
  }

  /** Work, as time at its own pace, that a vCPU can do in `availableUs` of run time up to `endUs`. */
  #workWithin(vcpu: Vcpu, availableUs: number, endUs: number): number {
    if (!vcpu.catchesUp) return availableUs * (1 - (1 - this.speed) * vcpu.stealShare);
    // What comes in during a sleep at the very end is done after it.
    const dueUs = vcpu.backlogUs + lastRunInstant(vcpu.throttle, endUs) - vcpu.timeUs;
    return min(max(availableUs, dueUs), (availableUs * this.speed) / vcpu.spec.busy);
  }

  /**
   * Run time in which a vCPU did `doneUs` of the `workUs` that it could do in `availableUs`. One that catches up goes at full
   * speed until nothing waits, then at its own pace; across the slices of a throttle this is spread evenly.
   */
  #runTimeOf(vcpu: Vcpu, doneUs: number, workUs: number, availableUs: number): number {
    const busy = vcpu.spec.busy / this.speed;
    if (!vcpu.catchesUp || vcpu.throttle.percent > 0 || busy >= 1) return (availableUs * doneUs) / workUs;
    const catchUpUs = (vcpu.backlogUs * busy) / (1 - busy);
    return doneUs * busy <= catchUpUs ? doneUs * busy : catchUpUs + doneUs - catchUpUs / busy;
  }

  #noteStall(vcpu: Vcpu, runsAgainUs: number): void {
    const stall = runsAgainUs - vcpu.lastRanUs;
    if (stall > vcpu.longestStallUs) vcpu.longestStallUs = stall;
  }

  /** accel/kvm/kvm-all.c, KVM_EXIT_DIRTY_RING_FULL: reap, then sleep if this vCPU is limited. The vCPU goes on: true. */
  #ringFullExit(vcpu: Vcpu): true {
    this.#leaveAtFullRing(vcpu, this.limited ? this.memory.reap(vcpu.id) : this.reapAll());
    return true;
  }

  /** So many entries were reaped. */
  #leaveAtFullRing(vcpu: Vcpu, entries: number): void {
    vcpu.ringFullExits += 1;
    const exitUs = this.#host.ringExitUs + (entries * this.#host.ringEntryNs) / 1000;
    vcpu.ringExitUs += exitUs;
    vcpu.sleepUntilUs = vcpu.timeUs + exitUs;
    vcpu.askedSleepUs = 0;
    vcpu.lateUs = 0;
    if (this.limited && vcpu.ringSleepUs > 0) {
      vcpu.ringSleptUs += vcpu.ringSleepUs;
      // Drawn, not the mean: vCPUs of one rate would fill and sleep in step forever.
      const lateUs = exponential(vcpu.wakes, this.#host.wakeLatencyUs);
      vcpu.sleepUntilUs += vcpu.ringSleepUs + lateUs + vcpu.coldUs;
      vcpu.askedSleepUs = vcpu.ringSleepUs;
      vcpu.lateUs = lateUs + vcpu.coldUs;
    }
    this.onRingFull(vcpu.id, vcpu.timeUs);
  }

  /** Reap every ring (kvm_dirty_ring_reap). Returns the entries. */
  reapAll(): number {
    let entries = 0;
    for (let i = 0; i < this.vcpus.length; i += 1) entries += this.memory.reap(i);
    return entries;
  }

  /** When this vCPU next answers a kick that comes at `atUs`: at once, or when its sleep ends. The guest stands at `atUs`. */
  answersAtUs(vcpu: number, atUs: number): number {
    const v = this.vcpus[vcpu]!;
    return max(atUs, v.sleepUntilUs, v.throttle.awakeAtUs(atUs));
  }

  /**
   * CPUs that the vCPUs occupy: none for one that sleeps at full rings, which it does most of the time, and of a throttled one
   * what the throttle leaves.
   */
  occupiedCpus(): number {
    let sum = 0;
    for (let i = 0; i < this.vcpus.length; i += 1) {
      const { spec, throttle, ringSleepUs } = this.vcpus[i]!;
      if (!this.limited || ringSleepUs === 0)
        sum += (spec.occupies ?? spec.busy) * (1 - throttle.percent / 100);
    }
    return sum;
  }

  /** The longest time that a ring-full sleep still lasts at `atUs`, over all vCPUs. */
  residualRingSleepUs(atUs: number): number {
    let residual = 0;
    for (let i = 0; i < this.vcpus.length; i += 1)
      residual = max(residual, this.vcpus[i]!.sleepUntilUs - atUs);
    return residual;
  }

  /** End ring-full sleeps under way (an interruptible usleep that a kick cuts short, QEMU 7.2). */
  interruptRingSleeps(atUs: number): void {
    for (let i = 0; i < this.vcpus.length; i += 1) {
      const vcpu = this.vcpus[i]!;
      if (vcpu.sleepUntilUs <= atUs) continue;
      const sleepUs = sleepToComeUs(vcpu, atUs);
      vcpu.ringSleptUs -= sleepUs;
      vcpu.ringExitUs -= exitToComeUs(vcpu, atUs, sleepUs);
      vcpu.sleepUntilUs = atUs;
    }
  }

  /** A percentage for all vCPUs on one timetable, as auto-converge does it. */
  throttleAll(percent: number, atUs: number): void {
    this.#shared.set(percent, atUs);
    for (let i = 0; i < this.vcpus.length; i += 1) {
      const vcpu = this.vcpus[i]!;
      vcpu.throttle = this.#shared;
      this.memory.setRunShare(i, runShare(vcpu));
    }
  }

  /** A percentage for one vCPU on a timetable of its own. */
  throttleOne(vcpu: number, percent: number, atUs: number): void {
    const v = this.vcpus[vcpu]!;
    if (v.throttle === this.#shared) v.throttle = new ThrottleTimetable(this.#startUs);
    v.throttle.set(percent, atUs);
    this.#isEven = false;
    this.memory.setRunShare(vcpu, runShare(v));
  }

  /**
   * Post-copy: every vCPU runs on the destination until `toUs`, blocked for `stallUs` at each missing page. Returns the
   * pages that came by request; `requests` counts the requests.
   */
  advanceRemote(toUs: number, stallUs: number): number {
    let fetched = 0;
    const { outcome } = this.memory;
    for (let i = 0; i < this.vcpus.length; i += 1) {
      const vcpu = this.vcpus[i]!;
      while (vcpu.timeUs < toUs) {
        this.#effort.stretch();
        const phase = phaseAt(vcpu.spec, vcpu.timeUs);
        const end = min(toUs, phase.untilUs);
        const wallUs = end - vcpu.timeUs;
        const sinceUs = vcpu.timeUs;
        const before = vcpu.writes + vcpu.reads;
        this.memory.runRemote(i, wallUs, phase.writeFactor, phase.readFactor, stallUs);
        vcpu.writes += outcome.writes;
        vcpu.reads += outcome.reads;
        vcpu.postcopyBlockedUs += outcome.blockedUs;
        this.requests += outcome.requests;
        fetched += outcome.fetched;
        vcpu.timeUs = end;
        if (this.history !== null) this.history.ran(vcpu, sinceUs, before);
        if (outcome.blockedUs >= wallUs) this.#noteStall(vcpu, end);
        else {
          vcpu.longestStallUs = max(vcpu.longestStallUs, min(outcome.blockedUs, stallUs));
          vcpu.lastRanUs = end;
        }
      }
    }
    this.#timeUs = max(this.#timeUs, toUs);
    return fetched;
  }
  /** Pages requested in post-copy. */
  requests = 0;

  /** Accesses of all vCPUs so far. */
  accesses(): number {
    let sum = 0;
    for (let i = 0; i < this.vcpus.length; i += 1) sum += this.vcpus[i]!.writes + this.vcpus[i]!.reads;
    return sum;
  }

  setLimited(limited: boolean): void {
    this.limited = limited;
    this.memory.setLimited(limited);
  }

  /** Work and losses are counted from here. */
  resetCounts(): void {
    for (let i = 0; i < this.vcpus.length; i += 1) {
      const vcpu = this.vcpus[i]!;
      vcpu.writes = 0;
      vcpu.reads = 0;
      vcpu.faults = 0;
      vcpu.faultUs = 0;
      vcpu.throttledUs = 0;
      // Counted when it begins: what is still to come of it belongs here.
      vcpu.ringSleptUs = sleepToComeUs(vcpu, vcpu.timeUs);
      vcpu.ringExitUs = exitToComeUs(vcpu, vcpu.timeUs, vcpu.ringSleptUs);
      vcpu.ringFullExits = 0;
      vcpu.longestStallUs = 0;
    }
  }

  /** No vCPU runs from `atUs` on. */
  stop(atUs: number): void {
    this.advance(atUs);
    this.#stopped = true;
  }

  /** The guest runs again from `atUs` on (on the destination, or on the source after a failure). */
  resume(atUs: number): void {
    this.#timeUs = max(this.#timeUs, atUs);
    for (let i = 0; i < this.vcpus.length; i += 1) {
      const vcpu = this.vcpus[i]!;
      this.#noteStall(vcpu, atUs);
      if (this.history !== null) this.history.rested(vcpu, atUs);
      vcpu.timeUs = atUs;
      vcpu.sleepUntilUs = atUs;
      vcpu.lastRanUs = atUs;
    }
    this.#stopped = false;
  }
}

const SMALLEST_STEP_US = 50;
/** A border between phases that rounding puts at the present instant is passed. */
const LEAST_PHASE_US = 1e-3;
