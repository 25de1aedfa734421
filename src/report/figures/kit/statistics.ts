/** What figures and tables say of several runs. */
import { meanInterval } from '../../../stats/interval.js';
import { hasConverged, numberIn, type Row } from '../../files/rows.js';

export interface Estimate {
  readonly mean: number;
  /** 95 % confidence interval of the mean; null for a single run, and where all runs are the same. */
  readonly interval: readonly [number, number] | null;
  readonly count: number;
  /** false: no run converged, and these are figures of runs that did not. */
  readonly converged: boolean;
}

/** Over the runs that converged, or over all where none did: the rule of the comparison table. null without a value. */
export function estimate(rows: readonly Row[], value: (row: Row) => number | null): Estimate | null {
  const converged = rows.filter((row) => hasConverged(row));
  const counting = converged.length > 0 ? converged : rows;
  const values = counting.map(value).filter((one) => one !== null);
  if (values.length === 0) return null;
  const { estimate: mean, low, high } = meanInterval(values);
  const interval = values.length > 1 && high > low ? ([low, high] as const) : null;
  return { mean, interval, count: values.length, converged: converged.length > 0 };
}

export function column(name: string, scale = 1): (row: Row) => number | null {
  return (row) => {
    const value = numberIn(row, name);
    return value === null ? null : value / scale;
  };
}
