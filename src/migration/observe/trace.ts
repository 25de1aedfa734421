/** What is written down of decisions: the reasons of strategies and policies, and for `--verbose` what QEMU's rules decided. */
import type { DetectorEvent, SyncCause } from '../controls.js';
import {
  type DecisionFacts,
  type DowntimePart,
  type ParameterSet,
  type Threshold,
  type Turn,
  inWords,
  isAbout,
} from './decisions.js';
import type { Seen } from '../parts/parts.js';
import type { Decision } from '../result.js';
import { pendingEstimate } from '../rules/rules.js';

const { ceil, round } = Math;

export class Trace {
  readonly decisions: Decision[] = [];
  /** A sleep at a full ring that the guest had to end before it stood still, µs. */
  ringSleepUs = 0;
  readonly #seen: Seen;
  /** Whether the run records what QEMU's rules decide. */
  readonly #isOn: boolean;
  /** The sync after which the last decision to iterate was written down, and the threshold last written. */
  #decidedSync = 0;
  #thresholdTold: Threshold | null = null;
  readonly #downtimeParts: DowntimePart[] = [];

  constructor(seen: Seen) {
    this.#seen = seen;
    this.#isOn = seen.setup.trace ?? false;
  }

  /** A reason in words, from outside; one that is a function is asked for only where QEMU's rules are traced. */
  explain(rule: string, text: string | (() => string), sync: number | null): void {
    if (typeof text !== 'string' && !this.#isOn) return;
    const said = typeof text === 'string' ? text : text();
    this.#seen.effort.record(0);
    this.decisions.push({ timeMs: this.#nowMs(), rule, text: said, ...(sync === null ? {} : { sync }) });
  }

  sync(sync: number, cause: SyncCause, pendingPages: number): void {
    if (!this.#isOn) return;
    if (cause === 'natural') this.#threshold();
    const pendingBytes = pendingEstimate(pendingPages);
    this.#note({ kind: 'sync', sync, cause, pendingBytes, thresholdBytes: this.#seen.window.threshold });
  }

  notJudged(sinceMs: number, detectorOff: boolean): void {
    if (!this.#isOn) return;
    const { syncCount, startSync } = this.#seen.period;
    this.#note({ kind: 'not-judged', sync: syncCount, sinceMs, sinceSync: startSync, detectorOff });
  }

  judged(event: DetectorEvent, verdict: 'good' | 'bad' | 'act', heeded: boolean): void {
    if (!this.#isOn) return;
    const { sync, dirtyBytes, limitBytes, transferredBytes: sentBytes } = event;
    const { strikes, thresholdPercent } = this.#seen.period;
    const figures = { dirtyBytes, sentBytes, thresholdPercent, limitBytes };
    this.#note({ kind: 'judged', sync, verdict, ...figures, strikes, heeded });
  }

  /** To iterate is a decision after a sync only: in between the answer is the same thousands of times. */
  turn(verdict: Turn['verdict'], pendingBytes: number): void {
    if (!this.#isOn) return;
    const { period, window, version } = this.#seen;
    if (verdict === 'iterate' && this.#decidedSync === period.syncCount) return;
    this.#decidedSync = period.syncCount;
    this.#threshold();
    const { completesAtThreshold } = version;
    this.#note({
      kind: 'turn',
      verdict,
      pendingBytes,
      thresholdBytes: window.threshold,
      completesAtThreshold,
    });
  }

  /** A change that has just been explained is not reported again. */
  parameter(name: ParameterSet['name'], from: number, to: number): void {
    const last = this.decisions.at(-1);
    const isExplained = last !== undefined && last.facts === undefined && last.timeMs === this.#nowMs();
    if (from !== to && !isExplained) this.#note({ kind: 'parameter', name, from, to });
  }

  /** The guest stands still ahead of the switchover: its last sleep was waited for here, and is no part of the downtime. */
  paused(sinceUs: number): void {
    const durationMs = (this.#seen.clock.nowUs - sinceUs) / 1000;
    this.#note({ kind: 'stopped', durationMs, ringSleepMs: this.ringSleepUs / 1000 });
    this.ringSleepUs = 0;
  }

  /** A part of the downtime is over, which began where the last one ended. Returns where the next one begins. */
  endPart(part: DowntimePart['part'], sinceUs: number): number {
    const { nowUs } = this.#seen.clock;
    if (this.#isOn) this.#downtimeParts.push({ part, durationMs: (nowUs - sinceUs) / 1000 });
    return nowUs;
  }

  downtime(postcopy: boolean, ramBytes: number): void {
    const { downtimeUs, blackoutUs } = this.#seen.state;
    this.#note({
      kind: 'downtime',
      postcopy,
      downtimeMs: (downtimeUs ?? 0) / 1000,
      blackoutMs: (blackoutUs ?? 0) / 1000,
      parts: this.#downtimeParts,
      ringSleepMs: this.ringSleepUs / 1000,
      ramBytes,
    });
  }

  postcopyOver(durationUs: number): void {
    const requests = round(this.#seen.guest.requests);
    this.#note({ kind: 'postcopy-over', durationMs: durationUs / 1000, requests });
  }

  ended(kind: 'gave-up' | 'cancelled' | 'failed', reason: string): void {
    this.#note({ kind, afterMs: this.#nowMs(), reason });
  }

  /** Written before a decision that it counts for, where it differs from the one last written. */
  #threshold(): void {
    const { window } = this.#seen;
    const given = window.givenBandwidth;
    const bytesPerMs = given ?? window.bandwidthPerMs;
    const facts: Threshold = {
      kind: 'threshold',
      thresholdBytes: window.threshold,
      bandwidthBytesPerSecond: bytesPerMs * 1000,
      // The limit that it was computed with: a new one counts from the next window on.
      downtimeLimitMs: bytesPerMs > 0 ? ceil(window.threshold / bytesPerMs - 1e-9) : window.downtimeLimitMs,
      bandwidthIsGiven: given !== null,
      windowClosed: window.bandwidthPerMs > 0,
    };
    if (this.#thresholdTold !== null && isAbout(facts, this.#thresholdTold)) return;
    this.#thresholdTold = facts;
    this.#note(facts);
  }

  #note(facts: DecisionFacts): void {
    if (!this.#isOn) return;
    const sync = 'sync' in facts ? { sync: facts.sync } : {};
    this.#seen.effort.record(0);
    this.decisions.push({ timeMs: this.#nowMs(), ...inWords(facts), ...sync, facts });
  }

  #nowMs(): number {
    return this.#seen.clock.nowUs / 1000;
  }
}
