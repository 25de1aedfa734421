/** Runs as a table for a paper. */
import { provenanceLines, type Provenance } from '../../report/files/provenance.js';
import type { Row } from '../../report/files/rows.js';
import { runsTable } from '../../report/terminal/runs-table.js';
import { tableNotes } from '../../report/terminal/runs-table-notes.js';
import { type PaperFormat, paperTables } from '../options/table-format.js';

/** `provenance` null: where the runs come from is not known. `what`: the cell of a sweep; empty for other runs. */
export function paperTable(
  format: PaperFormat,
  runs: readonly Row[],
  provenance: Provenance | null,
  what = '',
): string {
  const table = runsTable(runs);
  return paperTables[format](table, {
    notes: tableNotes(table, 'bold'),
    provenance: provenance === null ? [] : provenanceLines(provenance),
    what,
  });
}
