/** A row of a sweep's runs.csv, back from its text to a value of the names that a `MigrationResult` has. */
import { zip } from '../lists.js';
import type { Measure, Unit } from '../experiment/expect/measure.js';
import { fieldsOf } from '../experiment/sweep/table.js';
import type { MigrationResult, WhyNot } from '../migration/result.js';
import { keyColumns, runColumns } from '../report/columns/runs.js';

/**
 * One run of a sweep: what varied and every scalar of its result. Names, units and ranges are those of `MigrationResult`;
 * numbers are those of runs.csv, to a thousandth of their unit and shares to a millionth, whether they were computed here,
 * in a worker thread or by an earlier call.
 */
export interface SweepRow<Key extends string = string> extends Omit<
  MigrationResult,
  'error' | 'why' | 'parameters' | 'vcpus' | 'syncs' | 'timeline' | 'decisions'
> {
  /** The value of each varied key, as written: `{ 'link.bandwidth': '10Gbit/s' }`. */
  readonly varied: Readonly<Record<Key, string>>;
  /** `why.binds`: what kept it from converging; null when it converged. */
  readonly binds: WhyNot['binds'] | null;
  /** Mean work done, 0 to 1, of the vCPUs that write; null where there are none. */
  readonly writersWorkDone: number | null;
  /** The same of the vCPUs that only read. */
  readonly readersWorkDone: number | null;
  /** Longest time that any vCPU did not run at a stretch, blackout included, ms. */
  readonly longestStallMs: number;
  /** `why.stallsAtBytes`: what each pass of a run that did not converge leaves, bytes; null where there is no such plateau. */
  readonly stallsAtBytes: number | null;
  /** `why.sufficientPauseMs`: a downtime-limit that is enough for that, ms. */
  readonly sufficientPauseMs: number | null;
}

type RowScalar = Exclude<keyof SweepRow, 'varied'>;

/** Where `MigrationResult` has another word than the column; all others differ by camel case alone. */
const NAMES: Readonly<Record<string, string>> = {
  dirty_pages_per_s: 'dirtyPagesRate',
  bandwidth_bytes_per_s: 'bandwidthBytesPerSecond',
  writers_work_done_share: 'writersWorkDone',
  readers_work_done_share: 'readersWorkDone',
  writers_work_held_share: 'writersWorkHeld',
  readers_work_held_share: 'readersWorkHeld',
};

/** The columns of runs.csv, read off a row. */
export const rowMeasures: readonly Measure<SweepRow>[] = runColumns.map(({ name, unit, meaning }) => ({
  name,
  unit,
  meaning,
  get: (row) => row[nameOf(name) as RowScalar] ?? null,
}));

/** Reads lines of a sweep that varies `keys`. */
export function rowReader(keys: readonly string[]): (line: string) => SweepRow {
  const columns = [...keyColumns, ...runColumns].map(({ name, unit }) => ({ name: nameOf(name), unit }));
  const first = keyColumns.length;
  return (line) => {
    const fields = fieldsOf(line);
    const values = fields.splice(first, keys.length);
    const varied = Object.fromEntries(zip(keys, values));
    const scalars = columns.map(({ name, unit }, index) => [name, valueOf(fields[index] ?? '', unit)]);
    return { varied, ...Object.fromEntries(scalars) } as SweepRow;
  };
}

function nameOf(column: string): string {
  return NAMES[column] ?? column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function valueOf(field: string, unit: Unit): string | number | boolean | null {
  if (field === '') return null;
  if (unit === 'flag') return field === 'true';
  return unit === 'text' ? field : Number(field);
}
