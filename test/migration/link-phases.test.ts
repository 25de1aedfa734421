/** The network's phases and its jitter: what passes over it is never more than it carries, whatever is sent in one go. */
import { describe, expect, test } from '@jest/globals';
import type { MigrationResult } from '../../src/migration/result.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { MIB, type SetupFields, migrate, setupOf, writer } from './setups.js';

const MEMORIES: readonly MigrationSetup['memory'][] = ['page', 'fluid'];
const BYTES_PER_SECOND = 100e6;

/** 64 MiB that are all sent with the guest stopped, as the first window allows for any amount. */
function stopped(fields: SetupFields): MigrationResult {
  return migrate(
    setupOf({
      ...fields,
      guest: { zeroExtents: [{ firstPage: 0, pages: 16 * MIB }], ...fields.guest },
      link: { bandwidthBytesPerSecond: BYTES_PER_SECOND, ...fields.link },
      migration: { availSwitchoverBandwidth: 1e12, maxBandwidth: 1e6, ...fields.migration },
    }),
  );
}

describe.each(MEMORIES)('a switchover in the %s memory', (memory) => {
  /**
   * It carries about 50 MB from 100 ms on. At 200 ms the link falls to a tenth until 700 ms, in which it carries 5 MB and not
   * 50 MB: the end comes 450 ms later than without.
   */
  test('goes at the rate of each phase of the link', () => {
    const { downtimeMs, sentBytes } = stopped({ memory });
    const phases = [
      { atUs: 200_000, bandwidthBytesPerSecond: BYTES_PER_SECOND / 10, latencyUs: 0 },
      { atUs: 700_000, bandwidthBytesPerSecond: BYTES_PER_SECOND, latencyUs: 0 },
    ];
    const slowed = stopped({ memory, link: { phases } });
    expect(slowed.sentBytes).toBe(sentBytes);
    expect(slowed.downtimeMs! - downtimeMs!).toBeGreaterThanOrEqual(449);
    expect(slowed.downtimeMs! - downtimeMs!).toBeLessThanOrEqual(451);
  });

  test('so does the state of devices, and the package of post-copy', () => {
    const host = { deviceStateBytes: 100e6 };
    const phases = [{ atUs: 900_000, bandwidthBytesPerSecond: BYTES_PER_SECOND / 10, latencyUs: 0 }];
    const guest = { ramPages: MIB, zeroExtents: [] };
    for (const postcopy of [false, true]) {
      const migration = { postcopy };
      const at = (fields: Partial<SetupFields>): number =>
        migrate(
          setupOf({
            memory,
            guest,
            host,
            migration,
            ...fields,
            link: { bandwidthBytesPerSecond: BYTES_PER_SECOND, ...fields.link },
          }),
          'none',
          {},
          (controls) => {
            if (postcopy) controls.startPostcopy();
          },
        ).blackoutMs!;
      // About a second; what is left of it at 900 ms takes ten times as long.
      const even = at({});
      const leftMs = at({ link: { phases } }) - even;
      expect(leftMs / 9).toBeGreaterThan(90);
      expect(leftMs / 9).toBeLessThan(115);
    }
  });
});

/**
 * A share of the link lasts for 50 ms. In pages of 2 MiB, each of which may be sent in one go, the first pass takes as long as
 * in pages of 4 KiB, over many draws; and both memories draw alike.
 */
test('jitter is of time, not of pages: huge host pages take as long as small ones', () => {
  const passMs = (hostPagePages: number, memory: MigrationSetup['memory']): number => {
    let sum = 0;
    for (let run = 1; run <= 8; run += 1)
      sum += migrate(
        setupOf({
          memory,
          run,
          guest: { ramPages: 512 * MIB, hostPagePages, vcpus: [writer({ pages: MIB, writesPerSecond: 10 })] },
          link: { bandwidthBytesPerSecond: 60e6, jitter: 0.5 },
        }),
      ).syncs[1]!.timeMs;
    return sum / 8;
  };
  const small = passMs(1, 'page');
  const huge = passMs(512, 'page');
  expect(Math.abs(huge / small - 1)).toBeLessThan(0.03);
  expect(Math.abs(passMs(512, 'fluid') / huge - 1)).toBeLessThan(0.001);
});
