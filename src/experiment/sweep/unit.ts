/** Units of work: a range of runs of all strategies in one cell. What a unit is follows from the plan alone. */
import type { SweepPlan } from './plan.js';

/** Runs of the fluid memory that take about 50 ms together, compared with which handing them out takes no time. */
const FLUID_RUNS = 400;
/** Pages that the page memory sends in about that time. */
const PAGES = 4e6;

export interface Unit {
  /** Among the units of all cells, those that are left out included. */
  readonly index: number;
  readonly cell: number;
  /** From 1, inclusive. */
  readonly firstRun: number;
  readonly lastRun: number;
}

export interface Units {
  readonly count: number;
  /** From 0. */
  at(position: number): Unit;
}

/** In the order of rows: cell by cell, run by run, of `cells` (null: all). A cell that may end early is one unit, as its runs decide on each other. */
export function unitsOf(plan: SweepPlan, cells: readonly number[] | null = null): Units {
  const { runs, precision } = plan.spec;
  const size = precision === null ? Math.min(runs, runsPerUnit(plan)) : runs;
  const perCell = Math.ceil(runs / size);
  return {
    count: (cells?.length ?? plan.cellCount) * perCell,
    at(position) {
      const place = Math.floor(position / perCell);
      const part = position % perCell;
      const cell = cells === null ? place : (cells[place] ?? plan.cellCount);
      const firstRun = part * size + 1;
      const lastRun = Math.min(runs, firstRun + size - 1);
      return { index: cell * perCell + part, cell, firstRun, lastRun };
    },
  };
}

function runsPerUnit(plan: SweepPlan): number {
  const { scenario, strategies } = plan.cell(plan.first);
  const together = plan.spec.memory === 'fluid' ? FLUID_RUNS : PAGES / (scenario.setup.guest.ramPages + 1);
  return Math.max(1, Math.floor(together / Math.max(1, strategies.length)));
}
