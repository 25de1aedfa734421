/** What an output of the comparison for papers is: `--format` of `compare` and `report`. */
import type { RunsTable } from '../terminal/runs-table.js';

export interface AroundTable {
  /** Below the table, one paragraph each. */
  readonly notes?: readonly string[];
  /** Lines that name the sources of the table, for formats with comments. */
  readonly provenance?: readonly string[];
  /** Above the table: the cell of a sweep; empty for other runs. */
  readonly what?: string;
}

/** Ends with a line break. */
export type PaperTable = (table: RunsTable, around?: AroundTable) => string;
