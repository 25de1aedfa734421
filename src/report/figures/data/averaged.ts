/** A curve of shares of work, without the jumps of samples shorter than what makes it jump. */
import { numberIn, type Row } from '../../files/rows.js';
import { nth } from '../../../lists.js';
import type { Point } from './thin.js';

/**
 * Means over stretches of three pixels of `width`, in percent: samples are shorter than the cycle of a strong throttle (10 ms of
 * running a second at 99 %) and jump between all and nothing.
 */
export function averaged(rows: readonly Row[], column: string, shownS: number, width: number): Point[] {
  const bins = Math.ceil(width / 3);
  const sums = Array.from({ length: bins }, () => ({ time: 0, work: 0, count: 0 }));
  for (const row of rows) {
    const time = (numberIn(row, 'time_ms') ?? 0) / 1e3;
    const work = numberIn(row, column);
    // The first sample closes no stretch of time.
    if (work === null || time > shownS || time === 0) continue;
    const bin = nth(sums, Math.min(bins - 1, Math.floor((time / shownS) * bins)));
    bin.time += time;
    bin.work += work;
    bin.count += 1;
  }
  const points = sums
    .filter(({ count }) => count > 0)
    .map(({ time, work, count }) => ({ x: time / count, y: (100 * work) / count }));
  // Its first stretch, which is the setup of the migration, begins with it.
  const [first] = points;
  return first === undefined ? [] : [{ x: 0, y: first.y }, ...points];
}
