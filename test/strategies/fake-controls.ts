/** A migration that does nothing by itself: a test says what happens, the strategy's calls are written down. */
import type {
  Controls,
  DetectorEvent,
  MigrationStats,
  SyncCause,
  SyncEvent,
  Timer,
} from '../../src/migration/controls.js';
import type { RuntimeParameters } from '../../src/migration/runtime-parameters.js';
import type { QemuVersion } from '../../src/migration/rules/versions.js';

const MIB_PAGES = 256;

interface Alarm {
  atUs: number;
  readonly serial: number;
  /** 0: rings once. */
  readonly periodUs: number;
  readonly listener: () => void;
}

export interface FakeOptions {
  readonly qemu?: QemuVersion;
  readonly vcpuCount?: number;
  readonly dirtyRingSize?: number;
  /** How long a sync that the strategy asks for takes, and a flush of the rings, ms. */
  readonly syncMs?: number;
  readonly flushMs?: number;
}

export class FakeControls implements Controls {
  readonly qemu: QemuVersion;
  readonly vcpuCount: number;
  readonly dirtyRingSize: number;
  readonly maxBandwidth = 128 * 2 ** 20;
  readonly downtimeLimitMs = 300;
  /** One line a call of a knob: `12.5 throttle all 20`, the time in seconds first. */
  readonly calls: string[] = [];
  readonly explanations: string[] = [];
  /** What each vCPU dirties from now on, MiB/s. */
  readonly rates: number[];

  readonly #syncMs: number;
  readonly #flushMs: number;
  #nowUs = 0;
  #serial = 0;
  #alarms: Alarm[] = [];
  #syncCount = 0;
  #reaped: number[];
  #onSync: ((event: SyncEvent) => void)[] = [];
  #onDetector: ((event: DetectorEvent) => void)[] = [];
  #onEnd: (() => void)[] = [];
  readonly #onSet: ((parameters: RuntimeParameters) => void)[] = [];
  readonly #onQuery: (() => void)[] = [];

  constructor({
    qemu = '10.0',
    vcpuCount = 2,
    dirtyRingSize = 4096,
    syncMs = 0,
    flushMs = 0,
  }: FakeOptions = {}) {
    this.qemu = qemu;
    this.vcpuCount = vcpuCount;
    this.dirtyRingSize = dirtyRingSize;
    this.#syncMs = syncMs;
    this.#flushMs = flushMs;
    this.rates = Array.from({ length: vcpuCount }, () => 0);
    this.#reaped = Array.from({ length: vcpuCount }, () => 0);
  }

  // What a test makes happen.

  /** Runs all timers up to this time. */
  runUntilMs(timeMs: number): void {
    const endUs = timeMs * 1000;
    for (;;) {
      const next = this.#alarms
        .filter((alarm) => alarm.atUs <= endUs)
        .sort((a, b) => a.atUs - b.atUs || a.serial - b.serial)[0];
      if (next === undefined) break;
      this.#advanceTo(next.atUs);
      if (next.periodUs === 0) this.#alarms = this.#alarms.filter((alarm) => alarm !== next);
      else next.atUs += next.periodUs;
      next.listener();
    }
    this.#advanceTo(endUs);
  }

