/** The rules one by one, at the values where a truncation or a comparison decides. */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import {
  ThrottleDetector,
  dirtyPagesRate,
  expectedDowntime,
  expectedDowntimeOnDemand,
  givenBandwidthPerMs,
  mayComplete,
  mbps,
  needsSync,
  pagesToClockCheck,
  pendingEstimate,
  rateExceeded,
  switchoverBandwidth,
  switchoverThreshold,
  syncIsEligible,
  triggerLimit,
  windowQuota,
} from '../../src/migration/rules/rules.js';
import type { Controls, MigrationStats } from '../../src/migration/controls.js';
import {
  type PageCost,
  PLAIN_STREAM,
  pageTimeUs,
  pagesToExceed,
  streamCosts,
} from '../../src/migration/rules/stream.js';
import { versionFacts } from '../../src/migration/rules/versions.js';
import { MIB, NORMAL_RECORD, ZERO_RECORD, freeHost, migrate, setupOf, writer } from './setups.js';

const { ceil, floor } = Math;

describe('the rate window', () => {
  test('has a tenth of max-bandwidth, in whole bytes; 0 stays unlimited', () => {
    expect(windowQuota(30_000_000)).toBe(3_000_000);
    expect(windowQuota(134_217_728)).toBe(13_421_772);
    expect(windowQuota(19)).toBe(1);
    expect(windowQuota(0)).toBe(0);
  });

  test('below 10 B/s the quota is 0, which means no limit at all', () => {
    expect(windowQuota(9)).toBe(0);
    expect(rateExceeded(windowQuota(9), 1e12)).toBe(false);
  });

  test('is exceeded by more than its quota, not by its quota', () => {
    expect(rateExceeded(3_000_000, 3_000_000)).toBe(false);
    expect(rateExceeded(3_000_000, 3_000_001)).toBe(true);
    expect(rateExceeded(0, 1e12)).toBe(false);
  });

  const { normal, zero } = streamCosts(freeHost, versionFacts['10.0'], PLAIN_STREAM);

  // 22 flushes of 32 * 4104 B are 2,889,216 B, 23 are 3,020,544.
  test('ends with the flush that passes the quota', () => {
    expect(pagesToExceed(normal, 3_000_000, 0)).toBe(23 * 32);
    expect(pagesToExceed(normal, 0, 0)).toBe(Infinity);
  });

  test('whose bytes are just the quota, is not over: one more flush follows', () => {
    expect(pagesToExceed(normal, 2 * 32 * NORMAL_RECORD, 0)).toBe(3 * 32);
    expect(pagesToExceed(normal, 2 * 32 * NORMAL_RECORD - 1, 0)).toBe(2 * 32);
  });

  // 32 KiB of buffer hold 3640 records of 9 B.
  test('of zero pages flushes when the buffer is full', () => {
    expect(pagesToExceed(zero, 1, 0)).toBe(floor(32_768 / ZERO_RECORD));
  });

  property.prop([fc.integer({ min: 1, max: 1e8 }), fc.integer({ min: 0, max: 2e8 }), fc.boolean()], {
    seed: 1,
  })('takes the fewest whole flushes that exceed it', (quota, sent, isZero) => {
    const cost: PageCost = isZero ? zero : normal;
    const pages = pagesToExceed(cost, quota, sent);
    expect(pages % cost.flushPages).toBe(0);
    expect(rateExceeded(quota, sent + pages * cost.bytes)).toBe(true);
    if (pages > cost.flushPages) {
      expect(rateExceeded(quota, sent + (pages - cost.flushPages) * cost.bytes)).toBe(false);
    }
  });

  test('a page takes the longer of link and sending thread', () => {
    const cost: PageCost = { ...normal, bytes: NORMAL_RECORD, wireBytes: NORMAL_RECORD, cpuUs: 2 };
    expect(pageTimeUs(cost, 1e9)).toBeCloseTo(4.104, 9);
    expect(pageTimeUs(cost, 1e10)).toBe(2);
  });
});

