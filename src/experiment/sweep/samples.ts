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
  /** A row by its values, one for each measure. */
  add(values: Float64Array): void;
  /** Forgets so many rows, the last ones. */
  drop(count: number): void;
  /** Whether every strategy is known as precisely as wanted. Only after a whole run of all of them. */
  precise(share: number): boolean;
}

/** Reads the values of a line: one for each measure, in an array that is filled again for the next line. */
export function valueReader(
  header: readonly string[],
  measures: readonly SweepMeasure[],
): (line: string) => Float64Array {
  const values = new Float64Array(measures.length);
  const measureAt = header.map((name) => measures.findIndex(({ column }) => column === name));
  const last = measureAt.findLastIndex((measure) => measure >= 0);
  return (line) => {
    values.fill(NaN);
    if (line.includes('"')) {
      const fields = fieldsOf(line);
      measures.forEach(({ column }, measure) => {
        values[measure] = numberIn(fields[header.indexOf(column)] ?? '');
      });
      return values;
    }
    let begin = 0;
    for (let field = 0; field <= last && begin <= line.length; field++) {
      const comma = line.indexOf(',', begin);
      const end = comma < 0 ? line.length : comma;
      const measure = measureAt[field]!;
      if (measure >= 0) values[measure] = numberIn(line.slice(begin, end));
      begin = end + 1;
    }
    return values;
  };
}

export function cellSamples(
  cell: number,
  labels: readonly string[],
  measures: readonly SweepMeasure[],
): CellSamples {
  const strategies = labels.map((label): StrategySamples => ({
    label,
    converged: [],
    values: measures.map((): number[] => []),
  }));
  const outcome = measures.findIndex(({ column }) => column === 'converged');
  const deciding = measures.flatMap((measure, index) => (measure.decides ? [index] : []));
  let rows = 0;
  return {
    cell,
    strategies,
    get rows() {
      return rows;
    },
    add(row) {
      const { converged, values } = strategies[rows % labels.length]!;
      converged.push(row[outcome] === 1);
      for (let index = 0; index < values.length; index++) values[index]!.push(row[index]!);
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
function numberIn(field: string): number {
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

/** What no run measured needs no more runs; what one run measured says nothing about its spread. */
function isPrecise(values: readonly number[], share: number): boolean {
  if (values.length === 0) return true;
  const { estimate, high } = meanInterval(values);
  return high - estimate <= share * Math.abs(estimate);
}
