/** Runs one unit and returns its rows. */
import { UsageError, errorMessage } from '../../errors.js';
import { simulate } from '../simulate.js';
import { type SweepPlan, cellText } from './plan.js';
import { RowBlock, type Rows } from './row-block.js';
import { cellSamples } from './samples.js';
import type { SweepTable } from './table.js';
import type { Unit } from './unit.js';

export function unitRunner(plan: SweepPlan, table: SweepTable): (unit: Unit) => Rows {
  const { seed, memory, precision, runs } = plan.spec;
  const draw = runs > 1;
  const block = new RowBlock(table.measures.length);
  return (unit) => {
    const { scenario, strategies, policy, values } = plan.cell(unit.cell);
    const varied = table.fields(values);
    const labels = strategies.map(({ label }) => label);
    const samples = cellSamples(unit.cell, labels, table.measures);
    for (let run = unit.firstRun; run <= unit.lastRun; run++) {
      for (const strategy of strategies) {
        const at = (): string => `${strategy.label}, run ${run} ${cellText(plan, unit.cell)}`.trim();
        const result = failing(at, () =>
          simulate(scenario, strategy, { seed, run, draw, memory, policy, keepSyncs: false }),
        );
        table.row(result, varied, block);
        if (precision !== null) samples.add(block.lastValues());
      }
      if (precision !== null && samples.precise(precision)) break;
    }
    return block.take();
  };
}

/** Names the run that failed: with thousands of them, a stack alone says too little. */
function failing<Result>(at: () => string, compute: () => Result): Result {
  try {
    return compute();
  } catch (error) {
    const [line = ''] = errorMessage(error).split('\n');
    const message = `${at()}: ${line}`;
    throw error instanceof UsageError
      ? new UsageError(message, undefined, { cause: error.cause })
      : new Error(message, { cause: error });
  }
}
