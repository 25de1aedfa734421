/**
 * A cancel ends the migration at that instant, wherever the thread is: in the middle of a page on a slow link, of a wait
 * for the next window, of a sync, of the switchover. By then as much has left as the wire could carry, and no more.
 */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { runMigration } from '../../src/migration/engine.js';
import { MIB, NORMAL_RECORD, PAGE, ZERO_RECORD, freeHost, setupOf, vcpuWith, writer } from './setups.js';

const { abs, floor } = Math;

const guests = fc.record({
  pages: fc.integer({ min: 1, max: MIB }),
  pattern: fc.constantFrom('uniform' as const, 'sequential' as const),
  writesPerSecond: fc.constantFrom(0, 20, 5_000),
  dirtyRingSize: fc.constantFrom(0, 1024),
  isPhased: fc.boolean(),
  hostPagePages: fc.constantFrom(1, 1, 512),
});

const migrations = fc.record({
  memory: fc.constantFrom('page' as const, 'fluid' as const),
  host: fc.constantFrom(freeHost, bareMetal),
  // From a page in half a minute to 2 MiB in 17 ms.
  bandwidthBytesPerSecond: fc.constantFrom(120, 3_000, 1e5, 1.2e8),
  maxBandwidth: fc.constantFrom(0, 0, 1, 5_000, 1e6),
  manualDirtyLogProtect: fc.boolean(),
  clearBitmapShift: fc.constantFrom(6, 18),
  downtimeLimitMs: fc.constantFrom(0, 300, 100_000),
  seed: fc.nat(1000),
});

const scenario = fc.tuple(guests, migrations).map(([g, m]): MigrationSetup => {
  const { bandwidthBytesPerSecond, host, memory, seed, ...migration } = m;
  const one = writer({ pages: g.pages, writesPerSecond: g.writesPerSecond, pattern: g.pattern });
  const phases = [
    { atUs: 0, writeFactor: 0, readFactor: 1 },
    { atUs: 300_000, writeFactor: 1, readFactor: 1 },
  ];
  const vcpu = g.isPhased ? { ...vcpuWith(one.classes), phases, phasePeriodUs: 1e6 } : one;
  const zeroExtents = [{ firstPage: MIB, pages: MIB / 2 }];
  return setupOf({
    guest: {
      ramPages: 2 * MIB,
      zeroExtents,
      dirtyRingSize: g.dirtyRingSize,
      hostPagePages: g.hostPagePages,
      vcpus: [vcpu],
    },
    host,
    memory,
    seed,
    timelineMs: 100,
    link: { bandwidthBytesPerSecond },
    migration: { ...migration, giveUpAfterUs: 3_600_000_000 },
  });
});

const cancelUs = fc.integer({ min: 1, max: 4_000_000 });

/** null: it was over before. */
function cancelled(setup: MigrationSetup, atUs: number): MigrationResult | null {
  const result = runMigration(setup, { strategy: 'none', policy: 'wait' }, (controls) => {
    controls.after(atUs / 1000, () => controls.cancel('enough'));
  });
  return result.status === 'cancelled' ? result : null;
}

/** Parts of the wire that belong to no page: what setup sends, and the end of each iteration. */
const SETUP_BYTES = 2_000;

