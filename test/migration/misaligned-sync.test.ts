/** RAM that does not begin and end at 64 pages, as with many vhost-user devices: a sync that takes longer up to QEMU 10.2. */
import { describe, expect, test } from '@jest/globals';
import type { QemuVersion } from '../../src/migration/rules/versions.js';
import { migrate, setupOf } from './setups.js';

describe.each([0, 4096])('the final sync with a dirty ring of %i', (dirtyRingSize) => {
  const lasts = (qemu: QemuVersion, misalignedSyncUs: number): number =>
    migrate(setupOf({ guest: { dirtyRingSize }, host: { misalignedSyncUs }, migration: { qemu } })).syncs.at(
      -1,
    )!.durationMs;

  test.each([
    ['7.2', 60],
    ['10.2', 60],
    ['11.0', 1],
    ['11.1', 1],
  ] as const)('QEMU %s: 60 ms of it last %i ms', (qemu, ms) => {
    expect(lasts(qemu, 60_000) - lasts(qemu, 0)).toBeCloseTo(ms, 0);
  });
});
