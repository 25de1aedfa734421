/** Tables for papers: `--format` of `compare` and `report`. */
import { UsageError } from '../../errors.js';
import { keysOf } from '../../lists.js';
import type { Provenance } from '../../report/files/provenance.js';
import type { Row } from '../../report/files/rows.js';
import { defineOptions, type Given } from '../command.js';
import { read } from './values.js';
import { runsTable } from '../../report/terminal/runs-table.js';
import { tableNotes } from '../../report/terminal/runs-table-notes.js';
import { provenanceLines } from '../../report/files/provenance.js';
import { markdownTable } from '../../report/files/markdown.js';
import type { PaperTable } from '../../report/files/paper-table.js';
import { latexTable } from '../../report/files/latex.js';

/** By the word of `--format`. A new output is a file in src/report/files and a line here. */
const paperTables = {
  markdown: markdownTable,
  latex: latexTable,
} satisfies Record<string, PaperTable>;

export type PaperFormat = keyof typeof paperTables;
export type TableFormat = 'text' | PaperFormat;

export const PAPER_FORMATS = keysOf(paperTables);
export const TABLE_FORMATS: readonly TableFormat[] = ['text', ...PAPER_FORMATS];

export const tableFormatOption = defineOptions({
  format: {
    kind: 'choice',
    choices: TABLE_FORMATS,
    default: 'text',
    summary: `Table format: ${TABLE_FORMATS.join(', ')}`,
    value: 'FORMAT',
    affectsResult: false,
  },
});

export function readTableFormat(given: Given): TableFormat {
  const format = read(given, tableFormatOption, 'format');
  if (format !== 'text' && given.flag('json')) {
    throw new UsageError(`--json and --format ${format} exclude each other`);
  }
  return format;
}

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
