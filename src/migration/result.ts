/** What a run returns. Every number has its unit in its name; docs/csv.md is generated from src/report/columns/. */
import type { SyncCause } from './controls.js';
import type { DecisionFacts } from './observe/decisions.js';
import type { Resources } from './observe/resources.js';

/** How a migration ended. */
export type MigrationStatus = 'completed' | 'gave-up' | 'cancelled' | 'failed';

/** One bitmap sync. */
export interface SyncRecord {
  /** `dirty-sync-count` after this sync: the first is 1. */
  readonly n: number;
  readonly cause: SyncCause;
  /** Since `migrate` was accepted, ms: when the sync ended, and how long it took. */
  readonly timeMs: number;
  readonly durationMs: number;
  /** All stream bytes so far (`ram.transferred`). */
  readonly sentBytes: number;
  /** `remaining` before and after this sync. */
  readonly remainingBeforeBytes: number;
  readonly remainingBytes: number;
  /** Pages newly dirty in this sync (0 -> 1 transitions). */
  readonly newDirtyPages: number;
  /** `ram.dirty-pages-rate` after this sync, pages/s. */
  readonly dirtyPagesRate: number;
  /** Of the window last closed: bytes/s, and the threshold in bytes. */
  readonly bandwidthBytesPerSecond: number;
  readonly thresholdBytes: number;
  /** `expected-downtime`, ms. */
  readonly expectedDowntimeMs: number;
  /** Whether the detector looked at this sync, whether it counted it as bad, and whether it acted. */
  readonly detector: 'not-eligible' | 'good' | 'bad' | 'act';
  /** Highest throttle percentage over the vCPUs after this sync. */
  readonly throttlePercent: number;
  /** Per vCPU: sleep at each full ring, µs, and throttle percentage, after this sync. */
  readonly vcpuSleepUs: readonly number[];
  readonly vcpuThrottlePercent: readonly number[];
  /** Per vCPU: accesses (writes + reads) done since the migration began. */
  readonly vcpuAccesses: readonly number[];
}

/** The state at one moment, every `timelineMs`. */
export interface TimelinePoint {
  readonly timeMs: number;
  readonly phase: 'setup' | 'active' | 'device' | 'pre-switchover' | 'postcopy' | 'done';
  readonly sentBytes: number;
  readonly remainingBytes: number;
  /** Last closed window, bytes/s. */
  readonly bandwidthBytesPerSecond: number;
  readonly dirtyPagesRate: number;
  readonly expectedDowntimeMs: number;
  readonly throttlePercent: number;
  /** Per vCPU since the last point: accesses done as a share (0..1) of an unmigrated run. */
  readonly vcpuWorkShare: readonly number[];
  /** Per vCPU: throttle percentage, and sleep at each full ring, µs. */
  readonly vcpuThrottlePercent: readonly number[];
  readonly vcpuSleepUs: readonly number[];
}

/** What the migration was like for one vCPU. */
export interface VcpuResult {
  readonly id: number;
  readonly group: string;
  /** Share (0..1) of the accesses that an unmigrated run does in the same time, blackout included; null where it has none. */
  readonly workDone: number | null;
  readonly writeWorkDone: number | null;
  readonly readWorkDone: number | null;
  readonly writes: number;
  readonly reads: number;
  /** Longest time it did not run at a stretch, blackout included, ms. */
  readonly longestStallMs: number;
  /** Time lost to write faults (and PML), to CPU throttle, to ring-full sleeps, ring-full exits, sync kicks, blocked in post-copy, stopped; ms. */
  readonly faultMs: number;
  readonly throttledMs: number;
  readonly ringSleepMs: number;
  readonly ringExitMs: number;
  readonly postcopyBlockedMs: number;
  readonly blackoutMs: number;
  readonly faults: number;
  readonly ringFullExits: number;
}

/** A decision with the rule that took it. */
export interface Decision {
  readonly timeMs: number;
  /** Name of the rule, such as `migration_trigger_throttle`. */
  readonly rule: string;
  readonly text: string;
  /** The sync that it belongs to: the engine's own, or a strategy's answer to the detector's judgement of that sync. */
  readonly sync?: number;
  /** What one of QEMU's rules decided on; strategies and policies give their reasons in words. */
  readonly facts?: DecisionFacts;
}

