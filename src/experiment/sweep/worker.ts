/** The worker's side: it receives the specification once, then numbers of units. */
import { workerData } from 'node:worker_threads';
import { UsageError } from '../../errors.js';
import { refusalOf, type Refusal } from '../parallel/refusal.js';
import { openPlan } from './plan.js';
import type { Rows } from './row-block.js';
import { unitRunner } from './run-unit.js';
import type { SweepSpec } from './spec.js';
import type { SweepTable } from './table.js';
import { type Unit, unitsOf } from './unit.js';

/** What a worker thread exports; `table` has the columns, which this layer does not know. */
export function unitServer(table: SweepTable): (index: number) => Promise<UnitOutcome> {
  let ready: Promise<(index: number) => Rows> | undefined;
  return async (index) => {
    try {
      return (await (ready ??= prepare(table)))(index);
    } catch (error) {
      if (error instanceof UsageError) return refusalOf(error);
      throw error;
    }
  };
}

/** The rows of a unit, or why it cannot be run. */
export type UnitOutcome = Rows | Refusal;

async function prepare(table: SweepTable): Promise<(index: number) => Rows> {
  // The pool would wait forever for a thread that exited silently.
  process.exit = (): never => {
    throw new Error('it called process.exit, which would end the sweep');
  };
  // The pool keeps the first entry for itself.
  const [, spec] = workerData as readonly [unknown, SweepSpec];
  const plan = await openPlan(spec);
  const units = unitsOf(plan);
  const run: (unit: Unit) => Rows = unitRunner(plan, table);
  return (index) => run(units.at(index));
}
