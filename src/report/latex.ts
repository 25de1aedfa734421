/** The comparison as a table for LaTeX, with booktabs and siunitx (2 or 3). */
import type { RunsCell, RunsColumn, RunsTable } from './runs-table.js';

const UNITS: Readonly<Record<RunsColumn['unit'], string>> = {
  s: String.raw`\si{\second}`,
  ms: String.raw`\si{\milli\second}`,
  GiB: String.raw`\si{\gibi\byte}`,
  '%': String.raw`\si{\percent}`,
  '': '',
};

/** `notes` stand below the table, `provenance` in comments above it. Ends with a line break. */
export function latexTable(
  { columns, rows }: RunsTable,
  {
    notes = [],
    provenance = [],
  }: { readonly notes?: readonly string[]; readonly provenance?: readonly string[] } = {},
): string {
  const heads = columns.map(headOf);
  const lines = rows.map((row) => [
    escape(row.name.short),
    `${row.converged}/${row.runs}`,
    ...row.cells.map((cell) => (cell === null ? '--' : cellText(cell))),
  ]);
  return [
    String.raw`% \usepackage{booktabs,siunitx} and \sisetup{separate-uncertainty=true}`,
    ...provenance.map((one) => `% ${one.replaceAll('\n', ' ')}`),
    `\\begin{tabular}{l${'r'.repeat(columns.length + 1)}}`,
    String.raw`  \toprule`,
    row(['', '', ...heads.map(([upper]) => upper)]),
    row(['strategy', 'converged', ...heads.map(([, lower]) => lower)]),
    String.raw`  \midrule`,
    ...lines.map(row),
    String.raw`  \bottomrule`,
    ...notes.map((note) => `  \\multicolumn{${columns.length + 2}}{l}{\\footnotesize ${escape(note)}} \\\\`),
    String.raw`\end{tabular}`,
    '',
  ].join('\n');
}

/** In two lines, as numbers need less room than what they are of. */
function headOf({ label, unit }: RunsColumn): readonly [string, string] {
  const [first = '', ...rest] = label.split(' ').map(escape);
  const lower = [rest.join(' '), unit === '' ? '' : `(${UNITS[unit]})`].filter((part) => part !== '');
  return lower.length === 0 ? ['', first] : [first, lower.join(' ')];
}

function row(cells: readonly string[]): string {
  return `  ${cells.join(' & ')} \\\\`;
}

function cellText({ mean, spread, bound, best }: RunsCell): string {
  const figure = `{${bound ? '> ' : ''}${mean}${spread === null ? '' : ` +- ${spread}`}}`;
  // siunitx sets numbers in the weight of the text only when told to.
  return best ? `{\\bfseries\\num[detect-weight=true]${figure}}` : `\\num${figure}`;
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': String.raw`\textbackslash{}`,
  '~': String.raw`\textasciitilde{}`,
  '^': String.raw`\textasciicircum{}`,
  '±': String.raw`$\pm$`,
};

function escape(text: string): string {
  return text.replaceAll(/[\\~^±&%$#_{}]/g, (character) => SPECIAL[character] ?? `\\${character}`);
}
