/** What is said of a cell when its runs are done: each strategy by itself, and each against the first on the same runs. */
import { nth } from '../../lists.js';
import {
  type ModelResiduals,
  type PredictedFigure,
  bandColumns,
  predictedFigure,
} from '../../guest/host-profiles/residuals.js';
import { type Interval, meanInterval } from '../../stats/interval.js';
import { pairedShareInterval, shareInterval } from '../../stats/share-interval.js';
import { quantileOfSorted, standardDeviation } from '../../stats/summary.js';
import { type CellSamples, type StrategySamples, countingValues } from './samples.js';
import type { SweepMeasure } from './table.js';

/** One measure of one strategy in one cell. Figures are null where no run has such a value, or only one where spread is asked for. */
export interface SummaryRow {
  readonly strategy: string;
  /** A column of runs.csv with its unit, such as `total_time_ms`; `converged_share` is the share of runs that converged, 0 to 1. */
  readonly measure: string;
  /** Which runs the figures are of: those that converged, or all, as where none did. */
  readonly of: 'converged' | 'all';
  /** Runs of the cell. */
  readonly runs: number;
  /** Runs that the figures are of. */
  readonly n: number;
  readonly mean: number | null;
  readonly median: number | null;
  /** Of a sample, over n - 1. */
  readonly standardDeviation: number | null;
  /** 90th percentile, interpolated (type 7 of Hyndman and Fan). */
  readonly p90: number | null;
  /** 95 % interval of the mean, by Student's t; of a share, Wilson's. */
  readonly low: number | null;
  readonly high: number | null;
  /** The next three only where runs draw something: the figure with everything uncertain at its median. */
  readonly prediction?: number | null;
  /** The 90 % band of a migration; null for a measure that has none, and where no run converged. */
  readonly bandLow?: number | null;
  readonly bandHigh?: number | null;
}

/** What the runs of a cell are judged by, beyond their own values. */
export interface CellPrediction {
  /** What each strategy shows with everything uncertain at its median: a value a measure; null where it has none. */
  readonly points: readonly (readonly (number | null)[])[];
  readonly residuals: ModelResiduals | undefined;
}

export const SUMMARY_COLUMNS = [
  'strategy',
  'measure',
  'of',
  'runs',
  'n',
  'mean',
  'median',
  'standard_deviation',
  'p90',
  'mean_ci95_low',
  'mean_ci95_high',
] as const;

/** Behind those, where any cell draws something: what a migration is predicted to show, and its 90 % band. */
export const BAND_COLUMNS = ['prediction', 'band90_low', 'band90_high'] as const;

/** How one strategy differs from the first of its cell on the same runs: `strategy` less `against`. */
export interface DifferenceRow {
  readonly strategy: string;
  /** The first strategy of the cell. */
  readonly against: string;
  /** As in `SummaryRow`. */
  readonly measure: string;
  /** Runs that both strategies converged in; run i of both meets the same guest. */
  readonly n: number;
  /** Of the differences, in the unit of the measure. */
  readonly mean: number | null;
  /** 95 % interval of the mean, by Student's t; of two shares, Newcombe's for pairs. */
  readonly low: number | null;
  readonly high: number | null;
}

export const DIFFERENCE_COLUMNS = [
  'strategy',
  'against',
  'measure',
  'n',
  'mean_difference',
  'mean_ci95_low',
  'mean_ci95_high',
] as const;

/** `prediction` null: nothing is drawn, and there are no bands. */
export function summaryOf(
  cell: CellSamples,
  measures: readonly SweepMeasure[],
  prediction: CellPrediction | null = null,
): SummaryRow[] {
  return cell.strategies.flatMap((strategy, at) =>
    measures.map((measure, index): SummaryRow => {
      const row = summaryRow(strategy, measure, index);
      if (prediction === null) return row;
      const point = nth(nth(prediction.points, at), index);
      const band = bandIn(strategy, measure, index, point, prediction.residuals);
      return {
        ...row,
        prediction: band?.point ?? null,
        bandLow: band?.low ?? null,
        bandHigh: band?.high ?? null,
      };
    }),
  );
}

/** Of the runs that converged: of one that gave up it is only known when. */
function bandIn(
  strategy: StrategySamples,
  { column }: SweepMeasure,
  index: number,
  point: number | null,
  residuals: ModelResiduals | undefined,
): PredictedFigure | null {
  if (bandColumns[column] === undefined) return null;
  const { of, values } = countingValues(strategy, index);
  return of === 'all' ? null : predictedFigure(column, Array.from(values), point, residuals);
}

function summaryRow(strategy: StrategySamples, measure: SweepMeasure, index: number): SummaryRow {
  const { of, values } = countingValues(strategy, index, isOutcome(measure));
  const head = { strategy: strategy.label, measure: measure.name, of, runs: strategy.runs };
  if (values.length === 0) {
    const nothing = { mean: null, median: null, standardDeviation: null, p90: null, low: null, high: null };
    return { ...head, n: 0, ...nothing };
  }
  const sorted = values.slice().sort();
  const { estimate, low, high } = isOutcome(measure) ? shareOf(values) : meanInterval(values);
  const figure = (value: number): number | null => rounded(value, measure);
  return {
    ...head,
    n: values.length,
    mean: figure(estimate),
    median: figure(quantileOfSorted(sorted, 0.5)),
    standardDeviation: figure(standardDeviation(values)),
    p90: figure(quantileOfSorted(sorted, 0.9)),
    low: figure(low),
    high: figure(high),
  };
}

function shareOf(flags: Float64Array): Interval {
  return shareInterval(flags.filter((flag) => flag === 1).length, flags.length);
}

/**
 * Paired by run, as run i of both meets the same guest. How much narrower that makes an interval depends on how much of the
 * spread the two have in common.
 */
export function differencesOf(cell: CellSamples, measures: readonly SweepMeasure[]): DifferenceRow[] {
  const [first, ...others] = cell.strategies;
  if (first === undefined) return [];
  return others.flatMap((strategy) =>
    measures.map((measure, index) => {
      const both = pairs(strategy, first, index, isOutcome(measure));
      const head = { strategy: strategy.label, against: first.label, measure: measure.name };
      if (both.length === 0) return { ...head, n: 0, mean: null, low: null, high: null };
      const { estimate, low, high } = isOutcome(measure)
        ? pairedShareInterval(
            both.map(([own]) => own === 1),
            both.map(([, other]) => other === 1),
          )
        : meanInterval(both.map(([own, other]) => own - other));
      return {
        ...head,
        n: both.length,
        mean: rounded(estimate, measure),
        low: rounded(low, measure),
        high: rounded(high, measure),
      };
    }),
  );
}

function pairs(
  one: StrategySamples,
  other: StrategySamples,
  measure: number,
  all: boolean,
): (readonly [own: number, other: number])[] {
  const others = other.values(measure);
  const [converged, otherConverged] = [one.converged(), other.converged()];
  const found: (readonly [own: number, other: number])[] = [];
  for (const [run, value] of one.values(measure).entries()) {
    const against = others[run] ?? NaN;
    const counts = all || (converged[run] === 1 && otherConverged[run] === 1);
    if (counts && !Number.isNaN(value - against)) found.push([value, against]);
  }
  return found;
}

/** Whether it converged is asked of all runs. */
function isOutcome({ column }: SweepMeasure): boolean {
  return column === 'converged';
}

/** Without an end, or of a single value: nothing that a file could say. */
function rounded(value: number, { digits }: SweepMeasure): number | null {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : null;
}
