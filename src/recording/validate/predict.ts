/**
 * A recording becomes a migration to simulate, from what was known before it started: `environment`, `guest`, `migration`.
 * Nothing here looks at `result`, `syncs` or `samples`.
 */
import { readOptions } from '../../options/read.js';
import { UsageError } from '../../errors.js';
import { recordingsTcg } from '../../guest/host-profiles/recordings-tcg.js';
import { recordingsHost } from '../../guest/host-profiles/recordings.js';
import type { HostProfile } from '../../guest/spec.js';
import type { Controls } from '../../migration/controls.js';
import { QEMU_VERSIONS, type QemuVersion } from '../../migration/rules/versions.js';
import { onDrawnHost } from '../../migration/drawn-host.js';
import type { MigrationSetup } from '../../migration/setup.js';
import { findStrategy } from '../../strategies/index.js';
import type { Recording } from '../recording-file.js';
import { continueAtUs, giveCommands } from './commands-during.js';
import { guestOf, ranBefore } from './guest-of.js';
import { strategyOf } from './strategy-of.js';
import { streamOf } from './stream-of.js';

const { max, min } = Math;

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
  const parsed = readOptions(definition.options, given);
  if ('problems' in parsed) {
    const [problem] = parsed.problems;
    throw new UsageError(
      `migration.parameters.${problem?.path.map(String).join('.') ?? ''}: ${problem?.message ?? 'cannot be'}`,
      { file },
    );
  }
  const base = setupOf(recording, options);
  const refusal = definition.refuses?.(parsed.value, base) ?? null;
  if (refusal !== null) throw new UsageError(refusal, { file });
  const setup = definition.prepare?.(parsed.value, base) ?? base;
  return {
    setup,
    strategy: recording.strategy,
    attach: (controls) => {
      definition.start(parsed.value, controls);
      giveCommands(recording, controls);
    },
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
  const setup: MigrationSetup = {
    name: recording.id,
    guest: guestOf(recording, ranBefore(seed, run)),
    host: underLoad(options.host ?? hostOf(recording), recording),
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
      migrateContinueAtUs: continueAtUs(recording),
      orchestratorContUs: 0,
      // TCG arms all pages at each sync.
      manualDirtyLogProtect: !isTcg(recording),
      clearBitmapShift: 18,
      giveUpAfterUs: migration.giveUpAfterMs * 1000,
      postcopy: migration.capabilities.includes('postcopy-ram'),
      postcopyPreempt: migration.capabilities.includes('postcopy-preempt'),
      maxPostcopyBandwidth: number('max-postcopy-bandwidth', 0),
      stream: streamOf(recording),
    },
    memory: options.memory ?? 'page',
    seed,
    run,
    timelineMs: 0,
    keepSyncs: true,
  };
  return onDrawnHost(setup, seed, run);
}

/**
 * Other load on the CPUs that source and destination share: each task that runs there next to the guest's own takes as much
 * of a page's cost more, as the stop phases of the recordings show (1.6 to 2.2 us a page at a load below 1, 2.5 to 3.4 above
 * 1.5); fewer or more than that no recording had. The machine of the recordings under TCG was quiet: its load average is what
 * the run before left, and nothing depends on it.
 */
const LOAD_SLOWS = 0.55;
const LEAST_LOAD = 0.5;
const MOST_LOAD = 2;

function underLoad(host: HostProfile, recording: Recording): HostProfile {
  const load = isTcg(recording) ? 1 : (recording.environment.hostLoadBefore ?? 1);
  const factor = 1 + LOAD_SLOWS * (min(MOST_LOAD, max(LEAST_LOAD, load)) - 1);
  return factor === 1 ? host : { ...host, sendNsPerPage: host.sendNsPerPage * factor };
}

/** The profile of the machine on which such recordings were made. */
export function hostOf(recording: Recording): HostProfile {
  return isTcg(recording) ? recordingsTcg : recordingsHost;
}

function isTcg({ environment }: Recording): boolean {
  return environment.accelerator === 'tcg';
}

function versionOf(text: string, file: string): QemuVersion {
  const version = QEMU_VERSIONS.find((known) => text === known || text.startsWith(`${known}.`));
  if (version !== undefined) return version;
  throw new UsageError(
    `environment.qemu: the rules of ${text} are not known; expected ${QEMU_VERSIONS.join(', ')}`,
    { file },
  );
}
