/** One point of a dirty curve: what a log's totals, or the rates in it, come to. */
import type { CurveReading, Intensity, WeightedPoint } from './learned.js';

const { max, min, round } = Math;

/**
 * How a dirty curve is taken to grow where one point of it is known: between a set that is full at once (0) and one that
 * never meets a page twice (1), as PostgreSQL under updates did (97·τ^0.74 MiB, fitted to a public log of query-migrate).
 */
export const GROWTH = 0.74;

/** How the assumption begins that is made where nothing shows what the guest dirties. */
export const TAKEN_IDLE = 'the guest is taken to be idle';

export const ONE_READING =
  'the log gives one point of the dirty curve: what the guest dirties in a longer or shorter time τ is taken to grow as τ^0.74, ' +
  'as one measured database did; measure a second period (calc-dirty-rate over 1 s and over 10 s)';

/** Fewer new pages than this share of what is sent in a second are nothing that a migration waits for. */
export const IDLE = 0.002;

/** `intensity`: of the load, where only ends of the reading's duration are known. */
export interface RangedReading {
  readonly reading: CurveReading;
  readonly intensity: Intensity | null;
  /** How many times as long as the reading passes may be, or as short. */
  readonly spread: number;
}

/** One point of the curve. */
export function reading(durationUs: number, pages: number): CurveReading {
  const whole = max(1, round(pages));
  return {
    durationUs: max(1, round(durationUs)),
    pages: whole,
    weight: 1,
    passes: [],
    low: whole,
    high: whole,
  };
}

/** Points of D(τ) = c·τ^0.74 through a reading, from an eighth of its length to sixteen times it; `spread` times as far to both sides. */
export function growing({ durationUs, pages }: CurveReading, roomPages: number, spread = 1): WeightedPoint[] {
  const points: WeightedPoint[] = [];
  for (let factor = 1 / 8 / spread; factor <= 16 * spread; factor *= 2) {
    const there = min(0.95 * roomPages, pages * factor ** GROWTH);
    points.push({ durationUs: max(1, round(durationUs * factor)), pages: max(1, round(there)), weight: 1 });
  }
  return points;
}