describe('the threshold', () => {
  test('is the bandwidth of one window in bytes a ms, times the limit', () => {
    expect(switchoverBandwidth(3_020_544, 100, null)).toBe(30_205.44);
    expect(switchoverThreshold(30_205.44, 50)).toBe(1_510_272);
    // In whole bytes.
    expect(switchoverThreshold(30_205.44, 33)).toBe(996_779);
  });

  test('takes avail-switchover-bandwidth instead, in whole bytes a ms', () => {
    expect(switchoverBandwidth(3_020_544, 100, givenBandwidthPerMs(1_999_999, true))).toBe(1_999);
    expect(switchoverBandwidth(3_020_544, 100, givenBandwidthPerMs(999, true))).toBe(0);
    // 11.1 keeps the fraction.
    expect(switchoverThreshold(givenBandwidthPerMs(1_999_999, false), 2)).toBe(3_999);
  });

  test('asks for a sync below it, from 11.1 on also at it', () => {
    expect(needsSync(4_096, 4_096, false)).toBe(false);
    expect(needsSync(4_096, 4_096, true)).toBe(true);
    expect(needsSync(0, 0, false)).toBe(false);
    expect(needsSync(0, 0, true)).toBe(true);
  });

  test('counts every waiting page in full, zero or not', () =>
    expect(pendingEstimate(25_344)).toBe(103_809_024));

  test('up to 10.0 is to be undercut, unless nothing is left; from 10.1 on it may be met', () => {
    expect(mayComplete(4_096, 4_096, false)).toBe(false);
    expect(mayComplete(4_095, 4_096, false)).toBe(true);
    expect(mayComplete(0, 0, false)).toBe(true);
    expect(mayComplete(4_096, 4_096, true)).toBe(true);
    expect(mayComplete(4_097, 4_096, true)).toBe(false);
    expect(mayComplete(0, 0, true)).toBe(true);
  });
});

describe('expected-downtime', () => {
  test('is what the last sync left over the bandwidth, in whole ms', () => {
    expect(expectedDowntime(103_809_024, 30_205.62, 7_340, 3_020_562)).toBe(3_436);
    expect(expectedDowntime(1_999, 1_000, 1, 20_000)).toBe(1);
    // avail-switchover-bandwidth below 1000 bytes/s is 0 bytes per ms.
    expect(expectedDowntime(103_809_024, givenBandwidthPerMs(999, true), 7_340, 3_020_562)).toBeNull();
  });

  test('on demand is the limit until the first pass is over, then what the last sync left over the bandwidth', () => {
    expect(expectedDowntimeOnDemand(1, 300, 1e9, 1e3)).toBe(300);
    expect(expectedDowntimeOnDemand(2, 300, 1e9, 1e3)).toBe(1e6);
    expect(expectedDowntimeOnDemand(2, 300, 1_999, 1e3)).toBe(1);
    expect(expectedDowntimeOnDemand(2, 300, 1e9, 0)).toBe(300);
  });

  test('stays as it was before a rate is known, and after a window of 10,000 bytes or less', () => {
    expect(expectedDowntime(1e8, 3e4, 0, 3e6)).toBeNull();
    expect(expectedDowntime(1e8, 100, 1, 10_000)).toBeNull();
    expect(expectedDowntime(1e8, 100, 1, 10_001)).not.toBeNull();
  });
});

describe('an eligible sync', () => {
  test('comes more than 1000 ms after the last: 1001, not 1000', () => {
    expect(syncIsEligible(5_000, 4_000)).toBe(false);
    expect(syncIsEligible(5_001, 4_000)).toBe(true);
  });

  test('gives a dirty-pages-rate in whole pages a second', () => {
    expect(dirtyPagesRate(25_024, 3_400)).toBe(7_360);
    expect(dirtyPagesRate(1, 1_001)).toBe(0);
    expect(dirtyPagesRate(1_999, 2_000)).toBe(999);
  });

  test('allows throttle-trigger-threshold percent of the bytes sent, in whole bytes', () => {
    expect(triggerLimit(4_105, 50)).toBe(2_052);
    expect(triggerLimit(199, 1)).toBe(1);
    expect(triggerLimit(4_104, 100)).toBe(4_104);
  });
});

describe('the detector', () => {
  const verdicts = (dirty: readonly number[]): string[] => {
    const detector = new ThrottleDetector();
    return dirty.map((bytes) => detector.judge(bytes, 100));
  };

  test('acts at every second bad period', () => {
    expect(verdicts([101, 101, 101, 101])).toEqual(['bad', 'act', 'bad', 'act']);
  });

  test('does not mind good periods in between: they take nothing back', () => {
    expect(verdicts([101, 5, 5, 101, 5, 101])).toEqual(['bad', 'good', 'good', 'act', 'good', 'bad']);
  });

  test('lets a period pass that dirtied just what was allowed', () => {
    expect(verdicts([100, 100])).toEqual(['good', 'good']);
  });
});

