/** Rows on their way into a sweep's files, live or from a file: which unit they complete, and which cell. */
import type { CellLabels } from './cells.js';
import type { SweepPlan } from './plan.js';
import { type CellSamples, cellSamples } from './samples.js';
import type { Shard } from './shard.js';
import type { SweepTable } from './table.js';
import type { Units } from './unit.js';

/** Takes rows in their order. Rows are nowhere numbered: the plan says how many each unit has. */
export interface RowTaker {
  /** Index of the unit that the next row belongs to; `units.count` or more when there is none. */
  readonly next: number;
  /** Whether that is the first of its cell, or there is none: all rows so far are of complete cells. */
  readonly isBetweenCells: boolean;
  /** Takes all units before position `unit`, the first of a cell, as done. Only before the first row. */
  startAt(unit: number): void;
  /** A row by the values of its measures; whether it completed its unit. */
  add(values: Float64Array): boolean;
  /** Forgets the rows of a unit that is not complete. */
  drop(): void;
}

/** `onCell` gets each cell when its last row has come; of a shard it has the shard's rows only. */
export function rowTaker(
  plan: SweepPlan,
  units: Units,
  labels: CellLabels,
  table: SweepTable,
  shard: Shard | null,
  onCell: (cell: CellSamples) => void,
): RowTaker {
  const { precision } = plan.spec;
  const step = shard?.count ?? 1;
  let next = shard?.index ?? 0;
  let unit = units.at(next);
  let rows = 0;
  const samplesOf = (cell: number): CellSamples => cellSamples(cell, labels[cell] ?? [], table.measures);
  let samples = samplesOf(unit.cell);
  return {
    get next() {
      return next;
    },
    get isBetweenCells() {
      return samples.rows === 0;
    },
    startAt(position) {
      next = position;
      unit = units.at(next);
      samples = samplesOf(unit.cell);
    },
    add(values) {
      samples.add(values);
      rows += 1;
      const wanted = (unit.lastRun - unit.firstRun + 1) * samples.strategies.length;
      if (rows < wanted && (precision === null || !samples.precise(precision))) return false;
      rows = 0;
      next += step;
      const following = units.at(next);
      if (next >= units.count || following.cell !== unit.cell) {
        onCell(samples);
        samples = samplesOf(following.cell);
      }
      unit = following;
      return true;
    },
    drop() {
      samples.drop(rows);
      rows = 0;
    },
  };
}
