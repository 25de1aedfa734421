/** Tables for papers: `--format` of `compare` and `report`. */
import { UsageError } from '../../errors.js';
import { keysOf } from '../../lists.js';
import { defineOptions, type Given } from '../command.js';
import { read } from './values.js';
import { markdownTable } from '../../report/files/markdown.js';
import type { PaperTable } from '../../report/files/paper-table.js';
import { latexTable } from '../../report/files/latex.js';

/** By the word of `--format`. A new output is a file in src/report/files and a line here. */
export const paperTables = {
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
