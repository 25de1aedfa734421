/** ram.c:migration_bitmap_sync: the log comes into the migration bitmap, rates are told, and the throttle detector judges. */
import type { SyncEvent } from '../controls.js';
import type { DirtyLog } from './dirty-log.js';
import type { Orders } from './orders.js';
import type { Writings } from '../observe/outcome.js';
import type { Parts } from './parts.js';
import type { SyncCause, SyncRecord } from '../result.js';
import { pendingEstimate } from '../rules/rules.js';

export class BitmapSync {
  readonly #parts: Parts;
  readonly #log: DirtyLog;
  readonly #orders: Readonly<Orders>;
  readonly #writings: Writings;
  #isRunning = false;
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

  /** The detector's listeners are being told: what they decide follows from its judgement. */
  get isJudging(): boolean {
    return this.#isJudging;
  }

  run(cause: SyncCause): void {
    const { clock, memory, guest, stream, counters, run, period } = this.#parts;
    const { trace, timeline, syncs } = this.#writings;
    this.#isRunning = true;
    const startUs = clock.nowUs;
    run.handOver();
    period.beginSync(clock.ms());
    const n = period.syncCount;
    if (n > 1) {
      // A pass wraps about once: the per-round multifd synchronisation is reckoned with the sync that ends it.
      if (!stream.syncsEveryIteration) counters.transferred += stream.syncBytes;
      guest.advance(clock.nowUs);
      guest.speed = 1;
    }
    const before = run.dirtyPages;
    trace.sync(n, cause, before);
    this.#log.pull();
    const fresh = memory.harvest();
    run.dirtyPages = memory.dirtyPages();
    timeline.look();
    period.endSync(fresh, pendingEstimate(run.dirtyPages));
    const detector = this.#endPeriod();
    this.#isRunning = false;
    syncs.add(cause, startUs, before, fresh, detector);
    const remainingBytes = pendingEstimate(run.dirtyPages);
    const event: SyncEvent = { n, cause, newDirtyPages: fresh, remainingBytes };
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
    period.close(nowMs, counters.transferred);
    return verdict;
  }

  /** ram.c:migration_trigger_throttle. Somebody who listens to the detector is what a capability is to QEMU. */
  #triggerThrottle(periodMs: number): SyncRecord['detector'] {
    const { setup, version, counters, period } = this.#parts;
    const { eligibleListeners, detectorListeners } = this.#orders;
    const heeded = detectorListeners.length > 0 || eligibleListeners.length > 0;
    if (version.detectorNeedsAutoConverge && !heeded) {
      this.#writings.trace.notJudged(periodMs, true);
      return 'not-eligible';
    }
    const event = period.event(counters.transferred, setup.migration.throttleTriggerThreshold);
    const verdict = period.judge(event);
    this.#writings.trace.judged(event, verdict, heeded);
    this.#isJudging = true;
    for (const listener of eligibleListeners) listener(event);
    if (verdict === 'act') for (const listener of detectorListeners) listener(event);
    this.#isJudging = false;
    return verdict;
  }
}
