/**
 * How one vCPU uses memory, for the fluid memory: how many pages its writes touch in a time that it makes progress, and
 * how long it takes to touch a number of them. Rates are writes/µs at a factor of 1; times are µs of progress.
 */
import type { WrittenRange } from './segment.js';

const { exp, log1p, max, min, sqrt } = Math;
const INFINITY = Infinity;

/** Steps of Newton's method at most; three do where few pages are hit twice. */
const NEWTON_STEPS = 60;
/** Pages by which a number of entries may be missed. */
const ENTRIES_TOLERANCE = 1e-6;

/** One range written by one vCPU. */
export interface Use {
  readonly range: WrittenRange;
  readonly sequential: boolean;
  /** 0 while a fork has sent its writes elsewhere. */
  writesPerUs: number;
  /** The same class in the area that the first fork copies it to; null: its process does not fork, or this is that copy. */
  copy: Use | null;
  /** Sequential: where it goes on, an offset into the range; and in ring mode how far it came since the last sync. */
  position: number;
  arc: number;
  /** Pages of the range that are in this vCPU's ring. */
  inRing: number;
  /** Pages that it can still bring in, and out of how many each of its writes picks one. Set before they are asked for. */
  room: number;
  among: number;
  /** Of the last question: pages brought in. */
  fresh: number;
}

/** Pages that `us` of progress bring in; sets `fresh` of each use. */
export function pagesTouched(uses: readonly Use[], writeFactor: number, us: number): number {
  let pages = 0;
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    use.fresh = 0;
    if (use.writesPerUs === 0) continue;
    const writes = use.writesPerUs * writeFactor * us;
    use.fresh = use.sequential ? min(writes, use.room) : use.room * (1 - exp(-writes / use.among));
    pages += use.fresh;
  }
  return pages;
}

/** Progress that it takes to bring in `pages`; Infinity when there are fewer. The inverse of `pagesTouched`. */
export function timeToTouch(uses: readonly Use[], writeFactor: number, pages: number): number {
  if (pages <= 0) return 0;
  if (uses.length === 1) return timeToTouchOne(uses[0]!, writeFactor, pages);
  let rooms = 0;
  for (let i = 0; i < uses.length; i += 1) rooms += uses[i]!.writesPerUs > 0 ? uses[i]!.room : 0;
  if (rooms <= pages + ENTRIES_TOLERANCE) return INFINITY;
  // The curve is concave: from the left the tangent never overshoots.
  let us = 0;
  for (let step = 0; step < NEWTON_STEPS; step += 1) {
    const missing = pages - pagesTouched(uses, writeFactor, us);
    if (missing <= ENTRIES_TOLERANCE) break;
    us += missing / touchRate(uses, writeFactor);
  }
  return us;
}

function timeToTouchOne(use: Use, writeFactor: number, pages: number): number {
  if (use.room <= pages) return INFINITY;
  const writes = use.sequential ? pages : -use.among * log1p(-pages / use.room);
  return writes / (use.writesPerUs * writeFactor);
}

/**
 * Standard deviation of the pages that `us` of progress bring in. Of W pages, each untouched with probability e^-m after
 * m writes a page, the untouched ones vary by W e^-m (1 - (1 + m) e^-m): the classical occupancy problem.
 */
export function touchedDeviation(uses: readonly Use[], writeFactor: number, us: number): number {
  let variance = 0;
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    if (use.sequential || use.writesPerUs === 0) continue;
    const mean = (use.writesPerUs * writeFactor * us) / use.among;
    const untouched = exp(-mean);
    variance += use.among * untouched * max(0, 1 - (1 + mean) * untouched);
  }
  return sqrt(variance);
}

/** Pages brought in a µs, at the end of the time last asked for. */
export function touchRate(uses: readonly Use[], writeFactor: number): number {
  let rate = 0;
  for (let i = 0; i < uses.length; i += 1) {
    const use = uses[i]!;
    if (use.writesPerUs === 0) continue;
    const writesPerUs = use.writesPerUs * writeFactor;
    const left = max(0, use.room - use.fresh);
    if (!use.sequential) rate += (writesPerUs * left) / use.among;
    else if (left > 0) rate += writesPerUs;
  }
  return rate;
}
