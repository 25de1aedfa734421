/** Checks every cell before the first run, and remembers which strategies run where. */
import { UsageError } from '../../errors.js';
import { type SweepPlan, cellText } from './plan.js';

/** Labels of the strategies of each cell, in the order of rows; cells with the same ones share a list. */
export type CellLabels = readonly (readonly string[])[];

/** Throws `UsageError` for the first cell that cannot be. */
export function checkCells(plan: SweepPlan): CellLabels {
  const shared = new Map<string, readonly string[]>();
  return Array.from({ length: plan.cellCount }, (_, index) => {
    const labels = plan.cell(index).strategies.map(({ label }) => label);
    if (labels.length === 0) throw new UsageError(`no strategy runs at ${cellText(plan, index)}`);
    const key = JSON.stringify(labels);
    if (!shared.has(key)) shared.set(key, labels);
    return shared.get(key)!;
  });
}
