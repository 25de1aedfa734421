/** The rows of runs.csv as a sweep sees them; src/report/terminal/sweep-table.ts has the columns. */
import type { MigrationResult } from '../../migration/result.js';
import type { RowBlock } from './row-block.js';

/** A column that is summarised. */
export interface SweepMeasure {
  /** Such as `total_time_ms`. */
  readonly column: string;
  /** Name in the summary; of a flag, the share of runs in which it is true. */
  readonly name: string;
  /** Digits after the point that mean something. */
  readonly digits: number;
  /** Whether `--precision` waits for it. */
  readonly decides: boolean;
}

export interface SweepTable {
  /** Names of the columns; `keys` are the varied ones. */
  header(keys: readonly string[]): readonly string[];
  /** Writes one line, and what is summarised of it. `varied` holds the fields of the varied columns, ready with commas. */
  row(result: MigrationResult, varied: string, to: RowBlock): void;
  /** Fields with commas, quoted where they must be. */
  fields(values: readonly (string | number | boolean | null)[]): string;
  readonly measures: readonly SweepMeasure[];
}

/** A line of `table` back to its fields. */
export function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/gy;
  while (pattern.lastIndex <= line.length) {
    const match = pattern.exec(line);
    if (match === null) break;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (!match[0].endsWith(',')) break;
  }
  return fields;
}

/** Rows of a text of whole rows, without their line breaks; one within quotes belongs to its row. */
export function linesOf(text: string): string[] {
  if (!text.includes('"')) return text === '' ? [] : text.slice(0, -1).split('\n');
  const lines: string[] = [];
  let begin = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const letter = text.charCodeAt(index);
    if (letter === 34) quoted = !quoted;
    else if (letter === 10 && !quoted) {
      lines.push(text.slice(begin, index));
      begin = index + 1;
    }
  }
  return lines;
}
