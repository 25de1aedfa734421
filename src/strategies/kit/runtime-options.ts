/** `set: { downtime-limit: 2s, max-bandwidth: 50MiB/s }`: parameters that may change while a migration runs, under QEMU's names. */
import { z } from 'zod';
import {
  RUNTIME_NAMES,
  STRATEGY_PARAMETERS,
  type RuntimeParameter,
  type RuntimeParameters,
} from '../../migration/runtime-parameters.js';
import { type QemuVersion, since, versionFacts } from '../../migration/rules/versions.js';
import type { MigrationSetup } from '../../migration/setup.js';
import type { StrategyDefinition } from '../define.js';
import { UsageError } from '../../errors.js';
import { parseBytesPerSecond } from '../../units.js';
import { durationMs, flag, mibPerSecond, percent } from './option-types.js';

/** migration.c:MAX_MIGRATE_DOWNTIME, ms. */
const MAX_DOWNTIME_MS = 2_000_000;

/** bytes/s; `word` stands for 0. */
function bytesPerSecond(word: string) {
  return z
    .union([z.string(), z.literal(0)], { error: () => `expected a rate such as 50MiB/s, or ${word}` })
    .transform((input, context) => {
      if (input === 0 || input === word) return 0;
      try {
        return parseBytesPerSecond(input);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        context.addIssue(error.message);
        return z.NEVER;
      }
    });
}

const throttle = (): z.ZodType<number, number | string> => percent({ min: 1, max: 99 });

export const runtimeOptions = z
  .strictObject({
    'downtime-limit': durationMs({ min: 0, max: MAX_DOWNTIME_MS }).optional(),
    'max-bandwidth': bytesPerSecond('unlimited').optional(),
    'avail-switchover-bandwidth': bytesPerSecond('0').optional(),
    'max-postcopy-bandwidth': bytesPerSecond('unlimited').optional(),
    'throttle-trigger-threshold': percent({ min: 1, max: 100 }).optional(),
    'cpu-throttle-initial': throttle().optional(),
    'cpu-throttle-increment': throttle().optional(),
    'max-cpu-throttle': throttle().optional(),
    'cpu-throttle-tailslow': flag().optional(),
    'vcpu-dirty-limit': mibPerSecond({ min: 1 }).optional(),
    'x-vcpu-dirty-limit-period': durationMs({ min: 1, max: 1000, bareNumber: true }).optional(),
  })
  .describe('parameters to set, under the names of migrate-set-parameters');

/** As `Controls.set` takes them. */
export function runtimeParameters(written: z.output<typeof runtimeOptions>): RuntimeParameters {
  const entries = (Object.keys(RUNTIME_NAMES) as RuntimeParameter[])
    .map((key) => [key, written[RUNTIME_NAMES[key]]] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

/** Why QEMU, by its version, or nobody would take such a change: a sentence, or null. */
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

/** Why a strategy cannot run under a schedule: it would leave a parameter unread. A sentence, or null. */
export function unreadSchedule(
  { name, takesUp }: Pick<StrategyDefinition, 'name' | 'takesUp'>,
  { migration }: MigrationSetup,
): string | null {
  for (const { set } of migration.schedule ?? []) {
    const unread = set === undefined ? null : unreadParameter(set, takesUp);
    if (unread !== null) return `${name} does not read ${unread}, which migration.at sets`;
  }
  return null;
}
