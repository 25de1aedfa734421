/** The dirty rate of each vCPU, counted in the entries reaped from its dirty ring (migration/dirtyrate.c). */
import { mapped, nth } from '../../lists.js';
import type { Controls } from '../../migration/controls.js';
import { PAGES_PER_MIB } from '../../units.js';

const { floor } = Math;

/** From pages and ms to whole MiB/s. */
export type RateRule = (pages: number, ms: number) => number;

/** Whole MiB first, as in v1 of dirty restraint and in QEMU up to 8.1: what is left of a MiB is lost before it is scaled. */
export const rateOfWholeMib: RateRule = (pages, ms) => floor((floor(pages / PAGES_PER_MIB) * 1000) / ms);

/** Scaled to a second before it is rounded to MiB (dirtyrate.c:do_calculate_dirtyrate, QEMU 8.2 and later). */
export const rateOfPages: RateRule = (pages, ms) => floor(floor((pages * 1000) / PAGES_PER_MIB) / ms);

/**
 * One measurement of all vCPUs: note the counters, wait `waitMs`, drain all rings, count again.
 * The rates, whole MiB/s by vCPU, cover the wait *and* the drain but are divided by the wait alone, as QEMU does: a
 * drain that waits for sleeping vCPUs makes them too high.
 */
export function measureDirtyRates(
  migration: Controls,
  waitMs: number,
  rule: RateRule,
  done: (rates: readonly number[]) => void,
): void {
  const startMs = wholeMs(migration);
  const before = reapedBy(migration);
  migration.after(waitMs, () => {
    const waitedMs = wholeMs(migration) - startMs;
    migration.flushRings(() =>
      done(mapped(reapedBy(migration), (pages, vcpu) => rule(pages - nth(before, vcpu), waitedMs))),
    );
  });
}

function wholeMs(migration: Controls): number {
  return floor(migration.nowUs() / 1000);
}

/** Pages by vCPU. */
function reapedBy(migration: Controls): number[] {
  const pages: number[] = [];
  for (let vcpu = 0; vcpu < migration.vcpuCount; vcpu += 1) pages.push(migration.reapedPages(vcpu));
  return pages;
}
