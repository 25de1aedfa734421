/** What the report says of a sweep: its cells one by one, and each strategy over all of them. */
import { show, type Unit } from '../../experiment/expect/measure.js';
import { groupBy, hasConverged, numberIn, type Row, textIn } from '../files/rows.js';
import { type RunsTable, runsTable } from '../terminal/runs-table.js';
import { counted } from '../terminal/kit/text.js';
import { reasonOf, SUPERLATIVES } from './prose.js';
import { largest, smallest } from '../../stats/extremes.js';

export interface SweepCell {
  /** `link.bandwidth 5Gbit/s, guest.memory 4GiB`. */
  readonly name: string;
  readonly runs: readonly Row[];
  readonly table: RunsTable;
}

/** Cells named in a sentence before the others are only counted. */
const MOST_NAMED = 4;

/** When more strategies than this are the best equally often, none is named. */
const MOST_LEADERS = 2;

/** In the order in which they come. */
export function cellsOf(runs: readonly Row[], keys: readonly string[]): SweepCell[] {
  const named = runs.map((row) => ({
    ...row,
    cell: keys.map((key) => `${key} ${textIn(row, key)}`).join(', '),
  }));
  return [...groupBy(named, 'cell')].map(([name, rows]) => ({ name, runs: rows, table: runsTable(rows) }));
}

/** Who converged, and who was best at what in how many cells. */
export function sweepInShort(cells: readonly SweepCell[]): string[] {
  const runs = [
    ...groupBy(
      cells.flatMap((cell) => cell.runs),
      'strategy',
    ),
  ];
  const share = (rows: readonly Row[]): number => rows.filter(hasConverged).length / rows.length;
  const named = (from: (share: number) => boolean): string =>
    runs
      .filter(([, rows]) => from(share(rows)))
      .map(([label]) => label)
      .join(', ');
  const [all, none] = [named((one) => one === 1), named((one) => one === 0)];
  const some = runs
    .filter(([, rows]) => share(rows) > 0 && share(rows) < 1)
    .map(
      ([label, rows]) => `${label} (${rows.filter(hasConverged).length} of ${counted(rows.length, 'run')})`,
    );
  const outcome = [
    all === '' ? 'No strategy converged in every run of every cell.' : `Converged in every run: ${all}.`,
    some.length === 0 ? '' : `In some runs: ${some.join(', ')}.`,
    none === '' ? '' : `Never: ${none}.`,
  ].filter((sentence) => sentence !== '');
  return [outcome.join(' '), ...SUPERLATIVES.flatMap(([column, words]) => bestIn(cells, column, words))];
}

/** The strategies that are best in most cells; none where many are. */
function bestIn(cells: readonly SweepCell[], column: string, words: string): string[] {
  const counts = new Map<string, number>();
  for (const { table } of cells) {
    const index = table.columns.findIndex(({ name }) => name === column);
    for (const { name, cells: values } of table.rows) {
      if (values[index]?.best === true) counts.set(name.label, (counts.get(name.label) ?? 0) + 1);
    }
  }
  const most = largest(counts.values());
  const leaders = [...counts].filter(([, count]) => count === most).map(([label]) => label);
  if (leaders.length === 0 || leaders.length > MOST_LEADERS) return [];
  return [`${words} most often: ${leaders.join(' and ')}, in ${most} of ${counted(cells.length, 'cell')}.`];
}

/** A paragraph on the runs of one strategy in all cells that it ran in. */
export function bindingOverCells(label: string, cells: readonly SweepCell[]): string[] {
  const own = cells.map(({ name, runs }) => ({
    name,
    runs: runs.filter((row) => textIn(row, 'strategy') === label),
  }));
  const rows = own.flatMap(({ runs }) => runs);
  const converged = rows.filter(hasConverged);
  const sentences: string[] = [];
  if (converged.length > 0) {
    const took = span(converged, 'total_time_ms', 'ms');
    const stood = span(converged, 'blackout_ms', 'ms');
    sentences.push(
      `It converged in ${converged.length} of ${counted(rows.length, 'run')}, after ${took}${stood === null ? '' : ` with a blackout of ${stood}`}.`,
    );
  }
  const failed = rows.filter((row) => !hasConverged(row));
  for (const [binds, group] of groupBy(failed, 'binds')) {
    const many =
      failed.length === rows.length && group.length === rows.length
        ? 'No run converged'
        : `${counted(group.length, 'run')} did not converge`;
    const where = own.filter(({ runs }) => runs.some((row) => group.includes(row))).map(({ name }) => name);
    const others = where.length - MOST_NAMED;
    const named = where.slice(0, MOST_NAMED).join('; ');
    sentences.push(
      `${many}${reasonOf(binds, group)}.`,
      `This was at ${named}${others > 0 ? ` and in ${others} more cells` : ''}.`,
    );
  }
  return sentences;
}

/** `8.4 s to 32.9 s`; null where no run has such a value. */
function span(rows: readonly Row[], column: string, unit: Unit): string | null {
  const values = rows.map((row) => numberIn(row, column)).filter((value) => value !== null);
  if (values.length === 0) return null;
  const [low, high] = [show(unit, smallest(values)), show(unit, largest(values))];
  return low === high ? low : `${low} to ${high}`;
}
