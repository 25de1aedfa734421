/** The 90 % bands of a comparison: what a migration will show, for bands.csv and `--json`. */
import type { Comparison, StrategyResults } from '../../experiment/compare.js';
import { bandColumns, predictedFigure } from '../../guest/host-profiles/residuals.js';
import type { MigrationResult } from '../../migration/result.js';
import { type Column, column } from '../column.js';
import { experimentColumns, runColumns } from '../columns/runs.js';

/** One figure of one strategy. */
export interface BandRow {
  readonly scenario: string;
  readonly strategy: string;
  readonly policy: string;
  readonly memory: string;
  /** A column of runs.csv. */
  readonly measure: string;
  /** Runs that converged, of which the band is. */
  readonly runs: number;
  /** The figure where everything uncertain is at its median. */
  readonly prediction: number;
  /** Ends of the 90 % band. */
  readonly low: number;
  readonly high: number;
}

export const bandFileColumns: readonly Column<BandRow>[] = [
  ...experimentColumns<BandRow>(),
  column('measure', 'text', 'the column of runs.csv that the row is about, in its unit', (r) => r.measure),
  column('runs', 'count', 'runs that converged, of which the band is', (r) => r.runs),
  column(
    'prediction',
    'count',
    'the figure of a run with everything uncertain at its median',
    (r) => r.prediction,
  ),
  column('band90_low', 'count', 'lower end of the 90 % band of a migration', (r) => r.low),
  column('band90_high', 'count', 'upper end of it', (r) => r.high),
];

/** Strategy by strategy; empty where nothing is drawn, and for single runs. */
export function bandRows(comparison: Pick<Comparison, 'strategies'>): BandRow[] {
  return comparison.strategies.flatMap(strategyBands);
}

/** The bands of one strategy: of the runs that converged. */
export function strategyBands(entry: StrategyResults): BandRow[] {
  const { predicted } = entry;
  const converged = entry.results.filter((result) => result.converged);
  if (predicted === undefined || converged.length < 2) return [];
  const { median, residuals } = predicted;
  return runColumns
    .filter(({ name }) => Object.hasOwn(bandColumns, name))
    .flatMap(({ name, get }): BandRow[] => {
      const numberOf = (result: MigrationResult): number[] => {
        const value = get(result);
        return typeof value === 'number' ? [value] : [];
      };
      const point = median.converged ? (numberOf(median)[0] ?? null) : null;
      const values = converged.flatMap(numberOf);
      const figure = predictedFigure(name, values, point, residuals);
      if (figure === null) return [];
      const { scenario, strategy, policy, memory } = median;
      const head = { scenario, strategy, policy, memory };
      const { point: prediction, low, high } = figure;
      return [{ ...head, measure: name, runs: values.length, prediction, low, high }];
    });
}
