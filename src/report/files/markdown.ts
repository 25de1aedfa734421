/** The comparison as a table in Markdown (the GitHub flavour). */
import { nth } from '../../lists.js';
import type { RunsCell, RunsTable } from '../terminal/runs-table.js';
import type { AroundTable } from './paper-table.js';
import { largest } from '../../stats/extremes.js';

export function markdownTable(
  { columns, rows }: RunsTable,
  { notes = [], what = '' }: AroundTable = {},
): string {
  const heads = columns.map(({ label, unit }) => (unit === '' ? label : `${label} (${unit})`));
  const lines = [
    ['strategy', 'converged', ...heads],
    ['---', ...Array<string>(columns.length + 1).fill('---:')],
    ...rows.map((row) => [
      escape(row.name.short),
      `${row.converged} of ${row.runs}`,
      ...row.cells.map((cell) => (cell === null ? '–' : cellText(cell))),
    ]),
  ];
  const widths = nth(lines, 0).map((_, column) => largest(lines.map((line) => nth(line, column).length)));
  const table = lines.map((line, index) => {
    const cells = line.map((cell, column) => {
      const width = nth(widths, column);
      if (index === 1) return column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${cells.join(' | ')} |`;
  });
  const above = what === '' ? [] : [`**${what}**`];
  return [...above, table.join('\n'), ...notes.map(escape), ''].join('\n\n').replace(/\n\n$/, '\n');
}

function cellText({ mean, spread, bound, best }: RunsCell): string {
  const text = `${bound ? '> ' : ''}${mean}${spread === null ? '' : ` ± ${spread}`}`;
  return best ? `**${text}**` : text;
}

/** What Markdown would take for its own. */
function escape(text: string): string {
  return text.replaceAll(/[\\`*_|<>[\]]/g, '\\$&');
}
