import { parseOptions } from '../../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import { dirtyQuota, spendInterval } from '../../src/strategies/dirty-quota.js';
import { migrate } from '../migration/setups.js';
import { BANDWIDTH, smallGuest } from './small-guest.js';
import { setupWith } from './setups.js';

const INTERVAL_MS = 10;

describe('an interval', () => {
  test('is run through by a vCPU that does not use up its quota', () => {
    expect(spendInterval(8, 80, 1000, INTERVAL_MS)).toEqual({ fromPool: 0, runMs: 10 });
  });

  // 80 pages at 32 a ms are dirty after 2.5 ms.
  test('ends with a sleep once the quota is used up and the pool is empty', () => {
    expect(spendInterval(32, 80, 0, INTERVAL_MS)).toEqual({ fromPool: 0, runMs: 2.5 });
    expect(spendInterval(32, 80, -40, INTERVAL_MS)).toEqual({ fromPool: 0, runMs: 2.5 });
  });

  // 320 pages are wanted: the quota and three more.
  test('takes as many quotas from the pool as it needs, and then does not sleep', () => {
    expect(spendInterval(32, 80, 1000, INTERVAL_MS)).toEqual({ fromPool: 240, runMs: 10 });
    expect(spendInterval(31, 80, 1000, INTERVAL_MS)).toEqual({ fromPool: 240, runMs: 10 });
  });

  // A claim is granted while there is anything in the pool, whole: the pool may end below nothing.
  test('is granted a whole quota for the last page in the pool', () => {
    expect(spendInterval(32, 80, 81, INTERVAL_MS)).toEqual({ fromPool: 160, runMs: 7.5 });
  });
});

describe('in a migration', () => {
  const result = migrate(smallGuest(), 'dirty-quota');

  // Each of four vCPUs may dirty 16 MiB/s, the readers do not claim theirs: the writers do 16/96 of their writes. The
  // quota follows the rate windows, of which those with a sync are shorter of pages.
  test('each writer is held to its share, though nobody else claims anything', () => {
    expect(result.status).toBe('completed');
    for (const vcpu of result.vcpus.slice(0, 2)) {
      const dirtied = vcpu.writeWorkDone! * 96;
      expect(dirtied).toBeGreaterThan(0.85 * (BANDWIDTH / 4 / 2 ** 20));
      expect(dirtied).toBeLessThan(1.15 * (BANDWIDTH / 4 / 2 ** 20));
    }
  });

  test('vCPUs that only read lose nothing but the blackout', () => {
    for (const vcpu of result.vcpus.slice(2)) expect(vcpu.throttledMs + vcpu.ringSleepMs).toBe(0);
  });

  test('nobody stands still for longer than an interval before the switchover', () => {
    for (const vcpu of result.vcpus)
      expect(vcpu.longestStallMs).toBeLessThanOrEqual(result.blackoutMs! + INTERVAL_MS);
  });
});

test('it refuses to run without a dirty ring', () => {
  const options = parseOptions(dirtyQuota.options, {});
  expect(dirtyQuota.refuses!(options, setupWith({ dirtyRingSize: 0 }))).toMatch(/dirty ring/);
});
