/** A guest that no strategy is spared: two vCPUs write three times what is sent, two only read. */
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import type { MigrationParameters, MigrationSetup } from '../../src/migration/setup.js';
import { MIB, reader, setupOf, writer } from '../migration/setups.js';

/** 64 MiB/s. */
export const BANDWIDTH = 64 * 2 ** 20;

/** 512 MiB; each writer has 48 MiB to itself and writes 96 MiB/s; the downtime limit leaves 12.8 MiB to the end. */
export function smallGuest(
  fields: {
    readonly dirtyRingSize?: number;
    readonly migration?: Partial<MigrationParameters>;
    readonly pattern?: 'uniform' | 'sequential';
  } = {},
): MigrationSetup {
  const { dirtyRingSize = 1024, migration = {}, pattern = 'uniform' } = fields;
  const set = { pages: 48 * MIB, writesPerSecond: 96 * MIB, pattern };
  return setupOf({
    guest: {
      ramPages: 512 * MIB,
      dirtyRingSize,
      vcpus: [
        writer({ ...set, firstPage: 16 * MIB }),
        writer({ ...set, firstPage: 64 * MIB }),
        reader(112 * MIB, 64 * MIB, 1e6),
        reader(112 * MIB, 64 * MIB, 1e6),
      ],
    },
    host: bareMetal,
    migration: {
      maxBandwidth: BANDWIDTH,
      downtimeLimitMs: 200,
      returnPath: true,
      giveUpAfterUs: 120_000_000,
      ...migration,
    },
  });
}