describe('a cancel', () => {
  property.prop([scenario, cancelUs], { seed: 1, numRuns: 120 })('ends it at that instant', (setup, atUs) => {
    const result = cancelled(setup, atUs);
    if (result === null) return;
    expect(result.totalTimeMs).toBe(floor(atUs / 1000));
    expect(result.timeline.at(-1)!.timeMs).toBeCloseTo(atUs / 1000, 6);
    expect(result.timeline.at(-1)!.sentBytes).toBe(result.sentBytes);
    result.timeline.forEach(({ timeMs, sentBytes }, i) => {
      expect(timeMs).toBeLessThanOrEqual(atUs / 1000 + 1e-9);
      if (i > 0) expect(sentBytes).toBeGreaterThanOrEqual(result.timeline[i - 1]!.sentBytes);
    });
  });

  property.prop([scenario, cancelUs], { seed: 2, numRuns: 120 })(
    'leaves each page sent or to be sent',
    (setup, atUs) => {
      const result = cancelled(setup, atUs);
      if (result === null) return;
      const total = result.totalRamBytes / PAGE;
      const found = result.syncs.reduce((sum, sync) => sum + sync.newDirtyPages, 0);
      const sent = result.normalPages + result.zeroPages;
      expect(abs(sent + result.remainingBytes / PAGE - total - found)).toBeLessThanOrEqual(2);
      const records = result.normalPages * NORMAL_RECORD + result.zeroPages * ZERO_RECORD;
      expect(result.sentBytes).toBeGreaterThanOrEqual(records - NORMAL_RECORD);
    },
  );

  // The wire is busy at most all the time, and the page that is cut off has not left.
  property.prop([scenario, cancelUs], { seed: 3, numRuns: 120 })(
    'has sent what the link can carry at most',
    (setup, atUs) => {
      const result = cancelled(setup, atUs);
      if (result === null) return;
      const records = result.normalPages * NORMAL_RECORD + result.zeroPages * ZERO_RECORD;
      const carried = (setup.link.bandwidthBytesPerSecond * atUs) / 1e6;
      expect(records).toBeLessThanOrEqual(carried + SETUP_BYTES);
    },
  );

  property.prop([scenario, cancelUs, cancelUs], { seed: 4, numRuns: 60 })(
    'that comes later finds as much sent or more',
    (setup, a, b) => {
      const [early, late] = [cancelled(setup, Math.min(a, b)), cancelled(setup, Math.max(a, b))];
      if (early === null || late === null) return;
      expect(early.sentBytes).toBeLessThanOrEqual(late.sentBytes);
      expect(early.dirtySyncCount).toBeLessThanOrEqual(late.dirtySyncCount);
    },
  );
});

describe('giving up', () => {
  property.prop([scenario, cancelUs], { seed: 5, numRuns: 60 })('is as punctual', (setup, atUs) => {
    const given = { ...setup, migration: { ...setup.migration, giveUpAfterUs: atUs } };
    const result = runMigration(given, { strategy: 'none', policy: 'wait' }, () => {});
    if (result.status !== 'gave-up')
      return expect(result.totalTimeMs).toBeLessThanOrEqual(atUs / 1000 + 1000);
    expect(result.totalTimeMs).toBe(floor(atUs / 1000));
  });

  // Post-copy cannot be cancelled: the guest has moved, in part.
  property.prop([scenario, cancelUs], { seed: 6, numRuns: 40 })(
    'waits for post-copy to end',
    (setup, atUs) => {
      const migration = { ...setup.migration, postcopy: true, giveUpAfterUs: 2 * atUs + 1 };
      const link = { ...setup.link, bandwidthBytesPerSecond: 1e5 };
      const given = { ...setup, link, migration, timelineMs: 0 };
      const result = runMigration(given, { strategy: 'none', policy: 'wait' }, (controls) => {
        controls.after(atUs / 1000, () => controls.startPostcopy());
      });
      if (result.status === 'completed') expect(result.remainingBytes).toBe(0);
      else expect(result.totalTimeMs).toBe(floor((2 * atUs + 1) / 1000));
    },
  );
});

/** 64 MiB that all go with the guest stopped, in one stretch of more than half a second. */
test.each(['page', 'fluid'] as const)('a cancel late in the stop phase, %s memory', (memory) => {
  for (const atMs of [150, 333, 600]) {
    const setup = setupOf({
      memory,
      link: { bandwidthBytesPerSecond: 1e8 },
      migration: { availSwitchoverBandwidth: 1e12, maxBandwidth: 1e6 },
    });
    const { sentBytes } = cancelled(setup, atMs * 1000)!;
    expect(sentBytes).toBeLessThan(atMs * 1e5 + SETUP_BYTES);
    // The cap binds before the first window is over.
    expect(sentBytes).toBeGreaterThan((atMs - 110) * 1e5);
  }
});
