/** The result of a migration that is over, read off its parts. */
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Seen } from '../parts/parts.js';
import type { MigrationResult, MigrationStatus, WhyNot } from '../result.js';
import { pendingEstimate } from '../rules/rules.js';
import { resourcesOf } from './resources.js';
import type { SyncRecords } from './sync-records.js';
import type { Timeline } from './timeline.js';
import type { Trace } from './trace.js';
import { heldShare, vcpuResults } from './vcpu-results.js';
import { whyNot } from './why.js';

const { floor, max, round } = Math;
const INFINITY = Infinity;

/** Labels of a run, as results and tables show them. */
export interface RunLabels {
  readonly strategy: string;
  readonly policy: string;
}

/** What was written down while it ran. */
export interface Writings {
  readonly trace: Trace;
  readonly timeline: Timeline;
  readonly syncs: SyncRecords;
}

/** `error`: what the user reads of a run that failed or was cancelled. */
// eslint-disable-next-line max-lines-per-function -- all of it is one literal, for the reason that it names
export function outcome(
  seen: Seen,
  { trace, timeline, syncs }: Writings,
  names: RunLabels,
  status: MigrationStatus,
  error: string | null,
): MigrationResult {
  const { setup, clock, state, counters, run, window, period, restraint, guest, memory } = seen;
  const { setupUs, stopUs, downtimeUs, blackoutUs, postcopyStartUs } = state;
  const endUs = clock.nowUs;
  const completed = status === 'completed';
  const guestEndUs = max(endUs, stopUs === null || blackoutUs === null ? 0 : stopUs + blackoutUs);
  const remaining = pendingEstimate(max(0, run.dirtyPages));
  const notSentPages = completed ? 0 : remaining / PAGE_BYTES;
  const resentPages = max(
    0,
    round(counters.pages - counters.xbzrleOverflows + notSentPages - memory.totalPages),
  );
  const resources = resourcesOf(seen, resentPages);
  // One literal with all keys: objects that are put together from others have a shape of their own each time.
  const result: Outcome = {
    scenario: setup.name,
    strategy: names.strategy,
    policy: names.policy,
    memory: setup.memory,
    qemu: setup.migration.qemu,
    seed: setup.seed,
    run: setup.run,
    status,
    converged: completed,
    error,
    totalTimeMs: floor(endUs / 1000),
    setupTimeMs: floor(setupUs / 1000),
    downtimeMs: downtimeUs === null ? null : floor(downtimeUs / 1000),
    blackoutMs: blackoutUs === null ? null : blackoutUs / 1000,
    expectedDowntimeMs: window.expectedDowntimeMs,
    dirtySyncCount: period.syncCount,
    sentBytes: round(counters.shown),
    precopyBytes: round(counters.precopyBytes),
    downtimeBytes: round(counters.downtimeBytes),
    postcopyBytes: round(counters.postcopyBytes),
    multifdBytes: round(counters.multifdBytes),
    totalRamBytes: memory.totalPages * PAGE_BYTES,
    remainingBytes: completed ? 0 : round(remaining),
    normalPages: round(counters.normalPages),
    zeroPages: round(counters.zeroPages),
    xbzrlePages: round(counters.xbzrlePages),
    xbzrleBytes: round(counters.xbzrleBytes),
    xbzrleMisses: round(counters.xbzrleMisses),
    xbzrleOverflows: round(counters.xbzrleOverflows),
    resentPages,
    dirtyPagesRate: period.dirtyPagesRate,
    bandwidthBytesPerSecond:
      completed && endUs > setupUs
        ? counters.transferred / ((endUs - setupUs) / 1e6)
        : window.bandwidthPerMs * 1000,
    thresholdBytes: window.threshold,
    maxThrottlePercent: restraint.maxThrottlePercent,
    maxRingFullSleepUs: restraint.maxRingSleepUs,
    firstThrottleSync: restraint.firstSync,
    firstThrottleMs: restraint.firstUs === null ? null : max(0, restraint.firstUs) / 1000,
    postcopyRequests: round(guest.requests),
    postcopyTimeMs: postcopyStartUs === null ? 0 : (endUs - postcopyStartUs) / 1000,
    heldTimeMs: restraint.heldUs / 1000,
    writersWorkHeld: heldShare(guest.vcpus, restraint.heldWork, true),
    readersWorkHeld: heldShare(guest.vcpus, restraint.heldWork, false),
    senderCpuMs: resources.senderCpuMs,
    sendCpuMs: resources.sendCpuMs,
    encodeCpuMs: resources.encodeCpuMs,
    zeroTestCpuMs: resources.zeroTestCpuMs,
    syncCpuMs: resources.syncCpuMs,
    receiverCpuMs: resources.receiverCpuMs,
    receiveCpuMs: resources.receiveCpuMs,
    decodeCpuMs: resources.decodeCpuMs,
    faultCpuMs: resources.faultCpuMs,
    senderMemoryBytes: resources.senderMemoryBytes,
    receiverMemoryBytes: resources.receiverMemoryBytes,
    parameters: window.inForce,
    vcpus: vcpuResults(guest.vcpus, guestEndUs, blackoutUs ?? 0),
    syncs: syncs.kept,
    timeline: timeline.points(),
    decisions: trace.decisions,
    why: null,
  };
  if (!completed) result.why = whyOf(seen, result, syncs);
  return result;
}

type Outcome = Omit<MigrationResult, 'why'> & { why: WhyNot | null };

function whyOf(seen: Seen, result: Outcome, { last }: SyncRecords): WhyNot {
  const { setup, clock, link, stream, window, devices } = seen;
  const { bytes, cpuUs } = stream.normal;
  const limits = {
    maxBandwidth: window.maxBandwidth,
    link: link.bytesPerSecond,
    sender: cpuUs > 0 ? (bytes / cpuUs) * 1e6 : INFINITY,
  };
  const inForce = { ...setup, migration: { ...setup.migration, downtimeLimitMs: window.downtimeLimitMs } };
  return whyNot(inForce, result, last, limits, devices.exact(clock.nowUs));
}
