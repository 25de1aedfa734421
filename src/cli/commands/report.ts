/** `migsim report`: one HTML file of a results folder, or its table for a paper. */
import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UsageError } from '../../errors.js';
import { defineOptions, type Command } from '../command.js';
import { drawingOptions, chosenRuns } from './plot.js';
import { longWork } from '../long-work.js';
import { PAPER_FORMATS, type PaperFormat } from '../options/table-format.js';
import { openOutputFile } from '../../report/files/output-folder.js';
import { read } from '../options/values.js';

const FORMATS: readonly ('html' | PaperFormat)[] = ['html', ...PAPER_FORMATS];

const options = defineOptions({
  format: {
    kind: 'choice',
    choices: FORMATS,
    summary: `html (a file), or ${PAPER_FORMATS.join(', ')} (prints the table; for a sweep, one per cell)`,
    value: 'FORMAT',
    default: 'html',
  },
  ...drawingOptions,
  out: {
    kind: 'text',
    summary: 'The HTML file (default: report.html in the folder, or next to the recording)',
    value: 'FILE',
  },
});

export const reportCommand: Command = {
  positional: { name: 'results', describe: 'Folder written by --out, or a file of migsim record' },
  alwaysWrites: true,
  options,
  examples: [
    ['report results/mine', 'results/mine/report.html, which needs no network'],
    ['report results/mine --format latex > table.tex', 'with booktabs and siunitx'],
  ],
  async run(given) {
    const format = read(given, options, 'format');
    const folder = given.positional;
    const isFile = existsSync(folder) && !statSync(folder).isDirectory();
    if (isFile && !folder.endsWith('.jsonl')) {
      throw new UsageError('expected a results folder; `migsim plot` draws a single file', { file: folder });
    }
    const title = basename(resolve(folder));
    const task = { path: folder, isFile, selection: chosenRuns(given), format, title };
    if (format !== 'html') return given.print(await longWork('report', task));
    const file =
      given.value('out') ?? (isFile ? folder.replace(/jsonl$/, 'html') : join(folder, 'report.html'));
    const write = openOutputFile(file);
    write(await longWork('report', task));
    given.print(`Written: ${file}\n`);
  },
};
