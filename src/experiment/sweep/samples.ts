/**
 * The values of one cell, read from its rows as written: what a live sweep, a resumed one and a merge conclude from them
 * is the same to the last byte.
 */
import { meanInterval } from '../../stats/interval.js';
import type { SweepMeasure } from './table.js';

/** Fewer runs may agree by chance. */
const FEWEST_RUNS = 5;

const { isNaN } = Number;

const FIRST_RUNS = 64;

/** The runs of one strategy. */
export class StrategySamples {
  readonly label: string;
  private readonly outcome: number;
  private readonly columns: Float64Array[];
  private count = 0;

  /** `outcome`: which of so many measures is whether a run converged. */
  constructor(label: string, measures: number, outcome: number) {
    this.label = label;
    this.outcome = outcome;
    this.columns = Array.from({ length: measures }, () => new Float64Array(FIRST_RUNS));
  }

  get runs(): number {
    return this.count;
  }

  /** Of a measure, of each run; NaN: the run has no such value. Valid until a run is added or dropped. */
  values(measure: number): Float64Array {
    return this.columns[measure]!.subarray(0, this.count);
  }

  /** Of each run 1 where it converged. */
  converged(): Float64Array {
    return this.values(this.outcome);
  }

  add(row: Float64Array): void {
    const { columns, count } = this;
    if (count === columns[0]?.length) this.grow();
    for (let index = 0; index < columns.length; index++) columns[index]![count] = row[index]!;
    this.count += 1;
  }

  drop(): void {
    this.count -= 1;
  }

  private grow(): void {
    for (const [index, column] of this.columns.entries()) {
      const larger = new Float64Array(2 * column.length);
      larger.set(column);
      this.columns[index] = larger;
    }
  }
}

export interface CellSamples {
  readonly cell: number;
  readonly strategies: readonly StrategySamples[];
  /** Rows so far. */
  readonly rows: number;
  /** A row by its values, one for each measure. */
  add(values: Float64Array): void;
  /** Forgets a number of rows, the last ones. */
  drop(count: number): void;
  /** Whether every strategy is known as precisely as wanted. Only after a whole run of all of them. */
  precise(share: number): boolean;
}

export function cellSamples(
  cell: number,
  labels: readonly string[],
  measures: readonly SweepMeasure[],
): CellSamples {
  const outcome = measures.findIndex(({ column }) => column === 'converged');
  const strategies = labels.map((label) => new StrategySamples(label, measures.length, outcome));
  const deciding = measures.flatMap((measure, index) => (measure.decides ? [index] : []));
  let rows = 0;
  return {
    cell,
    strategies,
    get rows() {
      return rows;
    },
    add(row) {
      strategies[rows % labels.length]!.add(row);
      rows += 1;
    },
    drop(count) {
      for (let dropped = 0; dropped < count; dropped++) {
        rows -= 1;
        strategies[rows % labels.length]!.drop();
      }
    },
    precise(share) {
      if (rows < FEWEST_RUNS * labels.length || rows % labels.length !== 0) return false;
      return strategies.every((strategy) =>
        deciding.every((index) => isPrecise(countingValues(strategy, index).values, share)),
      );
    },
  };
}

/** Of the runs that converged, of all where none did: a run that gave up shows only when its patience ended. */
export function countingValues(
  samples: StrategySamples,
  measure: number,
  everyRun = false,
): { readonly of: 'converged' | 'all'; readonly values: Float64Array } {
  const converged = samples.converged();
  const all = everyRun || !converged.includes(1);
  const values = samples.values(measure);
  const kept = new Float64Array(values.length);
  let count = 0;
  for (let run = 0; run < values.length; run++) {
    const value = values[run]!;
    if ((all || converged[run] === 1) && !isNaN(value)) kept[count++] = value;
  }
  return { of: all ? 'all' : 'converged', values: kept.subarray(0, count) };
}

/** What no run measured needs no more runs; what one run measured says nothing about its spread. */
function isPrecise(values: Float64Array, share: number): boolean {
  if (values.length === 0) return true;
  const { estimate, high } = meanInterval(values);
  return high - estimate <= share * Math.abs(estimate);
}
