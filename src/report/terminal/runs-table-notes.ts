/** What stands below a table of runs. */
import { SINGLE_RUN_NOISE } from '../../stats/best.js';
import type { RunsTable } from './runs-table.js';
import { optionsOf } from './kit/strategy-names.js';

/** What a mark for the best stands for. */
export const BEST_OF_RUNS =
  'best of the strategies that converged in every run, with those that the paired 95 % interval of the mean difference ' +
  'does not tell apart from it';
export const BEST_OF_ONE = `best of the strategies that converged, with those within ${SINGLE_RUN_NOISE * 100} % of it`;

/** Options of the strategies, and how the figures are to be read. `best`: how the best of a column is marked. */
export function tableNotes({ rows }: RunsTable, best: 'bold' | 'green'): string[] {
  const several = rows.some(({ runs }) => runs > 1);
  const reading = several
    ? 'Mean ± standard deviation over the runs that converged, over all where none did; no ± where it would not show.'
    : 'One run of each strategy.';
  return [
    optionsOf(rows.map(({ name }) => name)),
    `${reading} Work is relative to the same guest without migration.`,
    rows.some(({ cells }) => cells.some((cell) => cell?.best === true))
      ? `In ${best}: ${several ? BEST_OF_RUNS : BEST_OF_ONE}.`
      : null,
  ].filter((note) => note !== null);
}
