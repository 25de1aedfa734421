/**
 * What a VFIO device adds to QEMU's count of what is pending, and when it sends (hw/vfio/migration.c), from 8.0 on. Sizes in
 * bytes.
 */
import type { VersionFacts } from './versions.js';

const { min } = Math;

/** hw/vfio/migration.c:VFIO_MIG_DEFAULT_DATA_BUFFER_SIZE: what one call of vfio_save_iterate reads at most. */
export const DATA_BUFFER_BYTES = 2 ** 20;
/** vfio_save_block: flags and length before the data; vfio_save_iterate: the flag behind it; section header and footer. */
export const BLOCK_OVERHEAD_BYTES = 8 + 8 + 8 + 5 + 5;

/** What is left of a device's state. */
export interface DeviceLeft {
  /** `initial_bytes` and `dirty_bytes` of VFIO_MIG_GET_PRECOPY_INFO. */
  readonly initial: number;
  readonly dirty: number;
  /** State that the device gives only when it is stopped. */
  readonly stopOnly: number;
}

/** vfio_state_pending_estimate: what pre-copy can take, as last queried. From 11.1 on stop-only bytes are counted with it. */
export function pendingEstimateOf({ initial, dirty, stopOnly }: DeviceLeft, version: VersionFacts): number {
  return initial + dirty + (version.estimatesStopOnly ? stopOnly : 0);
}

/**
 * vfio_state_pending_exact: `stop_copy_length`, in which the driver counts all that would be left if the device stopped now.
 * 8.1 to 9.1 add what pre-copy can take once more.
 */
export function pendingExactOf({ initial, dirty, stopOnly }: DeviceLeft, version: VersionFacts): number {
  const precopy = initial + dirty;
  return stopOnly + precopy + (version.exactAddsPrecopy ? precopy : 0);
}

/** vfio_save_block: what one call takes, the initial bytes first (vfio_update_estimated_pending_data). */
export function blockBytes({ initial, dirty }: DeviceLeft): number {
  return min(DATA_BUFFER_BYTES, initial + dirty);
}
