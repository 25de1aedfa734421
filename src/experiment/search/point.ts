/** What a search tries, and what comes of it. */
import type { MigrationResult } from '../../migration/result.js';
import type { Interval } from '../../stats/interval.js';
import type { Scale } from './scale.js';

export const FINDS = ['smallest', 'largest', 'best'] as const;
/** Which of the values that hold is looked for. */
export type Find = (typeof FINDS)[number];

/** Runs at each value, where nothing else is said. */
export const SEARCH_RUNS = 20;

/** One value that was tried. */
export interface SearchPoint {
  /** As users write it. */
  readonly text: string;
  /** In the unit of the scale. */
  readonly value: number;
  /** Share (0..1) of the runs in which the conditions hold, and its 95 % interval. */
  readonly share: Interval;
  readonly holds: boolean;
  /** Conditions that do not hold, or not in as many runs as asked, by their index. */
  readonly lacks: readonly number[];
  /** Run by run. */
  readonly good: readonly boolean[];
  /** Mean of the measure that `best` goes by; null for others, and where a run has none. */
  readonly score: number | null;
  readonly results: readonly MigrationResult[];
}

/** Everything that a value is tried with. */
export interface Trying {
  readonly scale: Scale;
  /** Scores that differ by less than this share are as good: for `best`. */
  readonly asGood: number;
  /** The ends that were asked for; null: none. */
  readonly limits: readonly [number | null, number | null];
  /** Whether the loader takes the value. */
  accepts(value: number): boolean;
  /** Tries values that were not tried yet; all that were tried so far, from small to large. */
  run(values: readonly number[]): Promise<readonly SearchPoint[]>;
}

/** Where a search came to. */
export interface Found {
  readonly answer: SearchPoint | null;
  readonly beyond: SearchPoint | null;
  readonly notes: readonly string[];
  readonly points: readonly SearchPoint[];
}
