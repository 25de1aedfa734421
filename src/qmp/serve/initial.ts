/** What is in force before a client changes anything: what the scenario says. */
import type { MigrationSetup } from '../../migration/setup.js';
import { PLAIN_STREAM } from '../../migration/rules/stream.js';
import type { StrategyChoice } from '../../scenario/scenario.js';
import type { JsonValue } from './json/parser.js';
import type { ParameterValues } from './parameters.js';
import { capabilitiesOf } from './version-facts.js';

/** A strategy that QEMU has as a capability, which a client can switch off; null: it is another. */
export function ofCapability(
  strategy: StrategyChoice | null,
): { readonly capability: string; readonly parameters: ParameterValues } | null {
  const name = strategy?.definition.name;
  if (strategy === null || (name !== 'auto-converge' && name !== 'dirty-limit')) return null;
  if (name === 'dirty-limit' && strategy.options['when'] !== 'trigger') return null;
  const parameters: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(strategy.options))
    if (typeof value === 'number' || typeof value === 'boolean') parameters[key] = value;
  delete parameters['settle'];
  return { capability: name, parameters };
}

export function initialCapabilities({ migration }: MigrationSetup, strategy?: string): ReadonlySet<string> {
  const kind = (migration.stream ?? PLAIN_STREAM).kind;
  const wanted: readonly (readonly [string, boolean])[] = [
    [strategy ?? '', strategy !== undefined],
    [kind, kind !== 'plain'],
    ['return-path', migration.returnPath],
    ['pause-before-switchover', migration.pauseBeforeSwitchover],
    ['postcopy-ram', migration.postcopy === true],
    ['postcopy-preempt', migration.postcopyPreempt === true],
  ];
  const known = capabilitiesOf(migration.qemu);
  return new Set(wanted.filter(([name, on]) => on && known.includes(name)).map(([name]) => name));
}

/** Under QEMU's names. */
export function parametersOf({ migration }: MigrationSetup): ParameterValues {
  const stream = migration.stream ?? PLAIN_STREAM;
  return {
    'max-bandwidth': migration.maxBandwidth,
    'downtime-limit': migration.downtimeLimitMs,
    'avail-switchover-bandwidth': migration.availSwitchoverBandwidth,
    'max-postcopy-bandwidth': migration.maxPostcopyBandwidth ?? 0,
    'throttle-trigger-threshold': migration.throttleTriggerThreshold,
    'zero-page-detection': stream.zeroPageDetection,
    ...(stream.kind === 'multifd'
      ? { 'multifd-channels': stream.channels, 'multifd-compression': stream.compression }
      : {}),
    ...(stream.kind === 'xbzrle' ? { 'xbzrle-cache-size': stream.xbzrleCacheBytes } : {}),
  };
}
