/** Results that nobody simulated, for tests of what is made of them. */
import type { Comparison } from '../../src/experiment/compare.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import type { MigrationResult, SyncRecord, TimelinePoint, VcpuResult } from '../../src/migration/result.js';
import { hostProfiles } from '../../src/guest/host-profiles/index.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../../src/scenario/scenario.js';
import { wait } from '../../src/policies/wait.js';
import { strategies } from '../../src/strategies/index.js';

export function madeUpVcpu(changes: Partial<VcpuResult> = {}): VcpuResult {
  return {
    id: 0,
    group: 'writer',
    workDone: 0.9,
    writeWorkDone: 0.9,
    readWorkDone: null,
    writes: 1000,
    reads: 0,
    longestStallMs: 250,
    faultMs: 1,
    throttledMs: 2,
    ringSleepMs: 3,
    ringExitMs: 4,
    postcopyBlockedMs: 0,
    blackoutMs: 200,
    faults: 7,
    ringFullExits: 8,
    ...changes,
  };
}

export const reader = madeUpVcpu({
  id: 1,
  group: 'reader',
  workDone: 0.99,
  writeWorkDone: null,
  readWorkDone: 0.99,
});

export function madeUpSync(changes: Partial<SyncRecord> = {}): SyncRecord {
  return {
    n: 1,
    cause: 'natural',
    timeMs: 1000,
    durationMs: 0.5,
    sentBytes: 2 ** 30,
    remainingBeforeBytes: 0,
    remainingBytes: 2 ** 20,
    newDirtyPages: 256,
    dirtyPagesRate: 100,
    bandwidthBytesPerSecond: 2 ** 30,
    thresholdBytes: 2 ** 20,
    expectedDowntimeMs: 300,
    detector: 'good',
    throttlePercent: 0,
    vcpuSleepUs: [0, 0],
    vcpuThrottlePercent: [0, 0],
    vcpuAccesses: [10, 20],
    ...changes,
  };
}

export function madeUpPoint(changes: Partial<TimelinePoint> = {}): TimelinePoint {
  return {
    timeMs: 100,
    phase: 'active',
    sentBytes: 0,
    remainingBytes: 2 ** 30,
    bandwidthBytesPerSecond: 0,
    dirtyPagesRate: 0,
    expectedDowntimeMs: 300,
    throttlePercent: 0,
    vcpuWorkShare: [0.5, 1],
    vcpuThrottlePercent: [0, 0],
    vcpuSleepUs: [0, 0],
    ...changes,
  };
}

export function madeUpResult(changes: Partial<MigrationResult> = {}): MigrationResult {
  return {
    scenario: 'made-up',
    strategy: 'none',
    policy: 'wait',
    memory: 'page',
    qemu: '10.0',
    seed: 1,
    run: 1,
    status: 'completed',
    converged: true,
    error: null,
    totalTimeMs: 20_000,
    setupTimeMs: 10,
    downtimeMs: 200,
    blackoutMs: 210,
    expectedDowntimeMs: 300,
    dirtySyncCount: 5,
    sentBytes: 2 ** 34,
    precopyBytes: 2 ** 34,
    downtimeBytes: 2 ** 20,
    postcopyBytes: 0,
    multifdBytes: 0,
    totalRamBytes: 2 ** 34,
    remainingBytes: 0,
    normalPages: 4_000_000,
    zeroPages: 100,
    xbzrlePages: 0,
    xbzrleBytes: 0,
    xbzrleMisses: 0,
    xbzrleOverflows: 0,
    resentPages: 10,
    dirtyPagesRate: 1000,
    bandwidthBytesPerSecond: 2 ** 30,
    thresholdBytes: 2 ** 28,
    maxThrottlePercent: 0,
    maxRingFullSleepUs: 0,
    firstThrottleSync: null,
    firstThrottleMs: null,
    postcopyRequests: 0,
    postcopyTimeMs: 0,
    heldTimeMs: 0,
    writersWorkHeld: null,
    readersWorkHeld: null,
    senderCpuMs: 5400,
    sendCpuMs: 5200,
    encodeCpuMs: 0,
    zeroTestCpuMs: 100,
    syncCpuMs: 100,
    receiverCpuMs: 10_800,
    receiveCpuMs: 10_800,
    decodeCpuMs: 0,
    faultCpuMs: 0,
    senderMemoryBytes: 2 ** 22,
    receiverMemoryBytes: 2 ** 23,
    parameters: [{ timeMs: 0, downtimeLimitMs: 300, maxBandwidth: 2 ** 30 }],
    why: null,
    vcpus: [madeUpVcpu(), reader],
    syncs: [],
    timeline: [],
    decisions: [],
    ...changes,
  };
}

/** One that was given up. */
export function madeUpFailure(changes: Partial<MigrationResult> = {}): MigrationResult {
  return madeUpResult({
    status: 'gave-up',
    converged: false,
    totalTimeMs: 600_000,
    downtimeMs: null,
    blackoutMs: null,
    why: {
      stallsAtBytes: 2 ** 31,
      sufficientPauseMs: 1700,
      binds: 'max-bandwidth',
      text: 'nothing restrains the guest',
    },
    ...changes,
  });
}

export function choiceOf(name: keyof typeof strategies, label: string = name): StrategyChoice {
  return { definition: strategies[name], options: {}, label, place: undefined };
}

export const madeUpPolicy: PolicyChoice = { definition: wait, options: {}, label: 'wait', place: undefined };

const madeUpSetup: MigrationSetup = {
  name: 'made-up',
  guest: {
    ramPages: 2 ** 22,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: 4096,
    hostPagePages: 1,
    vcpus: ['writer', 'reader'].map((group) => ({
      group,
      classes: [],
      busy: 1,
      phases: [],
      phasePeriodUs: 0,
    })),
  },
  host: hostProfiles['default']!,
  link: { bandwidthBytesPerSecond: 1.25e9, latencyUs: 100, phases: [] },
  migration: {
    qemu: '10.0',
    maxBandwidth: 2 ** 30,
    downtimeLimitMs: 300,
    availSwitchoverBandwidth: 0,
    throttleTriggerThreshold: 50,
    returnPath: false,
    pauseBeforeSwitchover: false,
    migrateContinueDelayUs: 0,
    orchestratorContUs: 0,
    manualDirtyLogProtect: true,
    clearBitmapShift: 18,
    giveUpAfterUs: 600e6,
  },
  memory: 'page',
  seed: 1,
  run: 1,
  timelineMs: 0,
  keepSyncs: true,
};

export const madeUpScenario: Scenario = {
  name: 'made-up',
  about: '',
  file: 'made-up.yaml',
  text: 'name: made-up\n',
  set: [],
  notes: [],
  setup: madeUpSetup,
  uncertainty: { values: [], median: madeUpSetup, setupAt: () => madeUpSetup },
  strategies: [],
  policy: madeUpPolicy,
  expect: [],
};

/** A comparison of these results, a list per strategy. */
export function madeUpComparison(
  entries: readonly (readonly [StrategyChoice, readonly MigrationResult[]])[],
  scenario: Scenario = madeUpScenario,
): Comparison {
  const strategies = entries.map(([strategy, results]) => ({
    strategy,
    results: results.map((result, index) => ({ ...result, strategy: strategy.label, run: index + 1 })),
  }));
  const runs = entries[0]?.[1].length ?? 1;
  return { scenario, policy: madeUpPolicy, memory: 'page', seed: 1, runs, strategies };
}
