/** What QEMU has in force (`query-migrate-parameters`, `query-migrate-capabilities`), as the keys of a scenario. */
import { isOneOf, type UnknownMap } from '../lists.js';
import { exactRate, exactSize } from './learn/answer/scenario-text.js';

/** A key of a scenario and its value as YAML. */
export interface InForce {
  /** Below `migration`, such as `max-bandwidth`. */
  readonly key: string;
  readonly yaml: string;
}

/** A strategy with the options that QEMU's parameters give it. */
export interface StrategyInForce {
  readonly name: 'none' | 'auto-converge' | 'dirty-limit';
  /** Option and YAML value. */
  readonly options: readonly (readonly [string, string])[];
}

/** Parameters and capabilities of QEMU, as a scenario has them. */
export interface SettingsInForce {
  readonly migration: readonly InForce[];
  readonly strategy: StrategyInForce;
  /** Capabilities and parameters in force that a scenario cannot have, by QEMU's names. */
  readonly ignored: readonly string[];
}

/** Capabilities that a scenario knows, or that change nothing it computes. */
const BOOLEAN_KEYS = ['return-path', 'pause-before-switchover', 'postcopy-ram', 'postcopy-preempt'] as const;
const UNDERSTOOD = [...BOOLEAN_KEYS, 'auto-converge', 'dirty-limit', 'multifd', 'xbzrle', 'events'] as const;

/** Rates where 0 means no limit, or that nothing was set. */
const RATES = [
  ['max-bandwidth', 'unlimited'],
  ['avail-switchover-bandwidth', null],
  ['max-postcopy-bandwidth', null],
] as const;

export function settingsInForce(parameters: UnknownMap, capabilities: readonly string[]): SettingsInForce {
  const migration: InForce[] = RATES.flatMap(([key, none]): InForce[] => {
    const rate = amountIn(parameters, key);
    if (rate === null) return [];
    if (rate > 0) return [{ key, yaml: exactRate(rate) }];
    return none === null ? [] : [{ key, yaml: none }];
  });
  const limitMs = amountIn(parameters, 'downtime-limit');
  if (limitMs !== null) migration.push({ key: 'downtime-limit', yaml: `${limitMs}ms` });
  for (const key of BOOLEAN_KEYS) if (capabilities.includes(key)) migration.push({ key, yaml: 'true' });
  const stream = streamInForce(parameters, capabilities);
  if (stream !== null) migration.push({ key: 'stream', yaml: stream });
  return {
    migration,
    strategy: strategyInForce(parameters, capabilities),
    ignored: [
      ...capabilities.filter((name) => !isOneOf(UNDERSTOOD, name)),
      ...(isCompressed(parameters, capabilities) ? ['multifd-compression'] : []),
      ...(typeof parameters['tls-creds'] === 'string' && parameters['tls-creds'] !== '' ? ['tls-creds'] : []),
    ],
  };
}

function isCompressed(parameters: UnknownMap, capabilities: readonly string[]): boolean {
  return capabilities.includes('multifd') && (parameters['multifd-compression'] ?? 'none') !== 'none';
}

function streamInForce(parameters: UnknownMap, capabilities: readonly string[]): string | null {
  if (capabilities.includes('multifd')) {
    const channels = amountIn(parameters, 'multifd-channels');
    return `{ multifd: { channels: ${channels ?? 2} } }`;
  }
  if (!capabilities.includes('xbzrle')) return null;
  const cache = amountIn(parameters, 'xbzrle-cache-size');
  return `{ xbzrle: { cache-size: ${exactSize(cache ?? 64 * 2 ** 20)} } }`;
}

const THROTTLE_OPTIONS = [
  'cpu-throttle-initial',
  'cpu-throttle-increment',
  'max-cpu-throttle',
  'throttle-trigger-threshold',
] as const;

/** auto-converge with QEMU's parameters, whether it is on or not. */
export function autoConvergeInForce(parameters: UnknownMap): StrategyInForce {
  const options = THROTTLE_OPTIONS.flatMap((key): (readonly [string, string])[] => {
    const value = amountIn(parameters, key);
    return value === null ? [] : [[key, String(value)]];
  });
  const tailslow = parameters['cpu-throttle-tailslow'];
  if (tailslow === true) options.push(['cpu-throttle-tailslow', 'true']);
  return { name: 'auto-converge', options };
}

/** dirty-limit with QEMU's parameters, whether it is on or not; 1 MiB/s is QEMU's default. */
export function dirtyLimitInForce(parameters: UnknownMap): StrategyInForce {
  const limit = amountIn(parameters, 'vcpu-dirty-limit') ?? 1;
  const period = amountIn(parameters, 'x-vcpu-dirty-limit-period');
  return {
    name: 'dirty-limit',
    options: [
      ['vcpu-dirty-limit', `${limit}MiB/s`],
      ...(period === null ? [] : [['x-vcpu-dirty-limit-period', `${period}ms`] as const]),
    ],
  };
}

function strategyInForce(parameters: UnknownMap, capabilities: readonly string[]): StrategyInForce {
  if (capabilities.includes('dirty-limit')) return dirtyLimitInForce(parameters);
  if (capabilities.includes('auto-converge')) return autoConvergeInForce(parameters);
  return { name: 'none', options: [] };
}

/** `auto-converge: { cpu-throttle-initial: 20 }`, as an entry of a scenario's `strategies`. */
export function strategyText({ name, options }: StrategyInForce): string {
  if (options.length === 0) return name;
  return `${name}: { ${options.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
}

function amountIn(map: UnknownMap, key: string): number | null {
  const value = map[key];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}
