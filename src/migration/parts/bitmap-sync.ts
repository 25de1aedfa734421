/** ram.c:migration_bitmap_sync: the log comes into the migration bitmap, rates are reported, and the throttle detector judges. */
import type { SyncCause, SyncEvent } from '../controls.js';
import { type DirtyLog, PULLED } from './dirty-log.js';
import type { Orders } from './orders.js';
import type { Writings } from '../observe/outcome.js';
import type { Parts } from './parts.js';
import { type Run, waits } from './pauses.js';
import type { SyncRecord } from '../result.js';
import { pendingEstimate } from '../rules/rules.js';

export class BitmapSync {
  readonly #parts: Parts;
  readonly #log: DirtyLog;
  readonly #orders: Readonly<Orders>;
  readonly #writings: Writings;
  #isRunning = false;
  /** Of the sync under way. */
  #cause: SyncCause = 'setup';
  #startUs = 0;
  #step = 0;
  /** A sync aside waits for the bitmap mutex. */
  #isPulled = false;
  #isJudging = false;

  constructor(parts: Parts, log: DirtyLog, orders: Readonly<Orders>, writings: Writings) {
    this.#parts = parts;
    this.#log = log;
    this.#orders = orders;
    this.#writings = writings;
  }

  /** A sync is under way. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The detector's listeners are being called: what they decide follows from its judgement. */
  get isJudging(): boolean {
    return this.#isJudging;
  }

  /** A sync in the migration thread, which sends nothing meanwhile. */
  *run(cause: SyncCause): Run<void> {
    const { clock } = this.#parts;
    for (let untilUs = this.begin(cause); untilUs !== PULLED; untilUs = this.next()) {
      if (clock.pausesBefore(untilUs)) yield* waits(clock, untilUs);
      clock.advance(untilUs);
    }
  }

  /** The same step by step. Returns until when the first takes, µs. */
  begin(cause: SyncCause): number {
    this.#begin(cause);
    this.#step = 0;
    return this.#log.pullStep(0);
  }

  /** The next step; the sync is over when it returns `PULLED`. */
  next(): number {
    this.#step += 1;
    const untilUs = this.#log.pullStep(this.#step);
    if (untilUs === PULLED) this.#finish();
    return untilUs;
  }

  /**
   * A sync that auto-converge's timer makes in the main loop, while the migration thread goes on sending: only to move what
   * was found into the migration bitmap it needs the bitmap mutex, and so waits for the end of an iteration
   * (cpu-throttle.c:cpu_throttle_dirty_sync_timer_tick, ram.c:migration_bitmap_sync).
   */
  runAside(): void {
    this.#begin('timer');
    this.#log.pullAside(() => {
      this.#isPulled = true;
      if (!this.#parts.state.holdsBitmap) this.finishAside();
    });
  }

  /** No iteration holds the bitmap mutex any more. */
  finishAside(): void {
    if (!this.#isPulled) return;
    this.#isPulled = false;
    this.#finish();
  }

  #begin(cause: SyncCause): void {
    const { clock, guest, stream, counters, queue, run, period } = this.#parts;
    this.#isRunning = true;
    this.#cause = cause;
    this.#startUs = clock.nowUs;
    run.handOver();
    run.drained();
    period.beginSync(clock.ms());
    const n = period.syncCount;
    if (n > 1) {
      // A pass wraps about once: the per-round multifd synchronisation is reckoned with the sync that ends it.
      if (!stream.syncsEveryIteration) {
        counters.syncChannels(stream);
        queue.synchronise();
        run.synchronise(stream.syncPacketBytes);
      }
      guest.advance(clock.nowUs);
      guest.speed = 1;
    }
    this.#writings.trace.sync(n, cause, run.dirtyPages);
  }

  #finish(): void {
    const { version, clock, memory, window, run, period, devices } = this.#parts;
    const { timeline, syncs } = this.#writings;
    const cause = this.#cause;
    run.handOver();
    const before = run.dirtyPages;
    const fresh = memory.harvest();
    run.dirtyPages = memory.dirtyPages();
    timeline.look();
    period.endSync(fresh, pendingEstimate(run.dirtyPages));
    const remainingBytes = pendingEstimate(run.dirtyPages);
    // savevm.c: the exact query of all devices, which this sync is a part of.
    if (cause === 'natural' && version.expectedDowntimeOnDemand)
      window.pendingBytes = remainingBytes + devices.exact(clock.nowUs);
    const detector = this.#endPeriod();
    this.#isRunning = false;
    syncs.add(cause, this.#startUs, before, fresh, detector);
    const event: SyncEvent = { n: period.syncCount, cause, newDirtyPages: fresh, remainingBytes };
    for (const listener of this.#orders.syncListeners) listener(event);
  }

  /** More than a second after the last eligible sync: the throttle trigger, and then the rates. */
  #endPeriod(): SyncRecord['detector'] {
    const { clock, counters, period } = this.#parts;
    const nowMs = clock.ms();
    if (!period.isEligible(nowMs)) {
      this.#writings.trace.notJudged(period.lastedMs(nowMs), false);
      period.goOn();
      return 'not-eligible';
    }
    const verdict = this.#triggerThrottle(period.lastedMs(nowMs));
    period.close(nowMs, counters.shown);
    return verdict;
  }

  /** ram.c:migration_trigger_throttle. A listener of the detector is what a capability is to QEMU. */
  #triggerThrottle(periodMs: number): SyncRecord['detector'] {
    const { version, counters, period } = this.#parts;
    const { eligibleListeners, detectorListeners } = this.#orders;
    const heeded = detectorListeners.length > 0 || eligibleListeners.length > 0;
    if (version.detectorNeedsAutoConverge && !heeded) {
      this.#writings.trace.notJudged(periodMs, true);
      return 'not-eligible';
    }
    const event = period.event(counters.shown);
    const verdict = period.judge(event);
    this.#writings.trace.judged(event, verdict, heeded);
    this.#isJudging = true;
    for (const listener of eligibleListeners) listener(event);
    if (verdict === 'act') for (const listener of detectorListeners) listener(event);
    this.#isJudging = false;
    return verdict;
  }
}
