/** When a strategy begins, and the parameter of the detector that all of QEMU's strategies share. */
import type { z } from 'zod';
import type { MigrationSetup } from '../../migration/setup.js';
import { percent } from './option-types.js';

/** The option `throttle-trigger-threshold`, percent. */
export function throttleTriggerThreshold(): z.ZodType<number, number | string | undefined> {
  return percent({ min: 1, max: 100 })
    .prefault(50)
    .describe('a sync is bad when more than this share of the bytes sent since the last one came back dirty');
}

/** `setup` with the detector's threshold set to `threshold` percent. */
export function withTriggerThreshold(setup: MigrationSetup, threshold: number): MigrationSetup {
  return { ...setup, migration: { ...setup.migration, throttleTriggerThreshold: threshold } };
}
