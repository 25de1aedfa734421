/**
 * A recording becomes a migration to simulate, from what was known before it started: `environment`, `guest`, `migration`.
 * Nothing here looks at `result`, `syncs` or `samples`.
 */
import { UsageError } from '../errors.js';
import { recordingsHost } from '../guest/host-profiles/recordings.js';
import {
  PAGE_BYTES,
  type AccessClass,
  type GuestSpec,
  type HostProfile,
  type VcpuSpec,
  type ZeroExtent,
} from '../guest/spec.js';
import type { Controls } from '../migration/controls.js';
import type { MigrationResult } from '../migration/result.js';
import { QEMU_VERSIONS, type MigrationSetup, type QemuVersion } from '../migration/setup.js';
import type { StrategyDefinition } from '../strategies/define.js';
import { findStrategy } from '../strategies/index.js';
import { nearest } from '../suggest.js';
import type { RecordedVcpu, Recording } from './recording.js';
import { settledSleep, startSettledLimit, type ManualLimit } from './settled-limit.js';

const { max, min, round } = Math;

const MIB_PAGES = 2 ** 20 / PAGE_BYTES;
/** The guest program and its counter lie below this; every page from here on was filled with non-zero words. */
const PROGRAM_MIB = 16;
/** Every so many accesses a vCPU stores its counter, in one page that all share. */
const ACCESSES_PER_COUNT = 64;
/** Where in the program's memory that page is does not matter: it is the only page there that is written. */
const COUNTER_PAGE = MIB_PAGES;
/** CPU time of one access of the guest's loop, µs: what the unpaced loops of the recordings take (about 120,000 a second). */
const ACCESS_CPU_US = 8;
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
  const base = setupOf(recording, options);
  const limits = manualLimits(recording);
  const capability = capabilityOf(recording);
  const parameters = strategyParameters(recording);
  if (limits.length > 0) {
    if (capability !== 'none') {
      throw new UsageError(`migration: set-vcpu-dirty-limit together with ${capability} is not known here`, {
        file: recording.file,
      });
    }
    return {
      setup: base,
      strategy: recording.strategy,
      attach: (controls) => startSettledLimit(controls, limits),
    };
  }
  const definition = findStrategy(capability, { file: recording.file });
  const strategyOptions = parseOptions(definition, parameters, recording.file);
  const refusal = definition.refuses?.(strategyOptions, base) ?? null;
  if (refusal !== null) throw new UsageError(refusal, { file: recording.file });
  const setup = definition.prepare?.(strategyOptions, base) ?? base;
  return {
    setup,
    strategy: recording.strategy,
    attach: (controls) => definition.start(strategyOptions, controls),
  };
}

// ---------------------------------------------------------------------------------------------------- the migration

