/** One outgoing migration of the simulated guest: its setup from the capabilities and parameters in force, and its strategy. */
import { nth } from '../../lists.js';
import { startMigration, type SteppedMigration } from '../../migration/engine.js';
import type { RuntimeParameters } from '../../migration/runtime-parameters.js';
import type { MigrationSetup, StreamSpec } from '../../migration/setup.js';
import { COMPRESSORS, compressorNamed } from '../../migration/rules/compressors.js';
import { PLAIN_STREAM } from '../../migration/rules/stream.js';
import { preparedSetup } from '../../experiment/simulate.js';
import { chooseStrategy, choosePolicy } from '../../experiment/choice.js';
import type { Scenario, StrategyChoice } from '../../scenario/scenario.js';
import {
  DirtyLimiter,
  MANUAL_PERIOD_MS,
  startDirtyLimitCapability,
} from '../../strategies/kit/dirty-limiter.js';
import { refused } from './errors.js';
import { textOf } from './json/parser.js';
import type { ParameterValues } from './parameters.js';

/** What decides how a migration runs, when `migrate` is given. */
export interface RunChoices {
  readonly scenario: Scenario;
  /** A strategy of the simulated QEMU's own, which no capability switches; null: capabilities decide. */
  readonly strategy: StrategyChoice | null;
  readonly capabilities: ReadonlySet<string>;
  readonly parameters: ParameterValues;
  readonly memory: 'page' | 'fluid';
  readonly seed: number;
  /** Which repetition: names its random streams. */
  readonly run: number;
  /** Everything uncertain is drawn for this repetition; false: at its median. */
  readonly draw: boolean;
  /** set-vcpu-dirty-limit: MiB/s by vCPU, and how long they have been in force, µs. */
  readonly limits: ReadonlyMap<number, number>;
  readonly settleUs: number;
}

const LADDER = [
  'cpu-throttle-initial',
  'cpu-throttle-increment',
  'max-cpu-throttle',
  'cpu-throttle-tailslow',
] as const;

