/** docs/csv.md, and what README.md and docs/strategies.md show of the program. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compare } from '../../dist/experiment/compare.js';
import { keyColumns, resultTables } from '../../dist/report/columns.js';
import { decisionsText } from '../../dist/report/terminal/decisions-text.js';
import { comparisonTable } from '../../dist/report/terminal/table.js';
import { chooseStrategy } from '../../dist/experiment/choice.js';
import { simulate } from '../../dist/experiment/simulate.js';
import { loadScenario, parseScenario } from '../../dist/scenario/load.js';
import { scenarioKeys } from '../../dist/scenario/keys.js';
import { readers } from '../../dist/formats/readers/index.js';
import { strategies } from '../../dist/strategies/index.js';
import { fill } from './fill.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export function files() {
  const strategiesPage = readFileSync(`${ROOT}/docs/strategies.md`, 'utf8');
  const readme = readFileSync(`${ROOT}/README.md`, 'utf8');
  return {
    'docs/csv.md': csvPage(),
    'docs/scenario.md': scenarioPage(),
    'docs/logs.md': fill(readFileSync(`${ROOT}/docs/logs.md`, 'utf8'), 'formats', formatList()),
    'docs/strategies.md': fill(strategiesPage, 'run --verbose', shownDecisions()),
    'README.md': fill(fill(readme, 'npm start', shownTable()), 'strategies', strategyList()),
  };
}

function shownTable() {
  const scenario = loadScenario(`${ROOT}/scenarios/readers-and-writers.yaml`);
  return ['```text', comparisonTable(compare(scenario, { keep: 'scalars' })), '```'].join('\n');
}

/** The end of a run that is short enough to be read. */
function shownDecisions() {
  const scenario = parseScenario(
    `
    guest: { memory: 2GiB, vcpus: [{ count: 1, workload: { write: 100MiB/s, working-set: 256MiB } }] }
    link: { bandwidth: 1Gbit/s }
    migration: { max-bandwidth: unlimited }
    `,
    'one-writer',
  );
  const { decisions } = simulate(scenario, chooseStrategy('auto-converge', OPTIONS), { trace: true });
  return ['```text', decisionsText(decisions.slice(-LAST)), '```'].join('\n');
}
const OPTIONS = { 'cpu-throttle-initial': 60 };
const LAST = 20;

function formatList() {
  return readers
    .map(({ name, writtenBy, shows, lacks, example }) =>
      [
        `### ${name}`,
        `Written by ${writtenBy}. Shows ${shows}. Lacks ${lacks}.`,
        `\`\`\`sh\n${example}\n\`\`\``,
      ].join('\n\n'),
    )
    .join('\n\n');
}

function strategyList() {
  return Object.values(strategies)
    .map(({ name, summary }) => `- [${name}](src/strategies/${name}.ts): ${summary}`)
    .join('\n');
}

const UNITS = {
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

\`--out FOLDER\` writes five files and \`manifest.json\`. Every file has one header line, a comma between fields, units in the
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

This page is made by \`npm run generate\` from [src/report/columns.ts](../src/report/columns.ts).
`;

function csvPage() {
  const sections = resultTables.map(({ name, about, columns }) => {
    const lead = `${about[0].toUpperCase()}${about.slice(1)}. After the columns that open every file:`;
    return [`## ${name}.csv`, lead, markdownTable(columns.slice(keyColumns.length))].join('\n\n');
  });
  return [OPENING, '## Columns that open every file', '', markdownTable(keyColumns), '', ...sections]
    .join('\n')
    .replaceAll(/\n+(?=## )/g, '\n\n')
    .concat('\n');
}

function markdownTable(columns) {
  const rows = columns.map(({ name, unit, meaning }) => [`\`${name}\``, UNITS[unit], meaning]);
  const all = [['column', 'unit', 'meaning'], ...rows];
  const widths = [0, 1, 2].map((index) => Math.max(...all.map((row) => row[index].length)));
  const line = (cells) => `| ${cells.map((cell, index) => cell.padEnd(widths[index])).join(' | ')} |`;
  const rule = line(widths.map((width) => '-'.repeat(width)));
  return [line(all[0]), rule, ...rows.map(line)].join('\n');
}

const SCENARIO_OPENING = `# Every key of a scenario file

A scenario file is YAML. Each key stands here with what it accepts, its default, its meaning and a piece of a file that runs.
\`migsim explain migration.downtime-limit\` shows the same for one key; \`migsim init\` writes a file to start from. A key behind
a list, such as \`guest.vcpus.count\`, stands in each entry of the list. On the command line \`--set KEY=VALUE\` changes a value.

This page is made by \`npm run generate\`.
`;

function scenarioPage() {
  const keys = scenarioKeys().map(({ path, range, fallback, required, meaning, example }) => {
    const heading = path.includes('.') ? '###' : '##';
    const unless = required ? 'required' : fallback === null ? 'may be left out' : `default \`${fallback}\``;
    const text = meaning[0].toUpperCase() + meaning.slice(1);
    return [
      `${heading} ${path}`,
      `${text}.`,
      `Accepts ${range}; ${unless}.`,
      `\`\`\`yaml\n${example}\n\`\`\``,
    ].join('\n\n');
  });
  return [SCENARIO_OPENING, ...keys].join('\n\n').replace('\n\n\n', '\n\n').concat('\n');
}