/** Capabilities that change nothing in the model. */
const SILENT_CAPABILITIES = [
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
const STRATEGY_PARAMETERS: Readonly<Record<string, readonly string[]>> = {
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

function capabilityOf({ migration, file }: Recording): 'none' | 'auto-converge' | 'dirty-limit' {
  for (const capability of migration.capabilities) {
    if (SILENT_CAPABILITIES.includes(capability)) continue;
    throw new UsageError(
      `migration.capabilities: "${capability}" is not known here; expected ${SILENT_CAPABILITIES.join(', ')}`,
      { file },
    );
  }
  if (migration.capabilities.includes('auto-converge')) return 'auto-converge';
  return migration.capabilities.includes('dirty-limit') ? 'dirty-limit' : 'none';
}

function strategyParameters({ migration, file }: Recording): Record<string, number | boolean> {
  const known = [...new Set([...MIGRATION_PARAMETERS, ...Object.values(STRATEGY_PARAMETERS).flat()])];
  const wrong = Object.keys(migration.parameters).find((name) => !known.includes(name));
  if (wrong !== undefined) {
    const meant = nearest(wrong, known);
    const hint = meant === undefined ? `expected ${known.join(', ')}` : `did you mean ${meant}?`;
    throw new UsageError(`migration.parameters: "${wrong}" is not known here; ${hint}`, { file });
  }
  return migration.parameters;
}

function parseOptions(
  definition: StrategyDefinition,
  parameters: Record<string, number | boolean>,
  file: string,
): Record<string, unknown> {
  const own = STRATEGY_PARAMETERS[definition.name] ?? [];
  const given = Object.fromEntries(Object.entries(parameters).filter(([name]) => own.includes(name)));
  const parsed = definition.options.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UsageError(
    `migration.parameters.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'cannot be'}`,
    { file },
  );
}

function manualLimits(recording: Recording): ManualLimit[] {
  const { migration, guest, environment, file } = recording;
  const limits: ManualLimit[] = [];
  migration.before.forEach((command, at) => {
    if (command.execute !== 'set-vcpu-dirty-limit') {
      throw new UsageError(
        `migration.before[${at}]: "${command.execute}" is not known here; expected set-vcpu-dirty-limit`,
        { file },
      );
    }
    const quota = command.arguments['dirty-rate'];
    const index = command.arguments['cpu-index'];
    if (typeof quota !== 'number' || !(quota > 0)) {
      throw new UsageError(`migration.before[${at}]: dirty-rate should be a positive number of MiB/s`, {
        file,
      });
    }
    if (environment.dirtyRingSize === 0)
      throw new UsageError(`migration.before[${at}]: a dirty limit needs a dirty ring`, { file });
    guest.vcpus.forEach((vcpu, id) => {
      if (index !== undefined && index !== id) return;
      const state = settledSleep(
        ringEntriesPerSecond(vcpu),
        quota,
        environment.dirtyRingSize,
        migration.beforeSettleSeconds,
      );
      limits.push({ vcpu: id, quota, ...state });
    });
  });
  return limits;
}

function setupOf(recording: Recording, options: PredictOptions): MigrationSetup {
  const { migration, environment, file } = recording;
  const number = (name: string, otherwise: number): number => {
    const value = migration.parameters[name];
    if (value === undefined) return otherwise;
    if (typeof value === 'number') return value;
    throw new UsageError(`migration.parameters.${name}: expected a number`, { file });
  };
  return {
    name: recording.id,
    guest: guestOf(recording),
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
    seed: options.seed ?? 1,
    run: options.run ?? 1,
    timelineMs: 0,
    keepSyncs: true,
  };
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

/** The guest program of the recordings, as access classes. */
export function guestOf(recording: Recording): GuestSpec {
  const { guest, environment } = recording;
  const ramPages = guest.memoryMiB * MIB_PAGES;
  const hiddenPages = guest.ramTotalBytes / PAGE_BYTES - ramPages;
  return {
    ramPages,
    hiddenPages,
    zeroExtents: zeroExtentsOf(guest.zeroPagesAtStart, ramPages, hiddenPages),
    dirtyRingSize: environment.dirtyRingSize,
    hostPagePages: 1,
    vcpus: guest.vcpus.map(vcpuOf),
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

function vcpuOf(vcpu: RecordedVcpu): VcpuSpec {
  const rate = vcpu.pagesPerSecond;
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

/** Every write pushes an entry: the loop's own and its counter's. */
function ringEntriesPerSecond(vcpu: RecordedVcpu): number {
  const counter = vcpu.pagesPerSecond / ACCESSES_PER_COUNT;
  return counter + (vcpu.access === 'write' ? vcpu.pagesPerSecond : 0);
}

/** Accesses that a predicted vCPU did, without the stores of its counter: what a recording's `vcpuPages` counts. */
export function accessesOf(result: MigrationResult, vcpu: number): number {
  const { writes, reads } = result.vcpus[vcpu]!;
  return round((writes + reads) / (1 + 1 / ACCESSES_PER_COUNT));
}
