/**
 * The values of one cell, read from its rows as written: what a live sweep, a resumed one and a merge conclude from them
 * is the same to the last byte.
 */
import { meanInterval } from '../../stats/interval.js';
import { type SweepMeasure, fieldsOf } from './table.js';

/** Fewer runs may agree by chance. */
const FEWEST_RUNS = 5;

export interface StrategySamples {
  readonly label: string;
  /** Of each run. */
  readonly converged: boolean[];
  /** Of each measure, of each run; NaN: the run has no such value. */
  readonly values: readonly number[][];
}

export interface CellSamples {
  readonly cell: number;
  readonly strategies: readonly StrategySamples[];
  /** Rows so far. */
  readonly rows: number;
  add(line: string): void;
  /** Forgets so many rows, the last ones. */
  drop(count: number): void;
  /** Whether every strategy is known as precisely as wanted. Only after a whole run of all of them. */
  precise(share: number): boolean;
}

/** Where in a row the values are. */
export interface Positions {
  readonly converged: number;
  readonly measures: readonly number[];
}

export function positionsOf(header: readonly string[], measures: readonly SweepMeasure[]): Positions {
  return {
    converged: header.indexOf('converged'),
    measures: measures.map(({ column }) => header.indexOf(column)),
  };
}

export function cellSamples(
  cell: number,
  labels: readonly string[],
  measures: readonly SweepMeasure[],
  positions: Positions,
): CellSamples {
  const strategies = labels.map((label): StrategySamples => ({
    label,
    converged: [],
    values: measures.map((): number[] => []),
  }));
  const deciding = measures.flatMap((measure, index) => (measure.decides ? [index] : []));
  let rows = 0;
  return {
    cell,
    strategies,
    get rows() {
      return rows;
    },
    add(line) {
      const fields = fieldsOf(line);
      const strategy = strategies[rows % labels.length]!;
      strategy.converged.push(fields[positions.converged] === 'true');
      for (let index = 0; index < measures.length; index++) {
        strategy.values[index]!.push(numberIn(fields[positions.measures[index]!] ?? ''));
      }
      rows += 1;
    },
    drop(count) {
      for (let dropped = 0; dropped < count; dropped++) {
        rows -= 1;
        const strategy = strategies[rows % labels.length]!;
        strategy.converged.pop();
        for (const values of strategy.values) values.pop();
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

/** NaN: an empty field. */
export function numberIn(field: string): number {
  if (field === '') return NaN;
  return field === 'true' ? 1 : field === 'false' ? 0 : Number(field);
}

/** Of the runs that converged, of all where none did: a run that gave up shows only when its patience ended. */
export function countingValues(
  { converged, values }: StrategySamples,
  measure: number,
  everyRun = false,
): { readonly of: 'converged' | 'all'; readonly values: number[] } {
  const all = everyRun || !converged.includes(true);
  const kept = values[measure]!.filter((value, run) => (all || converged[run]!) && !Number.isNaN(value));
  return { of: all ? 'all' : 'converged', values: kept };
}

/** What nobody measured needs no more runs; what one run measured says nothing about its spread. */
function isPrecise(values: readonly number[], share: number): boolean {
  if (values.length === 0) return true;
  const { estimate, high } = meanInterval(values);
  return high - estimate <= share * Math.abs(estimate);
}
