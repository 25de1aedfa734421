/** Runs that were made twice: how much two migrations of one guest on one host differ, with nothing of a model in it. */
import path from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { UsageError } from '../errors.js';
import { readInput, statusOf } from '../files.js';

/** One migration and its repeat. */
export interface RepeatedRun {
  readonly id: string;
  /** Of the first and the second run, ms; null where one has none. */
  readonly totalMs: readonly [number, number] | null;
  readonly downtimeMs: readonly [number, number] | null;
}

const NAME = 'repeats.csv';
const MOST_BYTES = 2 ** 24;

/** Of the folders among `paths` that have a repeats.csv: columns `id`, `first_total_ms`, `second_total_ms` and so on. */
export function repeatsIn(paths: readonly string[]): RepeatedRun[] {
  return paths
    .map((folder) => path.join(folder, NAME))
    .filter((file) => statusOf(file)?.isFile() === true)
    .flatMap(readRepeats);
}

function readRepeats(file: string): RepeatedRun[] {
  return rowsOf(file).map((row) => {
    const pair = (figure: string): readonly [number, number] | null => {
      const ms = (which: string): number => Number(row[`${which}_${figure}_ms`] || NaN);
      const [first, second] = [ms('first'), ms('second')];
      return first > 0 && second > 0 ? [first, second] : null;
    };
    return { id: row['id'] ?? '', totalMs: pair('total'), downtimeMs: pair('downtime') };
  });
}

function rowsOf(file: string): Readonly<Record<string, string>>[] {
  try {
    return parse(readInput(file, MOST_BYTES), { columns: true, skip_empty_lines: true });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UsageError(
      `not CSV: ${error.message}; expected a row a repeated run, with id and first_total_ms`,
      {
        file,
      },
    );
  }
}
