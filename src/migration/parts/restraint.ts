/** What holds the vCPUs back: the knobs that strategies turn, and how far they were ever turned. */
import type { Guest } from '../../guest/guest.js';
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
  #firstSync: number | null = null;
  #firstUs: number | null = null;

  constructor(guest: Guest, clock: Readonly<Clock>, period: Readonly<SyncPeriod>) {
    this.#guest = guest;
    this.#clock = clock;
    this.#period = period;
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
  }

  sleepAtFullRing(vcpu: number, sleepUs: number): void {
    this.#guest.advance(this.#clock.nowUs);
    this.#guest.vcpus[vcpu]!.ringSleepUs = sleepUs;
    this.#maxRingSleepUs = max(this.#maxRingSleepUs, sleepUs);
    if (sleepUs > 0) this.#noteFirst();
  }

  #noteFirst(): void {
    if (this.#firstUs !== null) return;
    this.#firstUs = this.#clock.nowUs;
    this.#firstSync = this.#period.syncCount;
  }
}
