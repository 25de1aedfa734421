/**
 * What a strategy or a policy sees of a migration: hooks, knobs, and `query-migrate`'s own figures.
 * Nothing here lets it look at the workload.
 */
import type { QemuVersion } from './rules/versions.js';
import type { RuntimeParameters } from './runtime-parameters.js';

/** A live view with the very meaning of `query-migrate` (qapi/migration.json), 10.0's form. Read it, do not keep it. */
export interface MigrationStats {
  readonly status:
    | 'setup'
    | 'active'
    | 'device'
    | 'pre-switchover'
    | 'postcopy-device'
    | 'postcopy-active'
    | 'postcopy-paused'
    | 'completed'
    | 'cancelled'
    | 'failed';
  readonly totalTimeMs: number;
  readonly setupTimeMs: number;
  readonly expectedDowntimeMs: number;
  readonly transferredBytes: number;
  readonly totalBytes: number;
  /** As known since the last sync. */
  readonly remainingBytes: number;
  /** The top-level `remaining`, since 11.1: of all devices; absent in earlier versions and when it has completed. */
  readonly totalRemainingBytes?: number;
  readonly duplicatePages: number;
  readonly normalPages: number;
  /** pages/s, of the last eligible period. */
  readonly dirtyPagesRate: number;
  /** 10^6 bit/s of the last window. */
  readonly mbps: number;
  readonly pagesPerSecond: number;
  readonly dirtySyncCount: number;
  readonly cpuThrottlePercentage: number;
  /** Not in query-migrate, known to the migration thread: last window's bytes/s and the threshold it gives, bytes. */
  readonly bandwidthBytesPerSecond: number;
  readonly thresholdBytes: number;
}

/** Why a bitmap sync was made: at setup, as the estimate fell below the threshold, by auto-converge's timer, while the guest was stopped, or in post-copy. */
export type SyncCause = 'setup' | 'natural' | 'timer' | 'switchover' | 'postcopy';

/** A bitmap sync, as it has just ended. */
export interface SyncEvent {
  readonly n: number;
  readonly cause: SyncCause;
  readonly newDirtyPages: number;
  readonly remainingBytes: number;
}

/** What the detector compared (ram.c:migration_trigger_throttle). */
export interface DetectorEvent {
  readonly sync: number;
  /** Bytes dirtied and bytes sent since the last eligible sync. */
  readonly dirtyBytes: number;
  readonly transferredBytes: number;
  /** floor(transferred * throttle-trigger-threshold / 100). */
  readonly limitBytes: number;
}

/** What `every` and `after` return. */
export interface Timer {
  /** No more calls; nothing happens when it is over. */
  cancel(): void;
}

/** What a strategy or a policy sees of a migration and may do to it; times are virtual. */
export interface Controls {
  readonly qemu: QemuVersion;
  readonly vcpuCount: number;
  /** Entries of a dirty ring; 0: bitmap log. */
  readonly dirtyRingSize: number;
  readonly maxBandwidth: number;
  readonly downtimeLimitMs: number;
  /** Virtual time since `migrate`, µs. */
  nowUs(): number;
  /** What `query-migrate` would answer now. */
  stats(): MigrationStats;
  /** Ring entries reaped of one vCPU since its start (`cpu->dirty_pages`). */
  reapedPages(vcpu: number): number;

  // hooks
  /** After every bitmap sync, whatever caused it. */
  onSync(listener: (event: SyncEvent) => void): void;
  /** Two bad eligible syncs: the moment at which QEMU lets auto-converge or dirty-limit act. */
  onDetector(listener: (event: DetectorEvent) => void): void;
  /** Every eligible sync, good or bad, before `onDetector`. */
  onEligibleSync(listener: (event: DetectorEvent) => void): void;
  /** A vCPU left for a full dirty ring (page memory and limited vCPUs only). */
  onRingFull(listener: (vcpu: number) => void): void;
  /** Called each period of virtual time, first after one period. Fractions of a ms are allowed. */
  every(periodMs: number, listener: () => void): Timer;
  /** Called once, after so much virtual time. */
  after(delayMs: number, listener: () => void): Timer;
  /** The same on a clock that stands still while the guest is stopped (QEMU_CLOCK_VIRTUAL_RT). */
  afterRunning(delayMs: number, listener: () => void): Timer;
  /** The migration ended, whatever the outcome. */
  onEnd(listener: () => void): void;

  // knobs
  /** CPU throttle: run 10 ms, sleep 10*f/(1-f) ms; 0 lifts it. `all` keeps all vCPUs in phase, as cpu-throttle.c does. */
  throttle(vcpus: 'all' | readonly number[], percent: number): void;
  /** Sleep at each ring-full exit of this vCPU, µs. */
  ringFullSleep(vcpu: number, sleepUs: number): void;
  /** While a dirty limit is in service the reaper thread pauses, and a ring-full exit reaps only its own ring. */
  dirtyLimitInService(on: boolean): void;
  /** Kick all vCPUs in turn, then reap all rings (the statistics thread's sync); `done` is called when it is over. */
  flushRings(done: () => void): void;
  /** A bitmap sync outside the loop, as auto-converge's timer asks for it. Waits for a running iteration. */
  sync(cause: 'timer'): void;
  /** migrate-set-parameters. */
  set(parameters: RuntimeParameters): void;
  /** Parameters were set: a strategy hears of those that only it reads. */
  onSet(listener: (parameters: RuntimeParameters) => void): void;
  /** A client asks for `stats`, as by query-migrate. */
  onQuery(listener: () => void): void;
  /** migrate-start-postcopy. */
  startPostcopy(): void;
  /** Stop the guest; the rest goes out while it is paused (QMP `stop`, virsh suspend). */
  pause(): void;
  /** QMP `cont`: a guest that `pause` stopped runs again, at the source. */
  resume(): void;
  /** migrate-continue: answers `pre-switchover`; nothing happens in another status. */
  continueSwitchover(): void;
  /** migrate-pause, in post-copy: the channels are shut down; nothing happens in another status. */
  pausePostcopy(): void;
  /** migrate-recover: post-copy goes on. */
  recoverPostcopy(): void;
  /** migrate_cancel; `reason` is shown to the user. */
  cancel(reason: string): void;
  /** Say what was decided and by which rule. A function is asked only where a run is traced: for what happens often. */
  explain(rule: string, text: string | (() => string)): void;
}
