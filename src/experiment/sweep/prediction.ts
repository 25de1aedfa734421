/** What a cell predicts beyond its runs: where everything uncertain is at its median. */
import { nth } from '../../lists.js';
import { isUncertain } from '../predicted.js';
import { simulate } from '../simulate.js';
import type { Cell, SweepPlan } from './plan.js';
import { RowBlock } from './row-block.js';
import type { CellSamples } from './samples.js';
import type { CellPrediction } from './summary.js';
import type { SweepTable } from './table.js';

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
  const points = cell.strategies.map((_, at) => pointsOf(plan, table, cell, at));
  return { points, residuals: cell.scenario.setup.host.residuals };
}

/** By measure; null where the run has none, and where it did not converge. */
function pointsOf(
  { spec: { seed, memory } }: SweepPlan,
  table: SweepTable,
  { scenario, strategies, policy, values }: Cell,
  at: number,
): (number | null)[] {
  const options = { seed, run: 1, draw: false, memory, policy, keepSyncs: false };
  const result = simulate(scenario, nth(strategies, at), options);
  const block = new RowBlock(table.measures.length);
  table.row(result, table.fields(values), block);
  return Array.from(block.lastValues(), (value) => (result.converged && !Number.isNaN(value) ? value : null));
}
