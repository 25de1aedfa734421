/** What is known from bitmap syncs, and the period from one eligible sync to the next, which the detector judges: ram.c's RAMState. */
import { PAGE_BYTES } from '../../guest/spec.js';
import type { DetectorEvent } from '../controls.js';
import { ThrottleDetector, dirtyPagesRate, syncIsEligible, triggerLimit } from '../rules/rules.js';

export class SyncPeriod {
  /** throttle-trigger-threshold, percent. */
  thresholdPercent = 0;
  readonly #detector = new ThrottleDetector();
  #syncCount = 0;
  #dirtyPagesRate = 0;
  #dirtyBytesLastSync = 0;
  #startMs: number | null = null;
  #startSync: number | null = null;
  #startBytes = 0;
  #pages = 0;

  constructor(thresholdPercent: number) {
    this.thresholdPercent = thresholdPercent;
  }

  /** `dirty-sync-count`. */
  get syncCount(): number {
    return this.#syncCount;
  }

  /** `ram.dirty-pages-rate` of the last period, pages/s. */
  get dirtyPagesRate(): number {
    return this.#dirtyPagesRate;
  }

  get dirtyBytesLastSync(): number {
    return this.#dirtyBytesLastSync;
  }

  /** The sync that the period began with; null: none yet. */
  get startSync(): number | null {
    return this.#startSync;
  }

  /** Bad periods that the detector counts towards its next act. */
  get strikes(): number {
    return this.#detector.strikes;
  }

  beginSync(nowMs: number): void {
    this.#syncCount += 1;
    this.#startMs ??= nowMs;
  }

  endSync(newDirtyPages: number, pendingBytes: number): void {
    this.#pages += newDirtyPages;
    this.#dirtyBytesLastSync = pendingBytes;
  }

  lastedMs(nowMs: number): number {
    return nowMs - (this.#startMs ?? nowMs);
  }

  /** The sync that has just ended may end the period. */
  isEligible(nowMs: number): boolean {
    return syncIsEligible(nowMs, this.#startMs ?? nowMs);
  }

  /** What the detector compares. */
  event(transferred: number): DetectorEvent {
    const transferredBytes = transferred - this.#startBytes;
    return {
      sync: this.#syncCount,
      dirtyBytes: this.#pages * PAGE_BYTES,
      transferredBytes,
      limitBytes: triggerLimit(transferredBytes, this.thresholdPercent),
    };
  }

  judge({ dirtyBytes, limitBytes }: DetectorEvent): 'good' | 'bad' | 'act' {
    return this.#detector.judge(dirtyBytes, limitBytes);
  }

  /** This sync does not end the period. */
  goOn(): void {
    this.#startSync ??= this.#syncCount;
  }

  /** ram.c:migration_update_rates, and the next period begins. */
  close(nowMs: number, transferred: number): void {
    this.#dirtyPagesRate = dirtyPagesRate(this.#pages, this.lastedMs(nowMs));
    this.#startMs = nowMs;
    this.#startSync = this.#syncCount;
    this.#startBytes = transferred;
    this.#pages = 0;
  }
}
