/** The comparison as a table for LaTeX, with booktabs and siunitx (2 or 3). */
import type { RunsCell, RunsColumn, RunsTable } from '../terminal/runs-table.js';
import type { AroundTable } from './paper-table.js';

const UNITS: Readonly<Record<RunsColumn['unit'], string>> = {
  s: String.raw`\si{\second}`,
  ms: String.raw`\si{\milli\second}`,
  GiB: String.raw`\si{\gibi\byte}`,
  '%': String.raw`\si{\percent}`,
  '': '',
};

/** A page is as wide as this many strategies side by side; of more, each has a row of a table to be set sideways. */
const MOST_ACROSS = 6;

/** Strategies next to each other, as `compare` prints them. `provenance` is written as comments. */
export function latexTable(
  table: RunsTable,
  { notes = [], provenance = [], what = '' }: AroundTable = {},
): string {
  const { heads, lines } = table.rows.length <= MOST_ACROSS ? across(table) : down(table);
  return [
    String.raw`% \usepackage{booktabs,siunitx} and \sisetup{separate-uncertainty=true}`,
    ...provenance.map((one) => `% ${one.replaceAll('\n', ' ')}`),
    ...(what === '' ? [] : [`\\par\\noindent\\textbf{${escape(what)}}\\par\\smallskip`]),
    `\\begin{tabular}{@{}l${'r'.repeat(heads.length - 1)}@{}}`,
    String.raw`  \toprule`,
    row(heads.map(([upper]) => upper)),
    row(heads.map(([, lower]) => lower)),
    String.raw`  \midrule`,
    ...lines.map(row),
    String.raw`  \bottomrule`,
    String.raw`\end{tabular}`,
    ...(notes.length === 0 ? [] : [`\\par\\smallskip{\\footnotesize ${notes.map(sentence).join(' ')}\\par}`]),
    '',
  ].join('\n');
}

/** A head has two lines, as figures need less room than what they are of. */
type Head = readonly [upper: string, lower: string];

interface Layout {
  readonly heads: readonly Head[];
  readonly lines: readonly (readonly string[])[];
}

function across({ columns, rows }: RunsTable): Layout {
  return {
    heads: [['', ''], ...rows.map(({ name }) => headOfName(name.short))],
    lines: [
      ['Converged', ...rows.map(ratioOf)],
      ...columns.map(({ label, unit }, index) => [
        unit === '' ? escape(label) : `${escape(label)} (${UNITS[unit]})`,
        ...rows.map(({ cells }) => cellText(cells[index] ?? null)),
      ]),
    ],
  };
}

function down({ columns, rows }: RunsTable): Layout {
  return {
    heads: [['', 'strategy'], ['', 'converged'], ...columns.map(headOfColumn)],
    lines: rows.map((one) => [escape(one.name.short), ratioOf(one), ...one.cells.map(cellText)]),
  };
}

function ratioOf({ converged, runs }: RunsTable['rows'][number]): string {
  return `${converged}/${runs}`;
}

/** `dirty-` over `restraint [1]`. */
function headOfName(name: string): Head {
  const [, first = '', rest = ''] = /^([^-]*-)?(.*)$/.exec(name) ?? [];
  return [escape(first), escape(rest)];
}

function headOfColumn({ label, unit }: RunsColumn): Head {
  const [first = '', ...rest] = label.split(' ').map(escape);
  const lower = [rest.join(' '), unit === '' ? '' : `(${UNITS[unit]})`].filter((part) => part !== '');
  return lower.length === 0 ? ['', first] : [first, lower.join(' ')];
}

function sentence(note: string): string {
  return escape(note.endsWith('.') ? note : `${note}.`);
}

function row(cells: readonly string[]): string {
  return `  ${cells.join(' & ')} \\\\`;
}

function cellText(cell: RunsCell | null): string {
  if (cell === null) return '--';
  const { mean, spread, bound, best } = cell;
  const figure = `{${bound ? '> ' : ''}${mean}${spread === null ? '' : ` +- ${spread}`}}`;
  // siunitx sets numbers in the weight of the text only with an option.
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
