/**
 * A recording becomes a migration to simulate, from what was known before it started: `environment`, `guest`, `migration`.
 * Nothing here looks at `result`, `syncs` or `samples`.
 */
import { UsageError } from '../../errors.js';
import { recordingsHost } from '../../guest/host-profiles/recordings.js';
import {
  PAGE_BYTES,
  type AccessClass,
  type GuestSpec,
  type HostProfile,
  type VcpuSpec,
  type ZeroExtent,
} from '../../guest/spec.js';
import type { Controls } from '../../migration/controls.js';
import type { MigrationResult } from '../../migration/result.js';
import type { MigrationSetup } from '../../migration/setup.js';
import { QEMU_VERSIONS, type QemuVersion } from '../../migration/rules/versions.js';
import { normal } from '../../random/distributions.js';
import { stream } from '../../random/streams.js';
import { findStrategy } from '../../strategies/index.js';
import { nearest } from '../../suggest.js';
import type { RecordedVcpu, Recording } from '../recording.js';

const { exp, max, min, round } = Math;

const MIB_PAGES = 2 ** 20 / PAGE_BYTES;
/** The guest program and its counter lie below this; every page from here on was filled with non-zero words. */
const PROGRAM_MIB = 16;
/** Every so many accesses a vCPU stores its counter, in one page that all share. */
const ACCESSES_PER_COUNT = 64;
/** Where in the program's memory that page is does not matter: it is the only page there that is written. */
const COUNTER_PAGE = MIB_PAGES;
/** CPU time of one access of the guest's loop, µs: what the unpaced loops of the recordings take (about 120,000 a second). */
const ACCESS_CPU_US = 8;
/** What a paced loop takes beyond its pace, µs: it looks at the clock in steps (4 to 5 µs in every recording at ease). */
const PACE_OVERSHOOT_US = 4.5;
/** Loopback is as fast as the sender; the page's own cost (host profile) is what limits it. Bytes/s. */
const LOOPBACK_BYTES_PER_SECOND = 4e9;

/** What to run: `attach` hangs the recorded strategy on the migration. */
export interface Prediction {
  readonly setup: MigrationSetup;
  /** Name of the strategy as the recording has it. */
  readonly strategy: string;
  attach(controls: Controls): void;
}

export interface PredictOptions {
  readonly host?: HostProfile;
  readonly memory?: 'page' | 'fluid';
  readonly seed?: number;
  readonly run?: number;
}

/** @throws UsageError for a capability, parameter, command or version that is not known. */
export function predictionOf(recording: Recording, options: PredictOptions = {}): Prediction {
  const { file } = recording;
  const { name, given } = strategyOf(recording);
  const definition = findStrategy(name, { file });
  const parsed = definition.options.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new UsageError(
      `migration.parameters.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'cannot be'}`,
      { file },
    );
  }
  const base = setupOf(recording, options);
  const refusal = definition.refuses?.(parsed.data, base) ?? null;
  if (refusal !== null) throw new UsageError(refusal, { file });
  const setup = definition.prepare?.(parsed.data, base) ?? base;
  return {
    setup,
    strategy: recording.strategy,
    attach: (controls) => definition.start(parsed.data, controls),
  };
}

// ---------------------------------------------------------------------------------------------------- the migration

type Capability = 'none' | 'auto-converge' | 'dirty-limit';

/** Of these, some choose the strategy, some are settings of the migration, and `events` changes nothing. */
const KNOWN_CAPABILITIES = [
  'events',
  'pause-before-switchover',
  'return-path',
  'auto-converge',
  'dirty-limit',
];
/** Parameters of the migration itself; the others belong to a strategy. */
const MIGRATION_PARAMETERS = [
  'max-bandwidth',
  'downtime-limit',
  'avail-switchover-bandwidth',
  'throttle-trigger-threshold',
];
const STRATEGY_PARAMETERS: Readonly<Record<Capability, readonly string[]>> = {
  none: [],
  'auto-converge': [
    'cpu-throttle-initial',
    'cpu-throttle-increment',
    'cpu-throttle-tailslow',
    'max-cpu-throttle',
    'throttle-trigger-threshold',
  ],
  'dirty-limit': ['vcpu-dirty-limit', 'x-vcpu-dirty-limit-period', 'throttle-trigger-threshold'],
};

