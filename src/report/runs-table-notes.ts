/** What stands below and above a table of runs. */
import type { Manifest } from '../experiment/manifest.js';
import type { RunsTable } from './runs-table.js';
import { optionsOf } from './strategy-names.js';

/** Options of the strategies, and how the figures are to be read. */
export function tableNotes({ rows }: RunsTable): string[] {
  const several = rows.some(({ runs }) => runs > 1);
  const reading = several
    ? 'Mean ± standard deviation over the runs that converged, over all where none did; no ± where it would not show.'
    : 'One run of each strategy.';
  return [
    optionsOf(rows.map(({ name }) => name)),
    `${reading} Work: against a guest that is not migrated.`,
  ].filter((note) => note !== null);
}

/** Enough to make the table again. */
export function provenanceOf({ migsim, node, scenario, memory, seed, runs, command }: Manifest): string[] {
  return [
    `migsim ${migsim}, Node.js ${node}; scenario ${scenario.name} (SHA-256 ${scenario.sha256})`,
    `${memory} memory, seed ${seed}, ${runs} run${runs === 1 ? '' : 's'} of each strategy: migsim ${command.join(' ')}`,
  ];
}
