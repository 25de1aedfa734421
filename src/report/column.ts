/** A column of a result table: a measure with what people want to see of it. */
import { type Measure, type Unit, type Value, bareName } from '../experiment/expect/measure.js';
import type { MigrationResult } from '../migration/result.js';

export interface Column<Row> extends Measure<Row> {
  /** Words for tables; without it, the name without its unit. */
  readonly label?: string;
  /** Which of two values people prefer; without it, neither. */
  readonly better?: 'lower' | 'higher';
}

/** Keys of a row whose values a column can have as they are. */
type ValueKey<Row> = { [Key in keyof Row]: Row[Key] extends Value ? Key : never }[keyof Row] & string;

/**
 * `column(name, unit, meaning, of)`: one line a column, in the order in which files have them. `of` is what it reads: a key of the
 * row, or what a function makes of the row.
 */
export function column<Row>(
  name: string,
  unit: Unit,
  meaning: string,
  of: ValueKey<Row> | Column<Row>['get'],
  more: Pick<Column<Row>, 'label' | 'better'> = {},
): Column<Row> {
  const get = typeof of === 'function' ? of : entryOf<Row>(of);
  return { name, unit, meaning, get, ...more };
}

/** TypeScript cannot tell that `ValueKey` leaves only values. */
function entryOf<Row>(key: ValueKey<Row>): Column<Row>['get'] {
  return (row) => row[key] as Value;
}

export interface ResultTable {
  /** `runs` of `runs.csv`. */
  readonly name: string;
  /** What a row is. */
  readonly about: string;
  readonly columns: readonly Pick<Column<never>, 'name' | 'unit' | 'meaning'>[];
  /** The rows of one result, each a value per column. */
  rowsOf(result: MigrationResult): Value[][];
}

/** Joins the columns of a table with the key columns before them; the type of a row stays inside. */
export function resultTable<Row>(
  table: {
    readonly name: string;
    readonly about: string;
    readonly columns: readonly Column<Row>[];
    rows(result: MigrationResult): readonly Row[];
  },
  keys: readonly Column<MigrationResult>[],
): ResultTable {
  return {
    name: table.name,
    about: table.about,
    columns: [...keys, ...table.columns],
    rowsOf(result) {
      const key = keys.map((column) => column.get(result));
      return table
        .rows(result)
        .map((row) => [...key, ...table.columns.map((column) => written(column, row))]);
    },
  };
}

/** To a microsecond, a thousandth, a millionth of a share: what lies beyond is the noise of floating point. */
function written<Row>(column: Column<Row>, row: Row): Value {
  const value = column.get(row);
  if (typeof value !== 'number') return value;
  return Number.isSafeInteger(value) ? value + 0 : Number(value.toFixed(digitsOf(column.unit)));
}

/** Digits after the point that files have. */
export function digitsOf(unit: Unit): 3 | 6 {
  return unit === 'share' ? 6 : 3;
}

export function labelOf(column: Pick<Column<never>, 'name' | 'unit' | 'label'>): string {
  return column.label ?? bareName(column).replaceAll('_', ' ');
}