interface StrategyRequest {
  readonly name: string;
  /** Options as a user would write them. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** The strategy that capabilities, parameters and commands amount to. */
function strategyOf(recording: Recording): StrategyRequest {
  checkParameters(recording);
  const capability = capabilityOf(recording);
  const limit = manualLimit(recording);
  if (limit !== null && capability !== 'none') {
    throw new UsageError(`migration: set-vcpu-dirty-limit together with ${capability} is not known here`, {
      file: recording.file,
    });
  }
  const own = limit === null ? STRATEGY_PARAMETERS[capability] : ['throttle-trigger-threshold'];
  const parameters = Object.entries(recording.migration.parameters).filter(([name]) => own.includes(name));
  return { name: limit?.name ?? capability, given: { ...Object.fromEntries(parameters), ...limit?.given } };
}

function capabilityOf({ migration, file }: Recording): Capability {
  for (const capability of migration.capabilities) {
    if (KNOWN_CAPABILITIES.includes(capability)) continue;
    throw new UsageError(
      `migration.capabilities: "${capability}" is not known here; expected ${KNOWN_CAPABILITIES.join(', ')}`,
      { file },
    );
  }
  if (migration.capabilities.includes('auto-converge')) return 'auto-converge';
  return migration.capabilities.includes('dirty-limit') ? 'dirty-limit' : 'none';
}

function checkParameters({ migration, file }: Recording): void {
  const known = [...new Set([...MIGRATION_PARAMETERS, ...Object.values(STRATEGY_PARAMETERS).flat()])];
  const wrong = Object.keys(migration.parameters).find((name) => !known.includes(name));
  if (wrong === undefined) return;
  const meant = nearest(wrong, known);
  const hint = meant === undefined ? `expected ${known.join(', ')}` : `did you mean ${meant}?`;
  throw new UsageError(`migration.parameters: "${wrong}" is not known here; ${hint}`, { file });
}

/** `set-vcpu-dirty-limit` before the migration; null when there was none. */
function manualLimit({ migration, guest, environment, file }: Recording): StrategyRequest | null {
  const limited: number[] = [];
  let quota: number | null = null;
  migration.before.forEach((command, at) => {
    const refuse = (message: string): never => {
      throw new UsageError(`migration.before[${at}]: ${message}`, { file });
    };
    if (command.execute !== 'set-vcpu-dirty-limit') {
      refuse(`"${command.execute}" is not known here; expected set-vcpu-dirty-limit`);
    }
    if (environment.dirtyRingSize === 0) refuse('a dirty limit needs a dirty ring');
    const rate = command.arguments['dirty-rate'];
    if (typeof rate !== 'number' || !(rate > 0))
      return refuse('dirty-rate should be a positive number of MiB/s');
    if (quota !== null && quota !== rate) refuse('limits of different vCPUs should be alike');
    quota = rate;
    const index = command.arguments['cpu-index'];
    for (const id of guest.vcpus.keys()) if (index === undefined || index === id) limited.push(id);
  });
  if (quota === null) return null;
  const settle = `${migration.beforeSettleSeconds * 1000}ms`;
  return {
    name: 'dirty-limit',
    given: { when: 'start', 'vcpu-dirty-limit': quota, vcpus: [...new Set(limited)], settle },
  };
}

function setupOf(recording: Recording, options: PredictOptions): MigrationSetup {
  const { migration, environment, file } = recording;
  const { seed = 1, run = 1 } = options;
  const number = (name: string, otherwise: number): number => {
    const value = migration.parameters[name];
    if (value === undefined) return otherwise;
    if (typeof value === 'number') return value;
    throw new UsageError(`migration.parameters.${name}: expected a number`, { file });
  };
  return {
    name: recording.id,
    guest: guestOf(recording, driftedSpeeds(recording, seed, run)),
    host: options.host ?? recordingsHost,
    link: { bandwidthBytesPerSecond: LOOPBACK_BYTES_PER_SECOND, latencyUs: 0, phases: [] },
    migration: {
      qemu: versionOf(environment.qemu, file),
      maxBandwidth: number('max-bandwidth', 134_217_728),
      downtimeLimitMs: number('downtime-limit', 300),
      availSwitchoverBandwidth: number('avail-switchover-bandwidth', 0),
      throttleTriggerThreshold: number('throttle-trigger-threshold', 50),
      returnPath: migration.capabilities.includes('return-path'),
      pauseBeforeSwitchover: migration.capabilities.includes('pause-before-switchover'),
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect: true,
      clearBitmapShift: 18,
      giveUpAfterUs: migration.giveUpAfterMs * 1000,
    },
    memory: options.memory ?? 'page',
    seed,
    run,
    timelineMs: 0,
    keepSyncs: true,
  };
}

/** Each prediction meets a host that has drifted its own way. */
function driftedSpeeds({ guest }: Recording, seed: number, run: number): number[] {
  return guest.vcpus.map(({ paceMicroseconds }, id) => {
    const drift = paceMicroseconds > 0 ? DRIFT.paced : DRIFT.unpaced;
    return exp(drift * normal(stream(seed, run, `speed of vCPU ${id}`)));
  });
}

function versionOf(text: string, file: string): QemuVersion {
  const version = QEMU_VERSIONS.find((known) => text === known || text.startsWith(`${known}.`));
  if (version !== undefined) return version;
  throw new UsageError(
    `environment.qemu: the rules of ${text} are not known; expected ${QEMU_VERSIONS.join(', ')}`,
    { file },
  );
}

// -------------------------------------------------------------------------------------------------------- the guest

/** The guest program of the recordings, as access classes. `speeds`: of each vCPU, relative to what was measured. */
export function guestOf(recording: Recording, speeds: readonly number[] = []): GuestSpec {
  const { guest, environment } = recording;
  const ramPages = guest.memoryMiB * MIB_PAGES;
  const hiddenPages = guest.ramTotalBytes / PAGE_BYTES - ramPages;
  return {
    ramPages,
    hiddenPages,
    zeroExtents: zeroExtentsOf(guest.zeroPagesAtStart, ramPages, hiddenPages),
    dirtyRingSize: environment.dirtyRingSize,
    hostPagePages: 1,
    vcpus: guest.vcpus.map((vcpu, id) => vcpuOf(vcpu, speeds[id] ?? 1)),
  };
}

/**
 * The program's memory and the hidden video memory are zero; of what the count goes beyond that, the end of guest RAM.
 * The counter's page is not.
 */
function zeroExtentsOf(zeroPages: number, ramPages: number, hiddenPages: number): ZeroExtent[] {
  const program = PROGRAM_MIB * MIB_PAGES;
  const low = min(program - COUNTER_PAGE - 1, max(0, zeroPages - hiddenPages - COUNTER_PAGE));
  const hidden = min(hiddenPages, zeroPages);
  const rest = max(0, zeroPages - hidden - low - COUNTER_PAGE);
  const extents = [
    { firstPage: 0, pages: min(COUNTER_PAGE, max(0, zeroPages - hidden)) },
    { firstPage: COUNTER_PAGE + 1, pages: low },
    { firstPage: ramPages - rest, pages: rest + hidden },
  ];
  return extents.filter((extent) => extent.pages > 0);
}

/**
 * How far a vCPU's speed drifts from what was measured, relative standard deviation. From the recordings: their two
 * measurements before each migration differ by the square root of 2 times this.
 */
const DRIFT = { paced: 0.025, unpaced: 0.06 };

/** A paced loop that reached less than this share of its pace was disturbed while it was measured. */
const DISTURBED = 0.9;

/**
 * Accesses a second of an undisturbed vCPU. Other load on the host only ever slows a loop, so of the two measurements the
 * faster one is nearer to its own speed; what tracking cost the second one is less than that load costs. A paced loop has
 * the speed that its pace says: where much less was measured, something else had its CPU in those few seconds, which says
 * nothing about the minute that follows.
 */
function accessRate({ paceMicroseconds, pagesPerSecond, pagesPerSecondWhileLogged }: RecordedVcpu): number {
  if (paceMicroseconds === 0) return max(pagesPerSecond, pagesPerSecondWhileLogged ?? 0);
  const ownSpeed = 1e6 / (paceMicroseconds + PACE_OVERSHOOT_US);
  return pagesPerSecond < DISTURBED * ownSpeed ? ownSpeed : pagesPerSecond;
}

function vcpuOf(vcpu: RecordedVcpu, speed: number): VcpuSpec {
  const rate = accessRate(vcpu) * speed;
  const writes = vcpu.access === 'write' ? rate : 0;
  const work: AccessClass = {
    firstPage: round(vcpu.firstPageMiB * MIB_PAGES),
    pages: max(1, round(vcpu.workingSetMiB * MIB_PAGES)),
    pattern: vcpu.pattern,
    writesPerSecond: writes,
    readsPerSecond: rate - writes,
  };
  const counter: AccessClass = {
    firstPage: COUNTER_PAGE,
    pages: 1,
    pattern: 'uniform',
    writesPerSecond: rate / ACCESSES_PER_COUNT,
    readsPerSecond: 0,
  };
  return {
    group: vcpu.access === 'write' ? 'writer' : 'reader',
    classes: [work, counter],
    busy: vcpu.paceMicroseconds === 0 ? 1 : min(1, (ACCESS_CPU_US * rate) / 1e6),
    phases: [],
    phasePeriodUs: 0,
  };
}

/** Accesses that a predicted vCPU did, without the stores of its counter: what a recording's `vcpuPages` counts. */
export function accessesOf(result: MigrationResult, vcpu: number): number {
  const { writes, reads } = result.vcpus[vcpu]!;
  return round((writes + reads) / (1 + 1 / ACCESSES_PER_COUNT));
}
