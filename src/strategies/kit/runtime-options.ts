/** `set: { downtime-limit: 2s, max-bandwidth: 50MiB/s }`: parameters that may change while a migration runs, under QEMU's names. */
import { keysOf } from '../../lists.js';
import {
  RUNTIME_NAMES,
  STRATEGY_PARAMETERS,
  type RuntimeParameter,
  type RuntimeParameters,
} from '../../migration/runtime-parameters.js';
import { type QemuVersion, since, versionFacts } from '../../migration/rules/versions.js';
import type { StrategyDefinition } from '../define.js';
import type { TableValues } from '../../options/table.js';
import { tableSchema } from '../../options/zod.js';

/** migration.c:MAX_MIGRATE_DOWNTIME, ms. */
const MAX_DOWNTIME_MS = 2_000_000;

/** bytes/s; 0 and `words` are accepted. */
const RATE = { kind: 'rate', zero: true, optional: true } as const;
const UNLIMITED = { unlimited: 0 } as const;
const THROTTLE = { kind: 'percent', min: 1, max: 99, optional: true } as const;

const runtimeTable = {
  'downtime-limit': {
    kind: 'duration-ms',
    max: MAX_DOWNTIME_MS,
    optional: true,
    summary: 'how long the guest may be stopped, as QEMU estimates it',
  },
  'max-bandwidth': { ...RATE, words: UNLIMITED, summary: 'what the migration may send' },
  'avail-switchover-bandwidth': { ...RATE, summary: 'what the switchover may count on; 0: the estimate' },
  'max-postcopy-bandwidth': { ...RATE, words: UNLIMITED, summary: 'of the background push in post-copy' },
  'throttle-trigger-threshold': {
    kind: 'percent',
    min: 1,
    optional: true,
    summary: 'share of the bytes sent that makes a sync bad when it came back dirty',
  },
  'cpu-throttle-initial': { ...THROTTLE, summary: 'throttle percentage of the first step' },
  'cpu-throttle-increment': { ...THROTTLE, summary: 'points added at each further step' },
  'max-cpu-throttle': { ...THROTTLE, summary: 'throttle percentage that is never exceeded' },
  'cpu-throttle-tailslow': {
    kind: 'flag',
    optional: true,
    summary: 'take smaller steps near the end of the ladder',
  },
  'vcpu-dirty-limit': {
    kind: 'mib-per-second',
    min: 1,
    optional: true,
    summary: 'dirty rate that each limited vCPU is held to',
  },
  'x-vcpu-dirty-limit-period': {
    kind: 'duration-ms',
    min: 1,
    max: 1000,
    bareNumber: true,
    optional: true,
    summary: 'time over which rates are measured before each adjustment',
  },
} as const;

export const runtimeOptions = tableSchema(
  runtimeTable,
  'parameters to set, under the names of migrate-set-parameters',
);

/** As `Controls.set` takes them. */
export function runtimeParameters(written: Partial<TableValues<typeof runtimeTable>>): RuntimeParameters {
  const entries = keysOf(RUNTIME_NAMES)
    .map((key) => [key, written[RUNTIME_NAMES[key]]] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

/** Why this version of QEMU, or any, refuses such a change: a sentence, or null. */
export function refusalToSet(parameters: RuntimeParameters, qemu: QemuVersion): string | null {
  if (parameters.availSwitchoverBandwidth === undefined) return null;
  if (versionFacts[qemu].hasAvailSwitchoverBandwidth) return null;
  return `QEMU ${qemu} has no avail-switchover-bandwidth; expected qemu: '${since('hasAvailSwitchoverBandwidth')}' or later`;
}

/** The first of the parameters that only a strategy reads and this one does not; null: there is none. */
function unreadParameter(
  parameters: RuntimeParameters,
  reads: readonly RuntimeParameter[] = [],
): string | null {
  const unread = STRATEGY_PARAMETERS.find((key) => parameters[key] !== undefined && !reads.includes(key));
  return unread === undefined ? null : RUNTIME_NAMES[unread];
}

/** Why a strategy cannot run where these are set: it would leave one of them unread. A sentence, or null. */
export function unreadBy(
  { name, takesUp }: Pick<StrategyDefinition, 'name' | 'takesUp'>,
  sets: readonly (RuntimeParameters | undefined)[],
  who: string,
): string | null {
  for (const set of sets) {
    const unread = set === undefined ? null : unreadParameter(set, takesUp);
    if (unread !== null) return `${name} does not read ${unread}, which ${who} sets`;
  }
  return null;
}
