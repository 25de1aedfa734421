/** Bands of predictions: from what was drawn and what recordings show that predictions miss; and how often they hold. */
import { keysOf, mapOf, nth } from '../../lists.js';
import {
  bandOf,
  residualOffsets,
  type ModelResiduals,
  type ResidualFigure,
} from '../../guest/host-profiles/residuals.js';
import { conformalFactor, heldLeavingOneOut, nonconformity, type Draws } from '../../stats/conformal.js';
import { median } from '../../stats/summary.js';
import type { Outcome, Prediction, Spread, Verdict } from './outcome.js';

/** Fewer recordings than this say nothing of a 90 % band: their largest score holds a further one less often. */
const FEWEST_SCORES = 9;

export const RESIDUAL_FIGURES = keysOf(residualOffsets);

/** What bands are made from and judged by. */
export interface Drawn {
  readonly measured: Outcome & { readonly status: Verdict };
  /** `p5` and `p95` are the ends of the 90 % band. */
  readonly predicted: Prediction;
  /** The same predictions with what the runs drew: `p5` and `p95` are percentiles. */
  readonly drawn: Prediction['figures'];
}

/** How often the bands of one figure held what was measured. */
export interface Coverage {
  readonly of: number;
  readonly held: number;
  /** The same with bands from all other recordings. */
  readonly heldLeftOut: number;
  /** Median of the bands' widths as a share of the prediction (0.1 = 10 %). */
  readonly medianWidth: number;
}

/** The figures with bands as their `p5` and `p95`; those that have none keep the percentiles. */
export function withBands(
  figures: Prediction['figures'],
  residuals: ModelResiduals | undefined,
): Prediction['figures'] {
  return mapOf(keysOf(figures), (name) => {
    const spread = figures[name];
    const draws = drawsIn(spread);
    const band = draws === null ? null : bandOf(name, draws, residuals);
    return band === null ? spread : { median: spread.median, p5: band.low, p95: band.high };
  });
}

/** The scores of one figure over the recordings that have it, whose verdict was predicted, and that it means something for. */
function scoresOf(validated: readonly Drawn[], figure: ResidualFigure): number[] {
  return validated.flatMap(({ measured, drawn }, index) => {
    const draws = drawsIn(drawn[figure]);
    const value = measured[figure];
    if (draws === null || value === null || !isComparable(nth(validated, index), figure)) return [];
    return [nonconformity(draws, value, residualOffsets[figure])];
  });
}

/** A run that was given up took as long as it was given; a throttle that nothing asks for is 0 in every model. */
function isComparable({ measured, predicted, drawn }: Drawn, figure: ResidualFigure): boolean {
  if (measured.status !== predicted.status) return false;
  if (figure === 'totalTimeMs') return measured.status === 'completed';
  return measured[figure] !== 0 || drawn[figure].p95 !== 0;
}

/** What predictions of these recordings miss. `origin`: what they are, in words. */
export function residualsOf(validated: readonly Drawn[], origin: string): ModelResiduals {
  const factors: Partial<Record<ResidualFigure, number>> = {};
  for (const figure of RESIDUAL_FIGURES) {
    const scores = scoresOf(validated, figure);
    if (scores.length >= FEWEST_SCORES) factors[figure] = Number(conformalFactor(scores).toFixed(2));
  }
  return { origin, factors };
}

/** null: no recording has the figure. */
export function coverageOf(validated: readonly Drawn[], figure: ResidualFigure): Coverage | null {
  const comparable = validated.filter(
    (one) =>
      isComparable(one, figure) && one.measured[figure] !== null && drawsIn(one.drawn[figure]) !== null,
  );
  if (comparable.length === 0) return null;
  const judged = comparable.flatMap(({ measured, predicted }) => {
    const draws = drawsIn(predicted.figures[figure]);
    const value = measured[figure];
    return draws === null || value === null ? [] : [{ ...draws, value }];
  });
  const held = judged.filter(({ value, p5, p95 }) => p5 <= value && value <= p95);
  const widths = judged.flatMap(({ point, p5, p95 }) => (point === 0 ? [] : [(p95 - p5) / point]));
  return {
    of: comparable.length,
    held: held.length,
    heldLeftOut: heldLeavingOneOut(scoresOf(validated, figure)),
    medianWidth: widths.length === 0 ? 0 : median(widths),
  };
}

function drawsIn({ median: middle, p5, p95 }: Spread): Draws | null {
  return middle === null || p5 === null || p95 === null ? null : { point: middle, p5, p95 };
}
