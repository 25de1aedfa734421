/** Units of work: a range of runs of all strategies in one cell. What a unit is follows from the plan alone. */
import type { SweepPlan } from './plan.js';

/** Runs of the fluid memory that take about 50 ms together, compared with which handing them out takes no time. */
const FLUID_RUNS = 400;
/** Pages that the page memory sends in about that time. */
const PAGES = 4e6;

export interface Unit {
  readonly index: number;
  readonly cell: number;
  /** From 1, inclusive. */
  readonly firstRun: number;
  readonly lastRun: number;
}

export interface Units {
  readonly count: number;
  at(index: number): Unit;
}

/** In the order of rows: cell by cell, run by run. A cell that may end early is one unit, as its runs decide on each other. */
export function unitsOf(plan: SweepPlan): Units {
  const { runs, precision } = plan.spec;
  const size = precision === null ? Math.min(runs, runsPerUnit(plan)) : runs;
  const perCell = Math.ceil(runs / size);
  return {
    count: plan.cellCount * perCell,
    at(index) {
      const firstRun = (index % perCell) * size + 1;
      const lastRun = Math.min(runs, firstRun + size - 1);
      return { index, cell: Math.floor(index / perCell), firstRun, lastRun };
    },
  };
}

function runsPerUnit(plan: SweepPlan): number {
  const { scenario, strategies } = plan.cell(0);
  const together = plan.spec.memory === 'fluid' ? FLUID_RUNS : PAGES / (scenario.setup.guest.ramPages + 1);
  return Math.max(1, Math.floor(together / Math.max(1, strategies.length)));
}
