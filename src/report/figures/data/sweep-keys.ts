/** Which columns of runs.csv a sweep varied. */
import { keyColumns, runColumns } from '../../columns/runs.js';
import { groupBy, type Row } from '../../files/rows.js';

const KNOWN: ReadonlySet<string> = new Set([...keyColumns, ...runColumns].map(({ name }) => name));

/** Columns that are no results of migsim, with at least two values. */
export function sweepKeys(runs: readonly Row[]): string[] {
  const [first] = runs;
  if (first === undefined) return [];
  return Object.keys(first).filter(
    (name) => !KNOWN.has(name) && new Set(runs.map((row) => row[name])).size > 1,
  );
}

/** Runs of a sweep are not alike: a mean over them would be of nothing. */
export function isSweep(runs: readonly Row[]): boolean {
  return sweepKeys(runs).length > 0;
}

/** The runs that are alike in what was varied. */
export interface SweptCell {
  /** Such as `guest.memory 16GiB`; empty without keys. */
  readonly what: string;
  readonly rows: readonly Row[];
}

/** The runs that are alike in all of `keys`. */
export function cellsBy(runs: readonly Row[], keys: readonly string[]): SweptCell[] {
  let all: SweptCell[] = [{ what: '', rows: runs }];
  for (const key of keys) {
    all = all.flatMap(({ what, rows }) =>
      [...groupBy(rows, key)].map(([value, part]) => ({
        what: `${what}${what === '' ? '' : ', '}${key} ${value}`,
        rows: part,
      })),
    );
  }
  return all;
}
