import { describe, expect, test } from '@jest/globals';
import { latexTable } from '../../src/report/files/latex.js';
import { markdownTable } from '../../src/report/files/markdown.js';
import type { Row } from '../../src/report/files/rows.js';
import { runRows } from '../../src/report/files/rows.js';
import { type RunsTable, runsTable } from '../../src/report/terminal/runs-table.js';
import { tableNotes } from '../../src/report/terminal/runs-table-notes.js';
import { cellsBy, sweepKeys } from '../../src/report/figures/data/sweep-keys.js';
import { readResults } from '../../src/report/figures/data/results.js';
import { provenanceLines, readProvenance } from '../../src/report/files/provenance.js';
import { compare } from '../../src/experiment/compare.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { RUNS, SCENARIO, smallResults } from './small-results.js';

function run(strategy: string, changes: Row = {}): Row {
  return { strategy, status: 'completed', converged: true, max_throttle_percent: 0, ...changes };
}

/** The texts of one column, with what the cell says beside the mean. */
function column(table: RunsTable, name: string): (string | null)[] {
  const index = table.columns.findIndex((one) => one.name === name);
  return table.rows.map(({ cells }) => {
    const cell = cells[index];
    if (cell == null) return null;
    return `${cell.bound ? '>' : ''}${cell.mean}${cell.spread === null ? '' : `±${cell.spread}`}${cell.best ? '*' : ''}`;
  });
}

describe('the table of runs', () => {
  test('has mean and standard deviation of the runs that converged, in the unit of the column', () => {
    // 10, 12 and 14 s: mean 12, deviation over n - 1 = sqrt((4 + 0 + 4) / 2) = 2; the run that failed does not count.
    const table = runsTable([
      run('a', { total_time_ms: 10_000 }),
      run('a', { total_time_ms: 12_000 }),
      run('a', { total_time_ms: 14_000 }),
      run('a', { total_time_ms: 99_000, converged: false, status: 'gave-up' }),
    ]);
    expect(column(table, 'total_time_ms')).toEqual(['12.0±2.0']);
    expect(table.rows[0]).toMatchObject({ converged: 3, runs: 4 });
  });

  test('takes all runs where none converged, and a total time is then a bound', () => {
    const failed = { converged: false, status: 'gave-up', sent_bytes: 2 ** 31 };
    const table = runsTable([
      run('a', { ...failed, total_time_ms: 60_000 }),
      run('b', { total_time_ms: 5000 }),
    ]);
    expect(column(table, 'total_time_ms')).toEqual(['>60', '5']);
    expect(column(table, 'sent_bytes')).toEqual(['2', null]);
  });

  test('marks the best of those that converged in every run, and nobody where all are equal', () => {
    const table = runsTable([
      run('fast but unsure', { total_time_ms: 1000, downtime_ms: 30 }),
      run('fast but unsure', { total_time_ms: 1000, converged: false }),
      run('b', { total_time_ms: 5000, downtime_ms: 30 }),
      run('c', { total_time_ms: 9000, downtime_ms: 30 }),
    ]);
    expect(column(table, 'total_time_ms')).toEqual(['1', '5*', '9']);
    expect(column(table, 'downtime_ms')).toEqual(['30', '30', '30']);
  });

  test('leaves out knobs that nobody touched, and columns without values', () => {
    const names = runsTable([run('a', { total_time_ms: 1, max_ring_full_sleep_us: 0 })]).columns.map(
      ({ name }) => name,
    );
    expect(names).toEqual(['total_time_ms']);
    const touched = runsTable([run('a', { max_throttle_percent: 20 }), run('b')]);
    expect(column(touched, 'max_throttle_percent')).toEqual(['20', null]);
  });

  test('is the same from the results themselves and from their CSV', async () => {
    const { strategies } = compare(parseScenario(SCENARIO, 'small.yaml'), { runs: RUNS, timelineMs: 100 });
    const live = runsTable(runRows(strategies.flatMap(({ results }) => results)));
    const { runs } = await readResults(smallResults(), { strategies: [] });
    expect(runsTable(runs)).toEqual(live);
  });
});

const TABLE = runsTable([
  run('none', { total_time_ms: 60_000, converged: false, status: 'gave-up' }),
  run('auto_converge(x=50%;y=1)', { total_time_ms: 20_000, downtime_ms: 31 }),
  run('auto_converge(x=50%;y=1)', { total_time_ms: 22_000, downtime_ms: 33 }),
  run('b|c', { total_time_ms: 30_000, downtime_ms: 31 }),
]);

