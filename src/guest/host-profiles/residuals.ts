/** What predictions miss beyond what they draw, by figure. */
import { drawsOf, predictionBand, type Band, type Draws } from '../../stats/conformal.js';

const { ceil, floor, min } = Math;

/**
 * Figures that bands are given for, and the value from which on errors count as relative: below it a step of a millisecond
 * or a sync more or less is what differs.
 */
export const residualOffsets = {
  totalTimeMs: 10,
  downtimeMs: 3,
  blackoutMs: 3,
  setupTimeMs: 3,
  dirtySyncCount: 2,
  transferredBytes: 2 ** 20,
  normalPages: 256,
  zeroPages: 256,
  downtimeBytes: 2 ** 20,
  multifdBytes: 2 ** 20,
  firstThrottleSync: 2,
  firstThrottleMs: 100,
  maxThrottlePercent: 50,
  maxDirtyLimitThrottleUsPerRound: 10_000,
} as const satisfies Readonly<Record<string, number>>;

/** A figure that has a residual. */
export type ResidualFigure = keyof typeof residualOffsets;

/** Of a prediction, in its unit: what lies beyond is the noise of floating point. */
const DIGITS = 3;

/** The figures under the names of the columns of result files. */
export const bandColumns: Readonly<Record<string, ResidualFigure>> = {
  total_time_ms: 'totalTimeMs',
  downtime_ms: 'downtimeMs',
  blackout_ms: 'blackoutMs',
  setup_time_ms: 'setupTimeMs',
  dirty_sync_count: 'dirtySyncCount',
  sent_bytes: 'transferredBytes',
  first_throttle_ms: 'firstThrottleMs',
  max_throttle_percent: 'maxThrottlePercent',
  max_ring_full_sleep_us: 'maxDirtyLimitThrottleUsPerRound',
};

/** A prediction of one figure of a migration, and its 90 % band. */
export interface PredictedFigure extends Band {
  readonly point: number;
}

/**
 * Of the runs of one strategy: `values` are what each drew of a column, `point` is its value where everything uncertain is at
 * its median. null for a column that has no band, and where fewer than two runs have the figure.
 */
export function predictedFigure(
  column: string,
  values: readonly number[],
  point: number | null,
  residuals: ModelResiduals | undefined,
): PredictedFigure | null {
  const figure = bandColumns[column];
  if (figure === undefined || values.length < 2) return null;
  const draws = drawsOf(values, point ?? undefined);
  const band = bandOf(figure, draws, residuals);
  return band === null ? null : { point: Number(draws.point.toFixed(DIGITS)), ...band };
}

/** What the model misses of each figure, from recordings. */
export interface ModelResiduals {
  /** The recordings that they come from. */
  readonly origin: string;
  /** By how much the spread of a figure has to be taken: `conformalFactor` of its scores. */
  readonly factors: Readonly<Partial<Record<ResidualFigure, number>>>;
}

/** Of a figure that no recording shows often enough: that of a normal distribution. */
const UNKNOWN_FACTOR = 1.645;

/** The 90 % band of a migration, rounded outward to whole numbers; null for a figure that has none. */
export function bandOf(figure: string, draws: Draws, residuals: ModelResiduals | undefined): Band | null {
  if (!isResidualFigure(figure)) return null;
  const factor = residuals?.factors[figure] ?? UNKNOWN_FACTOR;
  const { low, high } = predictionBand(draws, factor, residualOffsets[figure]);
  const most = figure === 'maxThrottlePercent' ? 99 : Infinity;
  return { low: floor(low), high: min(most, ceil(high)) };
}

export function isResidualFigure(name: string): name is ResidualFigure {
  return Object.hasOwn(residualOffsets, name);
}