/** Why a run did not converge. */
export interface WhyNot {
  /**
   * What is left after each of the last syncs, bytes (their median); null where they do not leave about the same, as when
   * pass 1 did not end.
   */
  readonly stallsAtBytes: number | null;
  /**
   * A downtime-limit that is enough for that, ms, not the smallest one; null where there is no such plateau, or none that
   * QEMU takes.
   */
  readonly sufficientPauseMs: number | null;
  /** What binds. */
  readonly binds:
    'max-bandwidth' | 'link' | 'sender-cpu' | 'quota' | 'ring' | 'throttle' | 'devices' | 'give-up-after';
  /** One sentence in words. */
  readonly text: string;
}

/** Parameters that a policy or a strategy may change on the way. */
export interface ParametersInForce {
  /** Since `migrate` was accepted, ms: from then on. */
  readonly timeMs: number;
  readonly downtimeLimitMs: number;
  /** bytes/s; 0: none. */
  readonly maxBandwidth: number;
}

/** Everything about one simulated migration. Units are in the names; docs/csv.md explains every figure. */
export interface MigrationResult extends Resources {
  readonly scenario: string;
  readonly strategy: string;
  readonly policy: string;
  readonly memory: 'page' | 'fluid';
  readonly qemu: string;
  readonly seed: number;
  readonly run: number;

  readonly status: MigrationStatus;
  readonly converged: boolean;
  /** Only when `status` is `failed` or `cancelled`. */
  readonly error: string | null;
  /** `total-time`, ms, as QEMU reports it (for runs that gave up: until then). */
  readonly totalTimeMs: number;
  readonly setupTimeMs: number;
  /** As QEMU reports it; null when there was no switchover. */
  readonly downtimeMs: number | null;
  /** As the guest feels it: vCPUs stopped until the destination runs; null when there was no switchover. */
  readonly blackoutMs: number | null;
  readonly expectedDowntimeMs: number;
  readonly dirtySyncCount: number;
  readonly sentBytes: number;
  readonly precopyBytes: number;
  readonly downtimeBytes: number;
  readonly postcopyBytes: number;
  readonly multifdBytes: number;
  readonly totalRamBytes: number;
  readonly remainingBytes: number;
  readonly normalPages: number;
  readonly zeroPages: number;
  /** XBZRLE: pages found in the cache, bytes of their differences, pages that were not there, differences larger than a page. */
  readonly xbzrlePages: number;
  readonly xbzrleBytes: number;
  readonly xbzrleMisses: number;
  readonly xbzrleOverflows: number;
  /** Pages sent more than once. */
  readonly resentPages: number;
  readonly dirtyPagesRate: number;
  readonly bandwidthBytesPerSecond: number;
  readonly thresholdBytes: number;
  /** Peak over the run. */
  readonly maxThrottlePercent: number;
  readonly maxRingFullSleepUs: number;
  /** First throttle step or restraint: at which sync and when; null when none came. */
  readonly firstThrottleSync: number | null;
  readonly firstThrottleMs: number | null;
  readonly postcopyRequests: number;
  readonly postcopyTimeMs: number;
  /** While some vCPU was held back by a throttle or by sleeps at a full ring, up to the switchover, ms. */
  readonly heldTimeMs: number;
  /**
   * Mean work done in that time by the vCPUs that write, and by those that only read, as a share (0..1) of an unmigrated
   * run; null where there are none, and where none was held back.
   */
  readonly writersWorkHeld: number | null;
  readonly readersWorkHeld: number | null;
  /** What was in force, from the start on and after each change. */
  readonly parameters: readonly ParametersInForce[];

  readonly why: WhyNot | null;
  readonly vcpus: readonly VcpuResult[];
  readonly syncs: readonly SyncRecord[];
  readonly timeline: readonly TimelinePoint[];
  /** In order of time. What strategies and policies explained; of a traced run also what QEMU's own rules decided. */
  readonly decisions: readonly Decision[];
}

/** Mean work done over vCPUs that write, and over those that only read; null where there are none. */
export function workDoneOf(result: MigrationResult, kind: 'writers' | 'readers'): number | null {
  let sum = 0;
  let count = 0;
  for (const vcpu of result.vcpus) {
    const writer = vcpu.writeWorkDone !== null;
    if ((kind === 'writers') !== writer || vcpu.workDone === null) continue;
    sum += vcpu.workDone;
    count += 1;
  }
  return count === 0 ? null : sum / count;
}
