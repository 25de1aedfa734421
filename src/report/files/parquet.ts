/** runs.csv and summary.csv as Parquet: the same rows and columns, typed, a quarter of the size. */
import { nth } from '../../lists.js';
import { renameSync, rmSync } from 'node:fs';
import { type BasicType, ParquetWriter, fileWriter, schemaFromColumnData } from 'hyparquet-writer';
import { untilDone } from '../../files.js';
import { type Line, linesIn } from '../../experiment/sweep/lines.js';
import { BAND_COLUMNS, SUMMARY_COLUMNS } from '../../experiment/sweep/summary.js';
import { fieldsOf } from '../../experiment/sweep/table.js';
import { tableNamed } from '../columns.js';

/** Rows that are held in memory at a time. */
const ROWS_PER_GROUP = 10_000;

const UNITS = new Map(tableNamed('runs').columns.map(({ name, unit }) => [name, unit]));

type TypeOf = (column: string) => BasicType;

/** Varied keys are texts as written. Whole numbers that are not counts have a double's 53 bits, which is all they need. */
function typeInRuns(column: string): BasicType {
  const unit = UNITS.get(column);
  if (unit === undefined || unit === 'text') return 'STRING';
  if (unit === 'flag') return 'BOOLEAN';
  return column === 'seed' || column === 'run' ? 'INT64' : 'DOUBLE';
}

const SUMMARY_NUMBERS: readonly string[] = [...SUMMARY_COLUMNS, ...BAND_COLUMNS].filter(
  (column) => !['strategy', 'measure', 'of'].includes(column),
);

function typeInSummary(column: string): BasicType {
  if (column === 'runs' || column === 'n') return 'INT64';
  return SUMMARY_NUMBERS.includes(column) ? 'DOUBLE' : 'STRING';
}

const READERS: Readonly<Partial<Record<BasicType, (field: string) => unknown>>> = {
  BOOLEAN: (field) => field === 'true',
  INT64: BigInt,
  DOUBLE: Number,
};

function headerOf(first: IteratorResult<Line, void>): string[] {
  return first.done === true ? [] : fieldsOf(first.value.text);
}

/** Reads a runs.csv line by line and writes `path`, by way of a file next to it. */
export function runsToParquet(csv: string, path: string): Promise<void> {
  return csvToParquet(csv, path, typeInRuns);
}

/** The same of a summary.csv. */
export function summaryToParquet(csv: string, path: string): Promise<void> {
  return csvToParquet(csv, path, typeInSummary);
}

async function csvToParquet(csv: string, path: string, typeOf: TypeOf): Promise<void> {
  const lines: Iterator<Line, void> & Iterable<Line> = linesIn(csv);
  const header = headerOf(lines.next());
  const columns = header.map((name) => ({ name, type: typeOf(name) }));
  const filled = (rows: readonly string[][]) =>
    columns.map(({ name, type }, index) => {
      const read = READERS[type] ?? String;
      return { name, type, data: rows.map((row) => (row[index] === '' ? null : read(nth(row, index)))) };
    });
  const temporary = `${path}.writing`;
  const remove = (): void => rmSync(temporary, { force: true });
  const done = untilDone({ undo: remove, left: () => '' });
  try {
    const schema = schemaFromColumnData({ columnData: filled([]) });
    const writer = new ParquetWriter({ writer: fileWriter(temporary), schema });
    let rows: string[][] = [];
    const flush = async (): Promise<void> => {
      if (rows.length > 0) await writer.write({ columnData: filled(rows), rowGroupSize: ROWS_PER_GROUP });
      rows = [];
    };
    for (const { text } of lines) {
      rows.push(fieldsOf(text));
      if (rows.length === ROWS_PER_GROUP) await flush();
    }
    await flush();
    await writer.finish();
    renameSync(temporary, path);
  } finally {
    remove();
    done();
  }
}
