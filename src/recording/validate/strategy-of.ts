/** The strategy that a recording's capabilities, parameters and commands amount to. */
import { UsageError } from '../../errors.js';
import { nearest } from '../../suggest.js';
import type { Recording } from '../recording-file.js';

type Capability = 'none' | 'auto-converge' | 'dirty-limit';

/** Of these, some choose the strategy, some are settings of the migration, and `events` changes nothing. */
const KNOWN_CAPABILITIES = [
  'events',
  'pause-before-switchover',
  'return-path',
  'auto-converge',
  'dirty-limit',
  'xbzrle',
  'multifd',
  'postcopy-ram',
  'postcopy-preempt',
  'postcopy-blocktime',
];
/** Parameters of the migration itself; the others belong to a strategy. */
const MIGRATION_PARAMETERS = [
  'max-bandwidth',
  'downtime-limit',
  'avail-switchover-bandwidth',
  'throttle-trigger-threshold',
  'multifd-channels',
  'xbzrle-cache-size',
  'max-postcopy-bandwidth',
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

export interface StrategyRequest {
  readonly name: string;
  /** Options as a user would write them. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** The strategy that capabilities, parameters and commands amount to. */
export function strategyOf(recording: Recording): StrategyRequest {
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
