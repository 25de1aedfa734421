/** How what tracking knows comes into the log: from KVM's bitmap, or from rings whose vCPUs are kicked and then reaped. */
import type { Guest } from '../../guest/guest.js';
import type { GuestMemory } from '../../guest/memory/memory.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Clock } from './clock.js';
import type { Counters } from './counters.js';
import type { Parts } from './parts.js';
import type { MigrationSetup } from '../setup.js';
import type { MigrationState } from './state.js';

const GIB_PAGES = 2 ** 30 / PAGE_BYTES;
/** The ring reaper thread (accel/kvm/kvm-all.c:kvm_dirty_ring_reaper_thread) sleeps this long between rounds, ms. */
const REAPER_PERIOD_MS = 1000;

/** How much longer a misaligned part took page by page than as a range: 61 ms became about 1 ms. */
const BY_PAGE_TO_BY_RANGE = 60;

/** Nothing is left to be waited for: earlier than any instant of a sync. */
export const PULLED = -1;

export class DirtyLog {
  readonly #setup: MigrationSetup;
  readonly #clock: Clock;
  readonly #memory: GuestMemory;
  readonly #guest: Guest;
  readonly #state: Readonly<MigrationState>;
  readonly #counters: Counters;
  readonly #kickWakes: boolean;
  /** What every sync takes, µs. */
  readonly #fixedUs: number;
  /** Of a ring sync under way. */
  #stepsAfterKicks = 0;

  constructor({ setup, version, clock, memory, guest, state, counters }: Parts) {
    this.#setup = setup;
    this.#clock = clock;
    this.#memory = memory;
    this.#guest = guest;
    this.#state = state;
    this.#counters = counters;
    this.#kickWakes = version.ringSleepInterruptible;
    const { syncFixedUs, misalignedSyncUs } = setup.host;
    this.#fixedUs =
      syncFixedUs +
      (version.syncsMisalignedByPage ? misalignedSyncUs : misalignedSyncUs / BY_PAGE_TO_BY_RANGE);
  }

  /** The fluid memory's rings are reaped by the memory itself. */
  startReaper(): void {
    if (this.#setup.guest.dirtyRingSize === 0 || this.#memory.kind !== 'page') return;
    this.#clock.every(REAPER_PERIOD_MS, () => {
      if (!this.#guest.limited) this.#reapAll();
    });
  }

  /**
   * For a bitmap sync, step by step: a ring sync kicks every vCPU in turn and then reaps all rings. Returns when the step is
   * over, µs, at which the next one is to be taken; `PULLED` when that was the last.
   */
  pullStep(step: number): number {
    const { host, guest } = this.#setup;
    const clock = this.#clock;
    if (guest.dirtyRingSize === 0) {
      if (step === 0) return clock.nowUs + this.#beginBitmapSync();
      this.#guest.advance(clock.nowUs);
      return PULLED;
    }
    if (step === 0) this.#stepsAfterKicks = 0;
    if (this.#stepsAfterKicks === 0 && step < this.#guest.vcpus.length && this.#state.stopUs === null) {
      this.#kick(step);
      return this.#guest.answersAtUs(step, clock.nowUs) + host.kickUs;
    }
    this.#stepsAfterKicks += 1;
    if (this.#stepsAfterKicks === 1) return clock.nowUs + this.#fixedUs;
    return this.#stepsAfterKicks === 2 ? clock.nowUs + this.#reapForSync() : PULLED;
  }

  /** The same in another thread, while the migration thread goes on; `done` is called when it is over. */
  pullAside(done: () => void): void {
    const { events } = this.#clock;
    if (this.#setup.guest.dirtyRingSize > 0) {
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
    const syncUs =
      this.#fixedUs + this.#setup.host.bitmapSyncUsPerGiB * (this.#memory.totalPages / GIB_PAGES);
    this.#counters.syncCpuUs += syncUs;
    return syncUs;
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
    const { kickUs } = this.#setup.host;
    let vcpu = 0;
    const step = (): void => {
      let atUs = this.#clock.nowUs;
      while (vcpu < this.#guest.vcpus.length && this.#state.stopUs === null) {
        this.#kick(vcpu);
        const answersUs = this.#guest.answersAtUs(vcpu, atUs);
        if (answersUs > this.#clock.nowUs + kickUs * (vcpu + 1)) {
          this.#clock.events.at(answersUs, step);
          return;
        }
        atUs = answersUs + kickUs;
        vcpu += 1;
      }
      this.#clock.events.at(atUs, done);
    };
    step();
  }

  /** A vCPU is asked to leave for user space: where it stands now decides when it does. */
  #kick(vcpu: number): void {
    this.#counters.syncCpuUs += this.#setup.host.kickUs;
    const { nowUs } = this.#clock;
    if (this.#kickWakes) {
      this.#guest.advance(nowUs);
      this.#guest.interruptRingSleeps(nowUs);
    } else this.#guest.advanceOne(vcpu, nowUs);
  }

  /** What the fixed part of a sync and the entries of all rings take; the time of the latter, µs, is returned. */
  #reapForSync(): number {
    const reapUs = (this.#reapAll() * this.#setup.host.ringEntryNs) / 1000;
    this.#counters.syncCpuUs += this.#fixedUs + reapUs;
    return reapUs;
  }

  /** Returns the entries. */
  #reapAll(): number {
    this.#guest.advance(this.#clock.nowUs);
    return this.#guest.reapAll();
  }
}
