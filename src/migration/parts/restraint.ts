/** What holds the vCPUs back: the knobs that strategies turn, and how far they were ever turned. */
import type { Guest } from '../../guest/guest.js';
import { mapped } from '../../lists.js';
import { unmigratedAccesses } from '../../guest/phases.js';
import type { Clock } from './clock.js';
import type { SyncPeriod } from './sync-period.js';

const { max } = Math;

export class Restraint {
  readonly #guest: Guest;
  readonly #clock: Readonly<Clock>;
  readonly #period: Readonly<SyncPeriod>;
  #throttlePercent = 0;
  #maxThrottlePercent = 0;
  #maxRingSleepUs = 0;
  #sleeping = 0;
  /** Since when some vCPU has been held back, and the accesses of all of them then; null: none is. */
  #heldSince: { readonly us: number; readonly accesses: readonly number[] } | null = null;
  #isOver = false;
  #heldUs = 0;
  readonly #heldWork: { done: number; undisturbed: number }[];
  #firstSync: number | null = null;
  #firstUs: number | null = null;

  constructor(guest: Guest, clock: Readonly<Clock>, period: Readonly<SyncPeriod>) {
    this.#guest = guest;
    this.#clock = clock;
    this.#period = period;
    this.#heldWork = mapped(guest.vcpus, () => ({ done: 0, undisturbed: 0 }));
  }

  /** Of the vCPU that is throttled most: now, and ever. */
  get throttlePercent(): number {
    return this.#throttlePercent;
  }

  get maxThrottlePercent(): number {
    return this.#maxThrottlePercent;
  }

  get maxRingSleepUs(): number {
    return this.#maxRingSleepUs;
  }

  /** How long some vCPU was held back, and what each vCPU did in that time. */
  get heldUs(): number {
    return this.#heldUs;
  }

  get heldWork(): readonly { readonly done: number; readonly undisturbed: number }[] {
    return this.#heldWork;
  }

  /** When a vCPU was held back for the first time, and the last sync before it; null: never. */
  get firstUs(): number | null {
    return this.#firstUs;
  }

  get firstSync(): number | null {
    return this.#firstSync;
  }

  throttle(vcpus: 'all' | readonly number[], percent: number): void {
    const { nowUs } = this.#clock;
    this.#guest.advance(nowUs);
    if (vcpus === 'all') this.#guest.throttleAll(percent, nowUs);
    else for (const vcpu of vcpus) this.#guest.throttleOne(vcpu, percent, nowUs);
    this.#throttlePercent = 0;
    for (const vcpu of this.#guest.vcpus)
      this.#throttlePercent = max(this.#throttlePercent, vcpu.throttle.percent);
    this.#maxThrottlePercent = max(this.#maxThrottlePercent, this.#throttlePercent);
    if (percent > 0) this.#noteFirst();
    this.#noteHold();
  }

  sleepAtFullRing(vcpu: number, sleepUs: number): void {
    this.#guest.advance(this.#clock.nowUs);
    const held = this.#guest.vcpus[vcpu]!;
    this.#sleeping += (sleepUs > 0 ? 1 : 0) - (held.ringSleepUs > 0 ? 1 : 0);
    held.ringSleepUs = sleepUs;
    this.#maxRingSleepUs = max(this.#maxRingSleepUs, sleepUs);
    if (sleepUs > 0) this.#noteFirst();
    this.#noteHold();
  }

  /** The vCPUs are being stopped, or the migration is over: what holds them back from here on is no longer counted. */
  end(): void {
    this.#closeHold();
    this.#isOver = true;
  }

  #noteHold(): void {
    const isHeld = this.#throttlePercent > 0 || this.#sleeping > 0;
    if (!isHeld) return this.#closeHold();
    if (this.#heldSince !== null || this.#isOver) return;
    // What a strategy does before the migration counts from its start on, and so do accesses.
    const us = max(0, this.#clock.nowUs);
    const isEarly = this.#clock.nowUs < 0;
    this.#heldSince = { us, accesses: mapped(this.#guest.vcpus, (v) => (isEarly ? 0 : v.writes + v.reads)) };
  }

  #closeHold(): void {
    const since = this.#heldSince;
    this.#heldSince = null;
    const { nowUs } = this.#clock;
    if (since === null || nowUs <= since.us) return;
    this.#heldUs += nowUs - since.us;
    for (const [id, vcpu] of this.#guest.vcpus.entries()) {
      const full = unmigratedAccesses(vcpu.spec, since.us, nowUs);
      const work = this.#heldWork[id]!;
      work.done += vcpu.writes + vcpu.reads - since.accesses[id]!;
      work.undisturbed += full.writes + full.reads;
    }
  }

  #noteFirst(): void {
    if (this.#firstUs !== null) return;
    this.#firstUs = this.#clock.nowUs;
    this.#firstSync = this.#period.syncCount;
  }
}
