/**
 * The running guest: its vCPUs on the clock, their memory, their rings. It does not know that a migration exists: it is
 * made to log, to run until an instant, to reap, to sleep at full rings, to be throttled and to stop.
 *
 * Throttles change when a vCPU runs, never a rate.
 */
import { mapped } from '../lists.js';
import { Effort } from './effort.js';
import type { GuestMemory } from './memory/memory.js';
import { factorAt, onePerPhases, phaseAt } from './phases.js';
import type { GuestSpec, HostProfile, VcpuSpec } from './spec.js';
import { ThrottleTimetable } from './throttle.js';
import { type Vcpu, exitToComeUs, newVcpu, runShare, sleepToComeUs, writesEvenly } from './vcpu.js';
import { type RunningGuest, advanceThroughExits, advanceVcpu, noteStall, ringFullExit } from './vcpu-run.js';
import { Wakes } from './wakes.js';
import { WorkHistory } from './work-history.js';

const { max, min } = Math;

export class Guest implements RunningGuest {
  readonly memory: GuestMemory;
  readonly vcpus: readonly Vcpu[];
  readonly host: HostProfile;
  readonly effort: Effort;
  /** Called at each ring-full exit of the page memory or of a limited vCPU; null: it is not wanted. */
  onRingFull: ((vcpu: number, timeUs: number) => void) | null = null;
  /** The bound that the page memory needs on how far vCPUs may drift apart: rings are shared business until limited. */
  limited = false;
  /** Share of its speed, 0..1, that a running vCPU has next to the host's other work. */
  speed = 1;
  /** null: it is not wanted. */
  history: WorkHistory | null = null;
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
    this.effort = effort;
    this.memory = memory;
    this.host = host;
    this.#startUs = startUs;
    this.#shared = new ThrottleTimetable(startUs);
    this.#ring = spec.dirtyRingSize > 0;
    this.#hasDma = spec.dma !== undefined;
    this.#ringIsFull = new Uint8Array(spec.vcpus.length);
    this.#isEven = memory.kind === 'fluid' && !this.#ring && spec.vcpus.every(writesEvenly);
    this.#timeUs = startUs;
    this.#phased = onePerPhases(spec.vcpus);
    this.vcpus = mapped(spec.vcpus, (vcpu, id) =>
      newVcpu(vcpu, id, host, this.#shared, startUs, new Wakes(seed, run, id, host.wakeLatencyUs)),
    );
  }

  get timeUs(): number {
    return this.#timeUs;
  }

  /** Note from `fromUs` on, every `periodUs`, what each vCPU has done. */
  watch(fromUs: number, periodUs: number): void {
    this.history = new WorkHistory(this.vcpus.length, fromUs, periodUs, this.effort);
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
      advanceThroughExits(this, this.vcpus[i]!, toUs);
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
    if (!this.#stopped) advanceThroughExits(this, v, toUs);
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
        full[i] = advanceVcpu(this, this.vcpus[i]!, target) ? 1 : 0;
      for (let i = 0; i < this.vcpus.length; i += 1) {
        if (full[i] === 0) continue;
        const vcpu = this.vcpus[i]!;
        do ringFullExit(this, vcpu);
        while (advanceVcpu(this, vcpu, target));
      }
      now = target;
    }
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
        this.effort.stretch();
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
        if (outcome.blockedUs >= wallUs) noteStall(vcpu, end);
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
      noteStall(vcpu, atUs);
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
