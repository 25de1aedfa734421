/**
 * Dirty quota as posted by Nutanix: an interval of 10 ms for each vCPU, a quota of pages in it, a common pool of unclaimed
 * quota.
 *
 * What the series leaves open, and what is assumed here:
 * - The pool gets an unclaimed time in ns times a rate in pages/s, with no division by 10^9, and so never runs dry. Taken as
 *   it is meant: the pages that the rate allows in that time.
 * - `dirty_quota_throttle_ratio`, 2, divides only the first guess of the bandwidth; every later one is taken whole. So here.
 * - A vCPU that asks for more late hands in what it left unclaimed; one that never writes never asks, so that a reader's
 *   share stays with it. So here.
 * - One sleep is at most 99 % of the interval, but the vCPU is put to sleep again until the interval is over: no bound.
 * - KVM leaves for QEMU at the very page that exceeds the quota. Here it is worked out when that page comes, from the
 *   entries which the vCPU pushed a ms of run time in the last 100 ms: a vCPU that changes its ways is a window late.
 */
import { nth } from '../lists.js';
import { PAGE_BYTES } from '../guest/spec.js';
import type { Controls } from '../migration/controls.js';
import { defineStrategy } from './define.js';
import { everyRingWindow } from './kit/ring-window.js';
import { SHORTEST_SLEEP_MS, sleepVcpus } from './kit/vcpu-sleep.js';

const { ceil, max, min } = Math;

/** BUFFER_DELAY: the series takes a new bandwidth once a rate window. */
const WINDOW_MS = 100;
/** memory.c:dirty_quota_migration_start: the bandwidth before there is one, bytes/s, and its divisor. */
const FIRST_BANDWIDTH = 1e9 / 8;
const FIRST_RATIO = 2;

/** How a vCPU spends one interval. Pages, and ms of run time before its sleep (the whole interval: none). */
export interface Interval {
  readonly fromPool: number;
  readonly runMs: number;
}

/**
 * One interval of a vCPU that dirties `rate` pages a ms of run time and may dirty `quota` pages. Once they are used up it
 * takes as much again from the common pool as long as there is anything in it, and then sleeps
 * (kvm-all.c:handle_dirty_quota_exhausted).
 */
export function spendInterval(rate: number, quota: number, pool: number, intervalMs: number): Interval {
  const wanted = rate * intervalMs - quota;
  if (wanted <= 0) return { fromPool: 0, runMs: intervalMs };
  const claims = max(0, min(ceil(wanted / quota), ceil(pool / quota)));
  return { fromPool: claims * quota, runMs: min(intervalMs, ((1 + claims) * quota) / rate) };
}

interface QuotaVcpu {
  /** Entries a ms of run time. */
  rate: number;
  sleptMs: number;
}

function startQuota(migration: Controls, intervalMs: number): void {
  const vcpus: QuotaVcpu[] = Array.from({ length: migration.vcpuCount }, () => ({ rate: 0, sleptMs: 0 }));
  /** Pages a ms that each vCPU may dirty (`per_vcpu_dirty_rate_limit`), and the unclaimed pages. */
  let limit = FIRST_BANDWIDTH / FIRST_RATIO / PAGE_BYTES / 1000 / vcpus.length;
  let pool = 0;
  let explained = false;

  everyRingWindow(migration, WINDOW_MS, ({ entries, elapsedMs }) => {
    const { pagesPerSecond } = migration.stats();
    if (pagesPerSecond > 0) limit = pagesPerSecond / 1000 / vcpus.length;
    vcpus.forEach((vcpu, i) => {
      vcpu.rate = nth(entries, i) / max(elapsedMs - vcpu.sleptMs, elapsedMs / 100);
      vcpu.sleptMs = 0;
      if (vcpu.rate > 0 && vcpu.rate < limit) pool += (limit - vcpu.rate) * elapsedMs;
    });
  });

  migration.every(intervalMs, () => {
    const quota = limit * intervalMs;
    const heavy = vcpus.map((vcpu, i) => ({ vcpu, i })).filter(({ vcpu }) => vcpu.rate > limit);
    // First come, first served: the vCPU that uses up its quota first is the first at the pool.
    heavy.sort((a, b) => b.vcpu.rate - a.vcpu.rate);
    for (const { vcpu, i } of heavy) {
      const { fromPool, runMs } = spendInterval(vcpu.rate, quota, pool, intervalMs);
      pool -= fromPool;
      const sleepMs = intervalMs - runMs;
      if (sleepMs < SHORTEST_SLEEP_MS) continue;
      vcpu.sleptMs += sleepMs;
      migration.after(intervalMs - sleepMs, () => sleepVcpus(migration, [i], sleepMs));
      if (explained) continue;
      explained = true;
      migration.explain(
        'handle_dirty_quota_exhausted',
        `vCPU ${i} dirties ${vcpu.rate.toFixed(1)} pages/ms and may ${limit.toFixed(1)}: it sleeps ${sleepMs.toFixed(1)} of ${intervalMs} ms`,
      );
    }
  });
}

export const dirtyQuota = defineStrategy({
  name: 'dirty-quota',
  summary: 'stop a vCPU for the rest of 10 ms once it dirtied its share',
  source:
    'kvm and qemu-devel, "[RFC PATCH 1/1] Dirty quota-based throttling of vcpus", Shivam Kumar (Nutanix), 20 November 2022; not merged',
  rule: `From the start of dirty logging on, each vCPU may dirty, in every interval of 10 ms, its equal share of the pages
that were sent in the last rate window. Until there is such a window, 62.5 MB/s are shared.

A vCPU that uses up its quota takes the same again from a common pool as long as there is anything in it. When
there is not, it sleeps to the end of the interval.

The pool is filled by vCPUs that dirty less than they may. One that never writes never asks for a quota, and
leaves its share unused: with 2 writers and 6 readers the writers may dirty a quarter of what is sent.

The quota is all that this rule looks at. It never compares the dirty rate with the bandwidth, and restrains the
first pass as much as the last.`,
  options: {
    interval: {
      kind: 'duration-ms',
      min: 1,
      max: 100,
      default: '10ms',
      summary: 'length of an interval, DIRTY_QUOTA_INTERVAL_SIZE',
    },
  },
  refuses(_options, setup) {
    if (setup.guest.dirtyRingSize > 0) return null;
    return 'dirty-quota counts the pages of each vCPU in its dirty ring; set guest.dirty-ring-size, such as 4096';
  },
  start(options, migration) {
    migration.onSync(({ cause }) => {
      if (cause !== 'setup') return;
      startQuota(migration, options.interval);
    });
  },
});
