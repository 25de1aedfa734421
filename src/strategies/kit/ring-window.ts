/** What the vCPUs pushed into their dirty rings, window after window. */
import { nth } from '../../lists.js';
import type { Controls } from '../../migration/controls.js';

/** From the end of one flush of all rings to the end of the next. */
export interface RingWindow {
  /** Entries of each vCPU. */
  readonly entries: readonly number[];
  readonly elapsedMs: number;
}

/** Entries reaped of each vCPU so far. */
export function reapedOf(migration: Controls): number[] {
  return Array.from({ length: migration.vcpuCount }, (_, vcpu) => migration.reapedPages(vcpu));
}

/**
 * Flushes all rings `periodMs` after the last flush was over, forever, and reports what each vCPU pushed in between. Each
 * flush arms the pages again, so the shorter the period, the more often a hot page counts.
 */
export function everyRingWindow(
  migration: Controls,
  periodMs: number,
  listener: (window: RingWindow) => void,
): void {
  let before = reapedOf(migration);
  let sinceUs = migration.nowUs();
  const flushed = (): void => {
    const reaped = reapedOf(migration);
    const nowUs = migration.nowUs();
    const entries = reaped.map((pages, vcpu) => pages - nth(before, vcpu));
    const elapsedMs = (nowUs - sinceUs) / 1000;
    before = reaped;
    sinceUs = nowUs;
    listener({ entries, elapsedMs });
    migration.after(periodMs, () => migration.flushRings(flushed));
  };
  migration.after(periodMs, () => migration.flushRings(flushed));
}
