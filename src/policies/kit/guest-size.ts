const { floor } = Math;

const GRAIN = 64 * 2 ** 20;

/**
 * Guest RAM in bytes. `ram.total` of query-migrate is larger by ROMs and video memory, some 17 MiB; orchestrators go by the
 * size that the guest was ordered with, which is a multiple of 64 MiB.
 */
export function guestRamBytes(totalBytes: number): number {
  return totalBytes < GRAIN ? totalBytes : floor(totalBytes / GRAIN) * GRAIN;
}
