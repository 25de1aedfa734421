/** What stands below a table of runs. */
import type { RunsTable } from './runs-table.js';
import { optionsOf } from './strategy-names.js';

/** Options of the strategies, and how the figures are to be read. `best`: how the best of a column is marked. */
export function tableNotes({ rows }: RunsTable, best: 'bold' | 'green'): string[] {
  const several = rows.some(({ runs }) => runs > 1);
  const reading = several
    ? 'Mean ± standard deviation over the runs that converged, over all where none did; no ± where it would not show.'
    : 'One run of each strategy.';
  return [
    optionsOf(rows.map(({ name }) => name)),
    `${reading} Work: against a guest that is not migrated.`,
    rows.some(({ cells }) => cells.some((cell) => cell?.best === true))
      ? `In ${best}: best of the strategies that converged in every run.`
      : null,
  ].filter((note) => note !== null);
}