describe('LaTeX', () => {
  const text = latexTable(TABLE, { notes: tableNotes(TABLE, 'bold'), provenance: ['made by: x & y'] });

  const cellsOf = (latex: string): number[] =>
    latex
      .split('\n')
      .filter((row) => row.endsWith('\\\\'))
      .map((row) => row.split(/(?<!\\)&/).length);

  test('is one tabular with as many cells in every row as it has columns: strategies side by side', () => {
    const [, spec] = /\\begin\{tabular\}\{@\{\}(l?r*)@\{\}\}/.exec(text) ?? [];
    expect(spec).toBe('lrrr');
    expect(cellsOf(text)).toEqual([4, 4, 4, 4, 4]);
    expect(text.match(/\\(?:top|mid|bottom)rule/g)).toEqual(['\\toprule', '\\midrule', '\\bottomrule']);
  });

  test('has a row for each strategy where a page is too narrow for all of them side by side', () => {
    const many = latexTable(runsTable([...'abcdefg'].map((name) => run(name, { total_time_ms: 1000 }))));
    expect(many).toContain('\\begin{tabular}{@{}lrr@{}}');
    expect(many).toContain('  g & 1/1 & \\num{1} \\\\');
    expect(cellsOf(many)).toEqual(Array<number>(9).fill(3));
  });

  test('sets notes as a paragraph below the table, whose width they must not decide', () => {
    expect(text.slice(text.indexOf('\\end{tabular}'))).toMatch(
      /^\\end\{tabular\}\n\\par\\smallskip\{\\footnotesize \[1\] x=50\\%, y=1\. Mean .* In bold: best .*\\par\}\n$/,
    );
  });

  test('leaves numbers to siunitx, with their uncertainty and their bound, and the best in bold', () => {
    expect(text).toContain('\\num{> 60.0}');
    expect(text).toContain('{\\bfseries\\num[detect-weight=true]{21.0 +- 1.4}}');
    expect(text).toContain('(\\si{\\milli\\second})');
    expect(text).toContain('Converged & 0/1 &');
    expect(text).toContain('(\\si{\\milli\\second}) & -- & ');
  });

  test('escapes what LaTeX would take for its own', () => {
    expect(text).toContain('auto\\_converge [1]');
    expect(text).toContain('[1] x=50\\%, y=1');
    expect(text).toContain('Mean $\\pm$ standard deviation');
    expect(latexTable(runsTable([run('a~b^c\\d#{}$')])).split('\n')[4]).toContain(
      'a\\textasciitilde{}b\\textasciicircum{}c\\textbackslash{}d\\#\\{\\}\\$',
    );
    // A comment ends with its line.
    expect(text.split('\n')[1]).toBe('% made by: x & y');
  });
});

describe('Markdown', () => {
  const lines = markdownTable(TABLE, { notes: tableNotes(TABLE, 'bold') }).split('\n');

  test('is a table that every reader takes: as many cells everywhere, aligned in the text too', () => {
    const table = lines.filter((line) => line.startsWith('|'));
    expect(new Set(table.map((line) => line.replaceAll('\\|', '').split('|').length))).toEqual(new Set([6]));
    expect(new Set(table.map((line) => line.length)).size).toBe(1);
    expect(table[1]).toMatch(/^\| -+ \| -+: \| -+: \| -+: \|$/);
  });

  test('sets the best in bold, and escapes', () => {
    const text = lines.join('\n');
    expect(text).toContain('**21.0 ± 1.4**');
    expect(text).toContain('> 60.0');
    expect(text).toContain('b\\|c');
    expect(text).toContain('auto\\_converge \\[1\\]');
  });
});

test('a sweep has a table for each of its cells: runs of two cells are not alike', () => {
  const rows = ['1GiB', '2GiB'].flatMap((size, index) =>
    ['none', 'auto-converge'].map((strategy) =>
      run(strategy, { 'guest.memory': size, total_time_ms: 1e4 * (index + 1) }),
    ),
  );
  const cells = cellsBy(rows, sweepKeys(rows));
  expect(cells.map(({ what }) => what)).toEqual(['guest.memory 1GiB', 'guest.memory 2GiB']);
  const times = cells.map(({ rows: own }) => column(runsTable(own), 'total_time_ms'));
  expect(new Set(times[0])).not.toEqual(new Set(times[1]));
  const table = latexTable(runsTable(cells[0]!.rows), { what: 'guest.memory 50%' });
  expect(table).toContain(String.raw`\textbf{guest.memory 50\%}`);
  // Without sweep columns there is one table, of all runs.
  const plain = rows.map(({ 'guest.memory': _, ...rest }) => rest);
  expect(cellsBy(plain, sweepKeys(plain))).toEqual([{ what: '', rows: plain }]);
});

test('provenance is what it takes to make the table again', () => {
  const lines = provenanceLines(readProvenance(smallResults())!);
  expect(lines.join(' ')).toMatch(
    /^migsim [\d.]+, Node\.js v[\d.]+; scenario small & <quick> \(SHA-256 [0-9a-f]{64}\)/,
  );
  expect(lines[1]).toBe(
    `page memory, seed 1, ${RUNS} runs of each strategy: migsim compare small.yaml --runs ${RUNS}`,
  );
});
