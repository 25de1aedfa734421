/**
 * KubeVirt's migration monitor around its stall detector. Source: kubevirt pkg/virt-launcher/virtwrap/live-migration-source.go
 * (handleStallDetection, processCompletionTimeouts).
 */
import type { Controls, Timer } from '../../migration/controls.js';
import { act, isCopying, isUnderway, MAX_DOWNTIME_MS, onPass } from './actions.js';
import { elapsedS, MONITOR_PERIOD_MS, QEMU_DEFAULT_DOWNTIME_MS } from './kubevirt-monitor.js';
import { StallDetector, type StallDecision, type StallOptions } from './stall-detector.js';

const { floor, min } = Math;

export interface MonitorOptions extends StallOptions {
  /** From a raised downtime-limit to the end of the migration. */
  readonly switchoverTimeoutS: number;
  /** The completion timeout; 0: none. */
  readonly acceptableS: number;
}

export class StallMonitor {
  readonly #migration: Controls;
  readonly #options: MonitorOptions;
  readonly #detector: StallDetector;
  #acceptableS: number;
  /** Seconds by which the switchover must have begun. */
  #switchOverBy: number;
  #switchoverInitiated = false;
  #remainingAtPassEnd = 0;
  #aborted = false;
  #sleep: Timer | undefined;

  constructor(migration: Controls, options: MonitorOptions) {
    this.#migration = migration;
    this.#options = options;
    this.#detector = new StallDetector(options);
    this.#acceptableS = options.acceptableS;
    this.#switchOverBy = options.acceptableS;
  }

  begin(): void {
    this.#migration.set({ downtimeLimitMs: min(this.#options.maxDowntimeMs, QEMU_DEFAULT_DOWNTIME_MS) });
    this.#rest();
    onPass(this.#migration, () => this.#wake(true));
  }

  /** The monitor sleeps again after each event that woke it. */
  #wake(passEnded: boolean): void {
    this.#sleep?.cancel();
    this.#look(passEnded);
    this.#rest();
  }

  #rest(): void {
    this.#sleep = this.#migration.after(MONITOR_PERIOD_MS, () => this.#wake(false));
  }

  #look(passEnded: boolean): void {
    const migration = this.#migration;
    if (this.#aborted || !isUnderway(migration)) return;
    const { totalTimeMs, remainingBytes, mbps } = migration.stats();
    if (passEnded && isCopying(migration)) {
      this.#remainingAtPassEnd = remainingBytes;
      this.#judge(totalTimeMs, remainingBytes);
    } else if (!isCopying(migration)) {
      this.#remainingAtPassEnd = remainingBytes;
    } else if (mbps > 0) {
      this.#detector.sampleBandwidth((mbps * 1e6) / 8);
    }
    if (!this.#aborted) this.#checkTimeouts();
  }

  #judge(elapsedMs: number, remainingBytes: number): void {
    if (this.#switchoverInitiated || !this.#detector.passEnded({ elapsedMs, remainingBytes })) return;
    this.#trigger(this.#detector.decide(remainingBytes, elapsedS(this.#migration), this.#acceptableS));
  }

  #trigger({ action, why }: StallDecision): void {
    if (action === 'nothing') return;
    this.#switchoverInitiated = true;
    const rule = 'decideAction';
    if (action === 'abort') this.#abort(rule, why);
    else if (action === 'postcopy') act(this.#migration, action, rule, why);
    else this.#setLimit(action === 'pause' ? MAX_DOWNTIME_MS : this.#options.maxDowntimeMs, rule, why);
  }

  /** processCompletionTimeouts. */
  #checkTimeouts(): void {
    const now = elapsedS(this.#migration);
    const deadline = isCopying(this.#migration) ? this.#switchOverBy : this.#acceptableS;
    if (this.#acceptableS === 0 || now <= deadline) return;
    const rule = 'processCompletionTimeouts';
    const { allowPostCopy, allowWorkloadDisruption, completionTimeoutFactor } = this.#options;
    const pauseMs = this.#detector.impliedPauseMs(this.#remainingAtPassEnd);
    const inTime = !this.#switchoverInitiated && this.#detector.canFinish(pauseMs, now, this.#acceptableS);
    const why = `not completed after ${this.#acceptableS} seconds`;
    if (inTime && allowPostCopy) {
      this.#switchoverInitiated = true;
      act(this.#migration, 'postcopy', rule, why);
    } else if (inTime && allowWorkloadDisruption) {
      this.#switchoverInitiated = true;
      this.#setLimit(MAX_DOWNTIME_MS, rule, why);
      this.#acceptableS = floor(this.#acceptableS * completionTimeoutFactor);
    } else this.#abort(rule, `not completed after ${now} seconds`);
  }

  #setLimit(downtimeLimitMs: number, rule: string, why: string): void {
    this.#migration.explain(rule, `${why}: max downtime set to ${downtimeLimitMs} ms`);
    this.#migration.set({ downtimeLimitMs });
    this.#switchOverBy = elapsedS(this.#migration) + this.#options.switchoverTimeoutS;
  }

  #abort(rule: string, why: string): void {
    this.#aborted = true;
    act(this.#migration, 'abort', rule, why);
  }
}
