/** Tables for papers: `--format` of `compare` and `report`. */
import { UsageError } from '../errors.js';
import type { Provenance } from '../report/files/provenance.js';
import type { Row } from '../report/files/rows.js';
import { unknown } from '../options/wording.js';
import type { Given } from './command.js';
import { runsTable } from '../report/terminal/runs-table.js';
import { tableNotes } from '../report/terminal/runs-table-notes.js';
import { provenanceLines } from '../report/files/provenance.js';
import { markdownTable } from '../report/files/markdown.js';
import { latexTable } from '../report/files/latex.js';

export const TABLE_FORMATS = ['text', 'markdown', 'latex'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

export function readTableFormat(given: Given): TableFormat {
  const text = given.value('format') ?? 'text';
  const format = TABLE_FORMATS.find((word) => word === text);
  if (format === undefined) throw new UsageError(unknown('format', text, TABLE_FORMATS));
  if (format !== 'text' && given.flag('json')) {
    throw new UsageError(`--json and --format ${format} exclude each other`);
  }
  return format;
}

/** `provenance` null: where the runs come from is not known. `what`: the cell of a sweep; empty for other runs. */
export function paperTable(
  format: Exclude<TableFormat, 'text'>,
  runs: readonly Row[],
  provenance: Provenance | null,
  what = '',
): string {
  const table = runsTable(runs);
  const notes = tableNotes(table, 'bold');
  if (format === 'markdown') return `${what === '' ? '' : `**${what}**\n\n`}${markdownTable(table, notes)}`;
  const made = provenance === null ? [] : provenanceLines(provenance);
  return latexTable(table, { notes, provenance: made, what });
}
