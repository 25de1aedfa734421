/** Checks every cell before the first run: which strategies run where, and what cannot run. */
import { got, nth } from '../../lists.js';
import { InfeasibleError, UsageError } from '../../errors.js';
import { type Refusal, type SweepPlan, cellText } from './plan.js';
import { hasBands } from './prediction.js';

/** Labels of the strategies of each cell, in the order of rows; cells with the same ones share a list. */
export type CellLabels = readonly (readonly string[])[];

/** A cell, or one strategy in it, that a sweep leaves out. */
export interface Skipped extends Refusal {
  readonly cell: number;
}

export interface CheckedCells {
  /** Empty for a cell that is left out. */
  readonly labels: CellLabels;
  /** In the order of cells. */
  readonly skipped: readonly Skipped[];
  /** Cells that have bands: their runs draw something. */
  readonly drawing: ReadonlySet<number>;
  /** Whether there are any. */
  readonly banded: boolean;
}

/** What a sweep leaves out is kept in memory, to be listed. */
const MOST_SKIPPED = 100_000;

/**
 * Leaves out what cannot run. Throws `UsageError` for a mistake in a value, where nothing is left, for a strategy that
 * runs nowhere and, if `strict`, for the first cell or strategy that cannot run.
 */
export function checkCells(plan: SweepPlan, strict: boolean): CheckedCells {
  const shared = new Map<string, readonly string[]>();
  const skipped: Skipped[] = [];
  const ran = new Set<string>();
  const drawing = new Set<number>();
  const labels = Array.from({ length: plan.cellCount }, (_, cell) => {
    const { running, refused, draws } = checkCell(plan, cell);
    if (draws) drawing.add(cell);
    const [first] = refused;
    if (first !== undefined && strict)
      throw new UsageError(`${atCell(plan, { cell, ...first })}; without --strict, it is left out`);
    for (const refusal of refused) skipped.push({ cell, ...refusal });
    if (skipped.length > MOST_SKIPPED)
      throw new UsageError(
        `more than ${MOST_SKIPPED} cells cannot run, such as ${atCell(plan, nth(skipped, 0))}; expected ranges that go together`,
      );
    for (const label of running) ran.add(nameOf(label));
    const key = JSON.stringify(running);
    if (!shared.has(key)) shared.set(key, running);
    return got(shared, key);
  });
  const nowhere = skipped.find(({ strategy }) => strategy !== null && !ran.has(nameOf(strategy)));
  const blamed = ran.size === 0 ? skipped[0] : nowhere;
  if (blamed !== undefined) {
    const what = ran.size === 0 ? 'no cell can run' : 'it runs in no cell';
    throw new UsageError(plan.cellCount === 1 ? atCell(plan, blamed) : `${what}: ${atCell(plan, blamed)}`);
  }
  return { labels, skipped, drawing, banded: drawing.size > 0 };
}

/** Cells in which something runs; null: all. */
export function runningCells(labels: CellLabels): readonly number[] | null {
  const running = [...labels.keys()].filter((cell) => nth(labels, cell).length > 0);
  return running.length === labels.length ? null : running;
}

function checkCell(
  plan: SweepPlan,
  index: number,
): {
  readonly running: readonly string[];
  readonly refused: readonly Refusal[];
  readonly draws: boolean;
} {
  try {
    const cell = plan.cell(index);
    const running = cell.strategies.map(({ label }) => label);
    return { running, refused: cell.refused, draws: hasBands(cell, plan.spec.runs) };
  } catch (error) {
    if (!(error instanceof InfeasibleError)) throw error;
    return { running: [], refused: [{ strategy: null, reason: error.reason }], draws: false };
  }
}

/** A label has the options in it, which may vary. */
function nameOf(label: string): string {
  return label.replace(/\(.*$/s, '');
}

function atCell(plan: SweepPlan, { cell, reason }: Skipped): string {
  return `${reason} (at ${cellText(plan, cell)})`;
}