  /** A bitmap sync of the migration's own. */
  happenSync(cause: SyncCause = 'natural'): void {
    this.#syncCount += 1;
    const event = { n: this.#syncCount, cause, newDirtyPages: 0, remainingBytes: 0 };
    for (const listener of this.#onSync) listener(event);
  }

  /** The second of two bad syncs. */
  happenDetector(dirtyBytes = 200, limitBytes = 100): void {
    const event = { sync: this.#syncCount, dirtyBytes, transferredBytes: limitBytes * 2, limitBytes };
    for (const listener of this.#onDetector) listener(event);
  }

  happenEnd(): void {
    for (const listener of this.#onEnd) listener();
  }

  /** The calls since the last time this was asked. */
  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  // What a strategy sees.

  nowUs(): number {
    return this.#nowUs;
  }
  stats(): MigrationStats {
    for (const listener of this.#onQuery) listener();
    return {
      status: 'active',
      totalTimeMs: Math.floor(this.#nowUs / 1000),
      setupTimeMs: 0,
      expectedDowntimeMs: this.downtimeLimitMs,
      transferredBytes: 0,
      totalBytes: 2 ** 30,
      remainingBytes: 2 ** 30,
      duplicatePages: 0,
      normalPages: 0,
      dirtyPagesRate: 0,
      mbps: 0,
      pagesPerSecond: 0,
      dirtySyncCount: this.#syncCount,
      cpuThrottlePercentage: 0,
      bandwidthBytesPerSecond: 0,
      thresholdBytes: 0,
    };
  }
  reapedPages(vcpu: number): number {
    return Math.round(this.#reaped[vcpu]!);
  }
  onSync(listener: (event: SyncEvent) => void): void {
    this.#onSync.push(listener);
  }
  onDetector(listener: (event: DetectorEvent) => void): void {
    this.#onDetector.push(listener);
  }
  onEligibleSync(): void {}
  onRingFull(): void {}
  onEnd(listener: () => void): void {
    this.#onEnd.push(listener);
  }
  every(periodMs: number, listener: () => void): Timer {
    return this.#arm(periodMs, periodMs, listener);
  }
  after(delayMs: number, listener: () => void): Timer {
    return this.#arm(delayMs, 0, listener);
  }
  afterRunning(delayMs: number, listener: () => void): Timer {
    return this.after(delayMs, listener);
  }
  throttle(vcpus: 'all' | readonly number[], percent: number): void {
    this.#note(`throttle ${vcpus === 'all' ? vcpus : vcpus.join(',')} ${percent}`);
  }
  ringFullSleep(vcpu: number, sleepUs: number): void {
    this.#note(`ringFullSleep ${vcpu} ${sleepUs}`);
  }
  dirtyLimitInService(on: boolean): void {
    this.#note(`dirtyLimitInService ${on}`);
  }
  flushRings(done: () => void): void {
    if (this.#flushMs === 0) done();
    else this.after(this.#flushMs, done);
  }
  sync(cause: 'timer'): void {
    this.#note(`sync ${cause}`);
    if (this.#syncMs === 0) this.happenSync(cause);
    else this.after(this.#syncMs, () => this.happenSync(cause));
  }
  set(parameters: RuntimeParameters): void {
    this.#note(`set ${JSON.stringify(parameters)}`);
    for (const listener of this.#onSet) listener(parameters);
  }
  onSet(listener: (parameters: RuntimeParameters) => void): void {
    this.#onSet.push(listener);
  }
  onQuery(listener: () => void): void {
    this.#onQuery.push(listener);
  }
  startPostcopy(): void {
    this.#note('startPostcopy');
  }
  pause(): void {
    this.#note('pause');
  }
  resume(): void {
    this.#note('resume');
  }
  continueSwitchover(): void {
    this.#note('continueSwitchover');
  }
  pausePostcopy(): void {
    this.#note('pausePostcopy');
  }
  recoverPostcopy(): void {
    this.#note('recoverPostcopy');
  }
  cancel(reason: string): void {
    this.#note(`cancel ${reason}`);
  }
  /** Nobody traces it: what is only said when asked is not. */
  explain(rule: string, text: string | (() => string)): void {
    if (typeof text === 'string') this.explanations.push(`${rule}: ${text}`);
  }

  #arm(delayMs: number, periodMs: number, listener: () => void): Timer {
    const alarm: Alarm = {
      atUs: this.#nowUs + Math.round(delayMs * 1000),
      serial: this.#serial++,
      periodUs: Math.round(periodMs * 1000),
      listener,
    };
    this.#alarms.push(alarm);
    return { cancel: () => (this.#alarms = this.#alarms.filter((other) => other !== alarm)) };
  }

  #advanceTo(timeUs: number): void {
    const seconds = (timeUs - this.#nowUs) / 1e6;
    this.#reaped = this.#reaped.map((pages, vcpu) => pages + this.rates[vcpu]! * MIB_PAGES * seconds);
    this.#nowUs = timeUs;
  }

  #note(call: string): void {
    this.calls.push(`${this.#nowUs / 1e6} ${call}`);
  }
}
