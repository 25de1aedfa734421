/** Runs one unit and returns its rows as text. */
import { UsageError, errorMessage } from '../../errors.js';
import { simulate } from '../simulate.js';
import { type SweepPlan, cellText } from './plan.js';
import { type Positions, cellSamples, positionsOf } from './samples.js';
import type { SweepTable } from './table.js';
import type { Unit } from './unit.js';

export function unitRunner(plan: SweepPlan, table: SweepTable): (unit: Unit) => string {
  const { seed, memory, precision, runs } = plan.spec;
  const draw = runs > 1;
  const positions: Positions = positionsOf(table.header(plan.keys), table.measures);
  return (unit) => {
    const { scenario, strategies, policy, values } = plan.cell(unit.cell);
    const varied = table.fields(values);
    const labels = strategies.map(({ label }) => label);
    const samples = cellSamples(unit.cell, labels, table.measures, positions);
    let text = '';
    for (let run = unit.firstRun; run <= unit.lastRun; run++) {
      for (const strategy of strategies) {
        const at = (): string => `${strategy.label}, run ${run} ${cellText(plan, unit.cell)}`.trim();
        const row = table.row(
          failing(at, () =>
            simulate(scenario, strategy, { seed, run, draw, memory, policy, keepSyncs: false }),
          ),
          varied,
        );
        text += row;
        if (precision !== null) samples.add(row.slice(0, -1));
      }
      if (precision !== null && samples.precise(precision)) break;
    }
    return text;
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
