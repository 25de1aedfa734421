/** From an entry of oVirt's MigrationPolicies to a policy. Source: ovirt-engine 0000_config.sql, MigrationPolicy.java. */
import * as z from 'zod/mini';
import { FLAG } from './forms.js';
import type { ImportedPolicy } from './imported.js';
import {
  convergenceConfig,
  OVIRT_SCHEDULES,
  scheduleOf,
  usesPostcopy,
  type Schedule,
} from '../kit/ovirt-schedule.js';

/** What else stands there (id, description, maxMigrations, enableGuestEvents) is not about the migration. */
export const ovirtPolicy = z.looseObject({
  name: z.nullish(z.string()),
  autoConvergence: z.nullish(FLAG),
  migrationCompression: z.nullish(FLAG),
  zeroCopy: z.nullish(FLAG),
  config: convergenceConfig,
});

/** The word for a schedule that ovirt-engine ships. */
function wordFor(schedule: Schedule): string | undefined {
  const text = JSON.stringify(schedule);
  return Object.entries(OVIRT_SCHEDULES).find(([, shipped]) => JSON.stringify(shipped) === text)?.[0];
}

export function importOvirt(policy: z.output<typeof ovirtPolicy>): ImportedPolicy {
  const { config, name, autoConvergence, migrationCompression, zeroCopy } = policy;
  const schedule = scheduleOf(config);
  return {
    name: 'ovirt',
    options: { schedule: wordFor(schedule) ?? config },
    title: name ?? null,
    migration: { postcopy: usesPostcopy(schedule) },
    strategy: autoConvergence === true ? 'auto-converge' : 'none',
    unused: [
      ...(migrationCompression === true ? ['migrationCompression'] : []),
      ...(zeroCopy === true ? ['zeroCopy'] : []),
    ],
  };
}
