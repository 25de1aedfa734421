/** When a strategy begins, and the parameter of the detector that all of QEMU's strategies share. */
import type { MigrationSetup } from '../../migration/setup.js';

/** The option `throttle-trigger-threshold`, percent. */
export const throttleTriggerThreshold = {
  kind: 'percent',
  min: 1,
  max: 100,
  default: 50,
  summary: 'a sync is bad when more than this share of the bytes sent since the last one came back dirty',
} as const;

/** `setup` with the detector's threshold set to `threshold` percent. */
export function withTriggerThreshold(setup: MigrationSetup, threshold: number): MigrationSetup {
  return { ...setup, migration: { ...setup.migration, throttleTriggerThreshold: threshold } };
}
