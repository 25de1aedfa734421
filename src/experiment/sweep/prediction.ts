/** What a cell predicts beyond its runs: where everything uncertain is at its median. */
import { isUncertain } from '../predicted.js';
import { simulate } from '../simulate.js';
import type { Cell, SweepPlan } from './plan.js';
import { type CellSamples, type Positions, numberIn, positionsOf } from './samples.js';
import type { CellPrediction } from './summary.js';
import { type SweepTable, fieldsOf } from './table.js';

/** Whether a cell has bands: its runs draw something. */
export function hasBands({ scenario }: Cell, runs: number): boolean {
  return runs > 1 && isUncertain(scenario);
}

/** One run of each strategy more; null where nothing is drawn. */
export function predictionOf(
  plan: SweepPlan,
  table: SweepTable,
  samples: CellSamples,
): CellPrediction | null {
  const cell = plan.cell(samples.cell);
  if (!hasBands(cell, plan.spec.runs)) return null;
  const positions = positionsOf(table.header(plan.keys), table.measures);
  const points = cell.strategies.map((_, at) => pointsOf(plan, table, cell, at, positions));
  return { points, residuals: cell.scenario.setup.host.residuals };
}

/** By measure; null where the run has none, and where it did not converge. */
function pointsOf(
  { spec: { seed, memory } }: SweepPlan,
  table: SweepTable,
  { scenario, strategies, policy, values }: Cell,
  at: number,
  positions: Positions,
): (number | null)[] {
  const options = { seed, run: 1, draw: false, memory, policy, keepSyncs: false };
  const result = simulate(scenario, strategies[at]!, options);
  const fields = fieldsOf(table.row(result, table.fields(values)).slice(0, -1));
  return positions.measures.map((position) => {
    const value = numberIn(fields[position] ?? '');
    return result.converged && !Number.isNaN(value) ? value : null;
  });
}