/** The strategy that the capabilities ask for. */
export function strategyOf({ strategy, capabilities, parameters }: RunChoices): StrategyChoice {
  if (strategy !== null) return strategy;
  const take = (names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(names.map((name) => [name, parameters[name]]));
  const threshold = { 'throttle-trigger-threshold': parameters['throttle-trigger-threshold'] };
  if (capabilities.has('auto-converge'))
    return chooseStrategy('auto-converge', { ...take(LADDER), ...threshold });
  if (capabilities.has('dirty-limit')) {
    const limit = `${whole(parameters['vcpu-dirty-limit'])}MiB/s`;
    const period = `${whole(parameters['x-vcpu-dirty-limit-period'])}ms`;
    const options = { 'vcpu-dirty-limit': limit, 'x-vcpu-dirty-limit-period': period, ...threshold };
    return chooseStrategy('dirty-limit', options);
  }
  return chooseStrategy('none');
}

/** A migration under way, and its dirty limiters. */
export interface OutgoingRun {
  readonly stepped: SteppedMigration;
  /** Of set-vcpu-dirty-limit. */
  readonly byHand: DirtyLimiter;
  /** Of the capability; null: it is off, or not in service. */
  byCapability(): DirtyLimiter | null;
}

/** As QEMU would run it now. Throws `QmpError` where a simulation cannot. */
export function startRun(choices: RunChoices): OutgoingRun {
  const strategy = strategyOf(choices);
  const setup = setupOf(choices, strategy);
  const byHand: DirtyLimiter[] = [];
  let byCapability = (): DirtyLimiter | null => null;
  const labels = { strategy: strategy.label, policy: 'client' };
  const stepped = startMigration(setup, labels, (controls) => {
    const { capabilities, parameters } = choices;
    if (choices.strategy === null && capabilities.has('dirty-limit')) {
      const quota = whole(parameters['vcpu-dirty-limit']);
      const periodMs = whole(parameters['x-vcpu-dirty-limit-period']);
      byCapability = startDirtyLimitCapability(controls, quota, periodMs);
    } else strategy.definition.start(strategy.options, controls);
    const limiter = new DirtyLimiter(controls, MANUAL_PERIOD_MS);
    for (const [vcpu, quota] of choices.limits) limiter.set([vcpu], quota);
    byHand.push(limiter);
  });
  return { stepped, byHand: nth(byHand, 0), byCapability };
}

/** The scenario's setup with what a client may have changed. */
export function setupOf(choices: RunChoices, strategy: StrategyChoice): MigrationSetup {
  const { scenario, capabilities, parameters, seed, run, memory, draw, settleUs } = choices;
  const policy = choosePolicy('wait');
  const setup = preparedSetup(scenario, strategy, { seed, run, memory, draw, policy, keepSyncs: false });
  const { migration } = setup;
  const changed = {
    ...migration,
    maxBandwidth: whole(parameters['max-bandwidth']),
    downtimeLimitMs: whole(parameters['downtime-limit']),
    availSwitchoverBandwidth: whole(parameters['avail-switchover-bandwidth']),
    maxPostcopyBandwidth: whole(parameters['max-postcopy-bandwidth']),
    throttleTriggerThreshold: whole(parameters['throttle-trigger-threshold']),
    returnPath: capabilities.has('return-path'),
    pauseBeforeSwitchover: capabilities.has('pause-before-switchover'),
    // The client answers, and the client gives up.
    migrateContinueDelayUs: 0,
    migrateContinueAtUs: Infinity,
    giveUpAfterUs: 0,
    postcopy: capabilities.has('postcopy-ram'),
    postcopyPreempt: capabilities.has('postcopy-preempt'),
    // Recovery is the client's too.
    postcopyRecover: true,
    settleUs: Math.max(migration.settleUs ?? 0, settleUs),
    stream: streamOf(migration.stream ?? PLAIN_STREAM, choices),
  };
  return { ...setup, migration: changed };
}

/** The scenario's stream, or the one that a client switched to, with the scenario's costs where it has them. */
function streamOf(scenario: StreamSpec, { capabilities, parameters }: RunChoices): StreamSpec {
  const kind = capabilities.has('multifd') ? 'multifd' : capabilities.has('xbzrle') ? 'xbzrle' : 'plain';
  const detection = parameters['zero-page-detection'];
  const zeroPageDetection =
    detection === 'none' || detection === 'legacy' || detection === 'multifd'
      ? detection
      : scenario.zeroPageDetection;
  const common: StreamSpec = { ...scenario, kind, zeroPageDetection };
  if (kind === 'xbzrle')
    return { ...common, ...xbzrleCosts(scenario), xbzrleCacheBytes: whole(parameters['xbzrle-cache-size']) };
  if (kind === 'plain') return common;
  const channels = whole(parameters['multifd-channels']);
  const name = textOf(parameters['multifd-compression']);
  if (name === scenario.compression) return { ...common, channels };
  const compressor = compressorNamed(name);
  if (compressor === undefined)
    throw refused(`migsim does not simulate multifd-compression ${name}; known: ${COMPRESSORS.join(', ')}`);
  return {
    ...common,
    channels,
    compression: name,
    compressionRatio: compressor.ratio,
    compressionBytesPerSecond: compressor.bytesPerSecond,
    compressionCpuShare: compressor.cpuShare,
    decompressionBytesPerSecond: compressor.decompressionBytesPerSecond,
  };
}

/** Of a scenario that is not about XBZRLE: those of docs/scenario.md. */
const XBZRLE_COSTS = { xbzrleEncodedBytes: 512, xbzrleOverflowShare: 0.05, xbzrleBytesPerSecond: 1.8e9 };

function xbzrleCosts(scenario: StreamSpec): Partial<StreamSpec> {
  return scenario.kind === 'xbzrle' ? {} : XBZRLE_COSTS;
}

/** A parameter's number; 0 for one that the version does not have. */
export function whole(value: unknown): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
}

/** What of a change reaches a migration that runs (options.c:migrate_params_apply). */
export function runtimeParametersOf(set: ParameterValues): RuntimeParameters {
  const number = (name: string): number | undefined =>
    set[name] === undefined ? undefined : whole(set[name]);
  const tailslow = set['cpu-throttle-tailslow'];
  const all = {
    downtimeLimitMs: number('downtime-limit'),
    maxBandwidth: number('max-bandwidth'),
    availSwitchoverBandwidth: number('avail-switchover-bandwidth'),
    maxPostcopyBandwidth: number('max-postcopy-bandwidth'),
    throttleTriggerThreshold: number('throttle-trigger-threshold'),
    cpuThrottleInitial: number('cpu-throttle-initial'),
    cpuThrottleIncrement: number('cpu-throttle-increment'),
    maxCpuThrottle: number('max-cpu-throttle'),
    cpuThrottleTailslow: typeof tailslow === 'boolean' ? tailslow : undefined,
    vcpuDirtyLimitMib: number('vcpu-dirty-limit'),
    vcpuDirtyLimitPeriodMs: number('x-vcpu-dirty-limit-period'),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
