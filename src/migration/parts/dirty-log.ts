/** How what tracking knows comes into the log: from KVM's bitmap, or from rings whose vCPUs are kicked and then reaped. */
import type { Guest } from '../../guest/guest.js';
import type { GuestMemory } from '../../guest/memory/memory.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Clock } from './clock.js';
import type { Counters } from './counters.js';
import type { Parts } from './parts.js';
import type { MigrationState } from './state.js';

const GIB_PAGES = 2 ** 30 / PAGE_BYTES;
/** The ring reaper thread (accel/kvm/kvm-all.c:kvm_dirty_ring_reaper_thread) sleeps this long between rounds, ms. */
const REAPER_PERIOD_MS = 1000;

/** How much longer a misaligned part took page by page than as a range: 61 ms became about 1 ms. */
const BY_PAGE_TO_BY_RANGE = 60;

/** Nothing is left to be waited for: earlier than any instant of a sync. */
export const PULLED = -1;

/** vCPUs that are kicked in turn: the next one, and what is done when all have answered. */
interface Kicks {
  vcpu: number;
  readonly done: () => void;
}

export class DirtyLog {
  /** Dirty pages are logged in rings, not in KVM's bitmap. */
  readonly isRing: boolean;
  readonly #clock: Clock;
  readonly #memory: GuestMemory;
  readonly #guest: Guest;
  readonly #state: Readonly<MigrationState>;
  readonly #counters: Counters;
  readonly #kickWakes: boolean;
  // The host's figures: setups of several shapes come here, and what a sync reads often should have one.
  readonly #kickUs: number;
  readonly #entryNs: number;
  /** What every sync takes, and of a bitmap the whole sync, µs. */
  readonly #fixedUs: number;
  readonly #bitmapSyncUs: number;
  /** Of a ring sync under way. */
  #stepsAfterKicks = 0;

  constructor({ setup, version, clock, memory, guest, state, counters }: Parts) {
    this.isRing = setup.guest.dirtyRingSize > 0;
    this.#clock = clock;
    this.#memory = memory;
    this.#guest = guest;
    this.#state = state;
    this.#counters = counters;
    this.#kickWakes = version.ringSleepInterruptible;
    const { kickUs, ringEntryNs, syncFixedUs, misalignedSyncUs, bitmapSyncUsPerGiB } = setup.host;
    this.#kickUs = kickUs;
    this.#entryNs = ringEntryNs;
    this.#fixedUs =
      syncFixedUs +
      (version.syncsMisalignedByPage ? misalignedSyncUs : misalignedSyncUs / BY_PAGE_TO_BY_RANGE);
    this.#bitmapSyncUs = this.#fixedUs + bitmapSyncUsPerGiB * (memory.totalPages / GIB_PAGES);
  }

  /** The fluid memory's rings are reaped by the memory itself. */
  startReaper(): void {
    if (!this.isRing || this.#memory.kind !== 'page') return;
    this.#clock.every(REAPER_PERIOD_MS, () => {
      if (!this.#guest.limited) this.#reapAll();
    });
  }

  /**
   * For a bitmap sync, step by step: a ring sync kicks every vCPU in turn and then reaps all rings. Returns when the step is
   * over, µs, at which the next one is to be taken; `PULLED` when that was the last.
   */
  pullStep(step: number): number {
    const clock = this.#clock;
    if (!this.isRing) {
      if (step === 0) return clock.nowUs + this.#beginBitmapSync();
      this.#guest.advance(clock.nowUs);
      return PULLED;
    }
    if (step === 0) this.#stepsAfterKicks = 0;
    if (this.#stepsAfterKicks === 0 && step < this.#guest.vcpus.length && this.#state.stopUs === null) {
      this.#kick(step);
      return this.#guest.answersAtUs(step, clock.nowUs) + this.#kickUs;
    }
    this.#stepsAfterKicks += 1;
    if (this.#stepsAfterKicks === 1) return clock.nowUs + this.#fixedUs;
    return this.#stepsAfterKicks === 2 ? clock.nowUs + this.#reapForSync() : PULLED;
  }

  /** The same in another thread, while the migration thread goes on; `done` is called when it is over. */
  pullAside(done: () => void): void {
    const { events } = this.#clock;
    if (this.isRing) {
      this.#kickInTurn(() => {
        events.at(this.#clock.nowUs + this.#fixedUs, () => {
          const reapUs = this.#reapForSync();
          events.at(this.#clock.nowUs + reapUs, done);
        });
      });
      return;
    }
    events.at(this.#clock.nowUs + this.#beginBitmapSync(), () => {
      this.#guest.advance(this.#clock.nowUs);
      done();
    });
  }

  /** Returns how long KVM takes to hand its bitmap over, µs. */
  #beginBitmapSync(): number {
    this.#counters.syncCpuUs += this.#bitmapSyncUs;
    return this.#bitmapSyncUs;
  }

  /** dirtyrate.c:vcpu_dirty_stat_collect's global sync, in its own thread: kick in turn, then reap. */
  flushRings(done: () => void): void {
    this.#kickInTurn(() => {
      this.#reapAll();
      done();
    });
  }

  /** kvm-all.c:kvm_dirty_ring_flush: kick every vCPU and wait until it answers, one after the other. */
  #kickInTurn(done: () => void): void {
    this.#kickOn({ vcpu: 0, done });
  }

  #kickOn(kicks: Kicks): void {
    const { events, nowUs } = this.#clock;
    let atUs = nowUs;
    while (kicks.vcpu < this.#guest.vcpus.length && this.#state.stopUs === null) {
      this.#kick(kicks.vcpu);
      const answersUs = this.#guest.answersAtUs(kicks.vcpu, atUs);
      if (answersUs > nowUs + this.#kickUs * (kicks.vcpu + 1)) {
        events.at(answersUs, () => this.#kickOn(kicks));
        return;
      }
      atUs = answersUs + this.#kickUs;
      kicks.vcpu += 1;
    }
    events.at(atUs, kicks.done);
  }

  /** A vCPU is asked to leave for user space: where it stands now decides when it does. */
  #kick(vcpu: number): void {
    this.#counters.syncCpuUs += this.#kickUs;
    const { nowUs } = this.#clock;
    if (this.#kickWakes) {
      this.#guest.advance(nowUs);
      this.#guest.interruptRingSleeps(nowUs);
    } else this.#guest.advanceOne(vcpu, nowUs);
  }

  /** What the fixed part of a sync and the entries of all rings take; the time of the latter, µs, is returned. */
  #reapForSync(): number {
    const reapUs = (this.#reapAll() * this.#entryNs) / 1000;
    this.#counters.syncCpuUs += this.#fixedUs + reapUs;
    return reapUs;
  }

  /** Returns the entries. */
  #reapAll(): number {
    this.#guest.advance(this.#clock.nowUs);
    return this.#guest.reapAll();
  }
}