test('mbps are millions of bits a second', () => expect(mbps(3_020_544, 100)).toBeCloseTo(241.643_52, 9));

describe('in the engine', () => {
  /** Statistics as they stand each `everyMs`. */
  function polled(everyMs: number, fields: Parameters<typeof setupOf>[0]): MigrationStats[] {
    const seen: MigrationStats[] = [];
    const watch = (controls: Controls): void => {
      controls.every(everyMs, () => seen.push(controls.stats()));
    };
    migrate(setupOf(fields), 'none', {}, watch);
    return seen;
  }
  /** Writes all of its memory, too much to converge. */
  const restless = { vcpus: [writer({ pages: 64 * MIB, writesPerSecond: 1e6 })] };

  // The clock is cut to whole ms and a window closes at 100 of them: never earlier, however often one looks.
  test('windows close after 100 whole ms', () => {
    const seen = polled(1, {
      guest: restless,
      migration: { maxBandwidth: 50e6, downtimeLimitMs: 10, giveUpAfterUs: 2e6 },
    });
    const changes = seen.filter((stats, i) => i > 0 && stats.pagesPerSecond !== seen[i - 1]!.pagesPerSecond);
    expect(seen.filter((stats) => stats.totalTimeMs < 99 && stats.thresholdBytes !== 0)).toEqual([]);
    expect(changes[0]!.totalTimeMs).toBeGreaterThanOrEqual(99);
    expect(changes[0]!.totalTimeMs).toBeLessThanOrEqual(101);
  });

  // (i & 63) == 0 is tested when page i, counted from 0, has been sent.
  test('the clock is looked at after 1, 65, 129 pages', () => {
    expect([0, 1, 2, 64, 65, 66, 129, 130].map(pagesToClockCheck)).toEqual([1, 1, 65, 65, 65, 129, 129, 193]);
  });

  /**
   * An iteration ends at the first look at the clock at which more than 50 whole ms have passed, that is, after 51 ms. What a
   * sync from outside found waits for its end, and the next iteration follows at once.
   */
  test('iterations end after 51 ms, at a look at the clock', () => {
    const link = { bandwidthBytesPerSecond: 125e6 };
    const pageMs = NORMAL_RECORD / 125e6 / 1e-3;
    const { syncs } = migrate(
      setupOf({ guest: { ramPages: 512 * MIB, ...restless }, link, migration: { giveUpAfterUs: 900_000 } }),
      'none',
      {},
      (controls) => controls.onSync(() => controls.after(1, () => controls.sync('timer'))),
    );
    const lengths = syncs.slice(1).map((sync, i) => sync.timeMs - syncs[i]!.timeMs);
    expect(lengths.length).toBeGreaterThan(10);
    for (const length of lengths)
      expect(length).toBeCloseTo(pagesToClockCheck(ceil(51 / pageMs)) * pageMs, 6);
  });

  /** Verdicts of syncs at these times. At 20 MB/s over 1 GB/s they fall where the sender waits for its window. */
  function verdictsAt(...timesMs: readonly number[]): string[] {
    const { syncs } = migrate(
      setupOf({ guest: restless, migration: { maxBandwidth: 20e6, downtimeLimitMs: 1, giveUpAfterUs: 3e6 } }),
      'none',
      {},
      (controls) => {
        for (const timeMs of timesMs) controls.after(timeMs, () => controls.sync('timer'));
      },
    );
    expect(syncs.slice(1).map((sync) => sync.timeMs)).toEqual(timesMs);
    return syncs.slice(1).map((sync) => sync.detector);
  }

  // With `>=` the sync after exactly 1000 ms would count, and every ladder would climb a sync earlier.
  test('a sync 1000 ms after the last that was judged is not judged, one after 1001 ms is', () => {
    expect(verdictsAt(1_150, 2_150)).toEqual(['bad', 'not-eligible']);
    expect(verdictsAt(1_150, 2_151)).toEqual(['bad', 'act']);
  });

  test('a sync that is not judged does not start a new period', () => {
    expect(verdictsAt(1_150, 2_150, 2_170)).toEqual(['bad', 'not-eligible', 'act']);
  });
});
