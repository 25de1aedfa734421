import { nth } from '../../lists.js';

/**
 * KubeVirt's stall detector, without the monitor around it. Source: kubevirt pkg/virt-launcher/virtwrap/stall-detector.go
 * (VEP 248). Times are in ms as query-migrate gives them, bytes are whole, products are cut as Go's uint64 cuts them.
 */
const { floor, min } = Math;

export interface StallOptions {
  /** Shares and factors. */
  readonly stallMargin: number;
  readonly ewmaAlpha: number;
  readonly precopyPossibleFactor: number;
  readonly patienceWindowDecayFactor: number;
  readonly completionTimeoutFactor: number;
  readonly stallProgressTimeoutMs: number;
  readonly searchLocalMinima: boolean;
  readonly maxDowntimeMs: number;
  readonly allowPostCopy: boolean;
  readonly allowWorkloadDisruption: boolean;
}

/** What was left when a pass ended. */
export interface PassEnd {
  readonly elapsedMs: number;
  readonly remainingBytes: number;
}

/** pause: the largest downtime-limit; limit: maxDowntime, with a deadline. */
export type StallAction = 'nothing' | 'abort' | 'postcopy' | 'pause' | 'limit';

export interface StallDecision {
  readonly action: StallAction;
  readonly why: string;
}

const nothing = (why: string): StallDecision => ({ action: 'nothing', why });

export class StallDetector {
  readonly #options: StallOptions;
  /** Smoothed bandwidth, bytes/s; 0 before the first sample. */
  bandwidth = 0;
  /** Least left at the end of passes that lie more than the window back; null before any does. */
  #oldMin: number | null = null;
  /** Passes inside the window that may become that minimum: each leaves less than the one before. */
  #candidates: PassEnd[] = [];
  #stalled = false;
  /** What to wait for. */
  #best = 0;
  /** What was left at the ends of passes since the stall. */
  #history: number[] = [];
  #patienceMs = 0;
  #relaxAtMs = 0;

  constructor(options: StallOptions) {
    this.#options = options;
  }

  /** updateBandwidthEstimate, at every poll that reports a bandwidth. */
  sampleBandwidth(bytesPerSecond: number): void {
    const { ewmaAlpha } = this.#options;
    this.bandwidth =
      this.bandwidth === 0 ? bytesPerSecond : ewmaAlpha * bytesPerSecond + (1 - ewmaAlpha) * this.bandwidth;
  }

  /** estimateDowntimeMs: the pause that sending the rest would take, whole ms. */
  impliedPauseMs(remainingBytes: number): number {
    return this.bandwidth === 0 ? 0 : floor(remainingBytes / (this.bandwidth / 1000));
  }

  /** processStallDetectionIteration: a pass has ended; true when the migration is stalled, for good. */
  passEnded(pass: PassEnd): boolean {
    if (this.bandwidth === 0) return false;
    this.#age(pass);
    if (this.#stalled) {
      this.#relax(pass);
      return true;
    }
    if (
      this.#oldMin === null ||
      pass.remainingBytes < floor(this.#oldMin * (1 - this.#options.stallMargin))
    ) {
      return false;
    }
    this.#stalled = true;
    this.#best = this.#candidates.reduce(
      (best, { remainingBytes }) => min(best, remainingBytes),
      this.#oldMin,
    );
    this.#patienceMs = this.#options.stallProgressTimeoutMs;
    this.#relaxAtMs = pass.elapsedMs + this.#patienceMs;
    return true;
  }

  /** updateCandidates. */
  #age(pass: PassEnd): void {
    const { stallProgressTimeoutMs } = this.#options;
    for (const oldest of [...this.#candidates]) {
      if (pass.elapsedMs - oldest.elapsedMs < stallProgressTimeoutMs) break;
      this.#candidates.shift();
      // Candidates fall from one to the next, so the last to leave is the least.
      this.#oldMin = oldest.remainingBytes;
    }
    if (this.#oldMin !== null && pass.remainingBytes > this.#oldMin) return;
    const last = this.#candidates.at(-1);
    if (last === undefined || pass.remainingBytes < last.remainingBytes) this.#candidates.push(pass);
  }

  /** relaxBestRemainingBytes: when patience is over wait for the next smallest of what was seen since the stall. */
  #relax({ elapsedMs, remainingBytes }: PassEnd): void {
    const place = this.#history.findIndex((seen) => seen > remainingBytes);
    this.#history.splice(place === -1 ? this.#history.length : place, 0, remainingBytes);
    if (elapsedMs < this.#relaxAtMs) return;
    this.#best = nth(this.#history.splice(0, 1), 0);
    this.#patienceMs = floor(this.#patienceMs * this.#options.patienceWindowDecayFactor);
    this.#relaxAtMs = elapsedMs + this.#patienceMs;
  }

  /** canFinishByDeadline: with an unknown bandwidth nothing can. */
  canFinish(pauseMs: number, elapsedS: number, acceptableS: number): boolean {
    const deadlineS = floor(acceptableS * this.#options.completionTimeoutFactor);
    return this.bandwidth !== 0 && pauseMs <= (deadlineS - elapsedS) * 1000;
  }

  /** decideAction, at the end of a pass of a stalled migration. */
  decide(remainingBytes: number, elapsedS: number, acceptableS: number): StallDecision {
    const options = this.#options;
    const target = floor(this.#best * (1 + options.stallMargin));
    if (options.searchLocalMinima && remainingBytes > target) return nothing('not at a local minimum yet');
    const pauseMs = this.impliedPauseMs(remainingBytes);
    if (!this.canFinish(pauseMs, elapsedS, acceptableS)) {
      return nothing(`sending the rest would take ${pauseMs} ms, longer than the migration may take`);
    }
    if (options.allowPostCopy) {
      return { action: 'postcopy', why: `a pause of ${pauseMs} ms is a local minimum` };
    }
    if (options.allowWorkloadDisruption) {
      return { action: 'pause', why: `a pause of ${pauseMs} ms is a local minimum` };
    }
    const { maxDowntimeMs, precopyPossibleFactor } = options;
    if (pauseMs <= maxDowntimeMs * precopyPossibleFactor) {
      const why = `a pause of ${pauseMs} ms is within ${precopyPossibleFactor} x ${maxDowntimeMs} ms`;
      return { action: 'limit', why };
    }
    const why = `a pause of ${pauseMs} ms is more than ${precopyPossibleFactor} x ${maxDowntimeMs} ms`;
    return { action: 'abort', why };
  }
}
