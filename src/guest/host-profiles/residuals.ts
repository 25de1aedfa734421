/** What predictions miss beyond what they draw, by figure. */
import { predictionBand, type Band, type Draws } from '../../stats/conformal.js';

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
