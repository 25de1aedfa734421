/** docs/csv.md, made from the columns themselves. */
import type { Unit } from '../experiment/measure.js';
import { keyColumns, resultTables } from './columns.js';

const UNITS: Readonly<Record<Unit, string>> = {
  text: 'word',
  flag: 'true or false',
  count: 'number',
  ms: 'ms',
  us: 'µs',
  bytes: 'bytes',
  'bytes/s': 'bytes/s',
  pages: 'pages of 4 KiB',
  'pages/s': 'pages/s',
  percent: 'percent, 0 to 100',
  share: 'share, 0 to 1',
};

const OPENING = `# The CSV files

\`--out FOLDER\` writes four files and \`manifest.json\`. Every file has one header line, a comma between fields, units in the
names of its columns, and rows in a stable order: strategy by strategy, run by run. An empty field means that the run has no
such value. Truth values are \`true\` and \`false\`. The same command with the same migsim and Node.js gives the same bytes.

Reading them:

- Python: \`pandas.read_csv('runs.csv')\`
- R: \`read.csv('runs.csv')\`
- LaTeX: \`\\pgfplotstableread[col sep=comma]{timeline.csv}\\run\`

\`manifest.json\` has what it takes to repeat the experiment: versions of migsim and Node.js, the command, the scenario's text
with its SHA-256, the user's own strategy files likewise, every strategy with all its options, memory model, seed and runs.

JSON (\`--json\`) uses the same names as keys. The keys of \`expect:\` in a scenario are these names with hyphens and without
the unit: \`total-time\` for \`total_time_ms\`, \`reader.work-done\` for \`work_done_share\` of the vCPU group \`reader\`.

This page is made by \`npm run docs\` from [src/report/columns.ts](../src/report/columns.ts).
`;

export function csvPage(): string {
  const sections = resultTables.map((table) =>
    [
      `## ${table.name}.csv`,
      `${sentence(table.about)} After the columns that open every file:`,
      list(table.columns.slice(keyColumns.length)),
    ].join('\n\n'),
  );
  return [
    OPENING,
    '## Columns that open every file',
    '',
    list(keyColumns),
    '',
    sections.join('\n\n'),
    '',
  ].join('\n');
}

function list(
  columns: readonly { readonly name: string; readonly unit: Unit; readonly meaning: string }[],
): string {
  const rows = columns.map(({ name, unit, meaning }) => [`\`${name}\``, UNITS[unit], meaning]);
  const all = [['column', 'unit', 'meaning'], ...rows];
  const widths = [0, 1, 2].map((index) => Math.max(...all.map((row) => row[index]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(all[0]!), rule, ...rows.map(line)].join('\n');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
