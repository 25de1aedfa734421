import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readGuestperf } from '../../src/formats/guestperf/read.js';
import { figures } from '../../src/report/figures/index.js';
import { SMALL, inProcess } from './migsim.js';

let folder: string;
let results: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'migsim-plot-'));
  results = path.join(folder, 'small');
  expect((await inProcess(['compare', SMALL, '--runs', '2', '--out', results])).status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('migsim plot', () => {
  test('draws all that the data allow, beside them', async () => {
    const { status, stdout } = await inProcess(['plot', results]);
    expect(status).toBe(0);
    const files = readdirSync(path.join(results, 'figures')).sort();
    expect(files).toContain('timeline-auto-converge.svg');
    expect(stdout).toContain(
      `${files.length} figures in ${path.join(results, 'figures')}:\n  strategies.svg, `,
    );
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(files.filter((name) => !name.endsWith('.svg'))).toEqual([]);
  });

  test('draws one figure, as PNG, where it is told to', async () => {
    const out = path.join(folder, 'png');
    const words = ['plot', results, '--figure', 'success', '--format', 'png', '--width', 'one', '--out', out];
    expect((await inProcess(words)).stdout).toBe(`1 figure in ${out}: success.png\n`);
    expect(readFileSync(path.join(out, 'success.png')).subarray(1, 4).toString()).toBe('PNG');
  });

  test('draws a single file, and the report that run writes for guestperf', async () => {
    const out = path.join(folder, 'single');
    await inProcess(['plot', path.join(results, 'syncs.csv'), '--out', out]);
    expect(readdirSync(out)).toEqual(['convergence.svg']);
    const report = path.join(folder, 'guestperf', 'auto.json');
    const run = await inProcess(['run', SMALL, '--strategy', 'auto-converge', '--guestperf', report]);
    expect(run.status).toBe(0);
    // A reader next to a writer is not in the format: learn would take both for guestperf's own load.
    expect(run.stderr.replaceAll(/\n +/g, ' ')).toMatch(
      /^migsim: .* writer and reader vCPUs do different work; .* learn cannot learn this guest from it\n$/,
    );
    expect(readGuestperf(readFileSync(report, 'utf8'), report).scenario.auto_converge).toBe(true);
    await inProcess(['plot', report, '--out', out]);
    expect(readdirSync(out)).toHaveLength(2);
  });

  test.each([
    [['--figure', 'paretto'], 'unknown figure "paretto"; did you mean pareto?'],
    [['--format', 'pdf'], 'unknown format "pdf"'],
    [['--run', '0'], '--run: expected a whole number from 1, got 0'],
    [['--run', '9'], 'no run 9 in it'],
    [['--figure', 'sweep'], 'sweep needs runs.csv with a column of a parameter that was varied'],
  ])('tells what is wrong with %j', async (words, said) => {
    const { status, stderr } = await inProcess(['plot', results, ...words]);
    expect([status, stderr.trim().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toContain(said);
  });
});

describe('migsim report', () => {
  test('writes one page into the folder, or where it is told to', async () => {
    expect((await inProcess(['report', results])).stdout).toBe(
      `Written: ${path.join(results, 'report.html')}\n`,
    );
    const other = path.join(folder, 'elsewhere', 'page.html');
    await inProcess(['report', results, '--out', other]);
    expect(readFileSync(other, 'utf8')).toBe(readFileSync(path.join(results, 'report.html'), 'utf8'));
  });

  test('prints the table that compare printed, without running again', async () => {
    for (const format of ['markdown', 'latex']) {
      const again = await inProcess(['compare', SMALL, '--runs', '2', '--out', results, '--format', format]);
      const told = await inProcess(['report', results, '--format', format]);
      expect(again.status).toBe(0);
      expect(told.stdout).toBe(again.stdout);
    }
  });

  test('wants a folder with results', async () => {
    const file = await inProcess(['report', path.join(results, 'runs.csv')]);
    expect(file).toMatchObject({ status: 2, stderr: expect.stringContaining('expected a results folder') });
    expect((await inProcess(['report', 'test/cli'])).stderr).toContain('no results in this folder');
    expect(existsSync('test/cli/report.html')).toBe(false);
  });
});

test('run --chart draws the run', async () => {
  const { stdout } = await inProcess(['run', SMALL, '--strategy', 'auto-converge', '--chart']);
  expect(stdout).toMatch(/^\d+ MiB +[⠁-⣿]+\nremaining +[⠁-⣿]/m);
  expect(stdout).toMatch(/^syncs +╵/m);
});

test('--json and a table for a paper exclude each other', async () => {
  const { status, stderr } = await inProcess(['compare', SMALL, '--json', '--format', 'latex']);
  expect([status, stderr]).toEqual([2, 'migsim: --json and --format latex exclude each other\n']);
});

describe('docs/paper.md', () => {
  const page = readFileSync('docs/paper.md', 'utf8');

  test('has commands that work', async () => {
    const lines = [...page.matchAll(/^npx migsim (.+?)(?: +#.*)?$/gm)].map((match) => match[1]!);
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) {
      const [command = '', file] = line.split(' > ');
      const here = command
        .replaceAll('results/paper', path.join(folder, 'paper'))
        .replaceAll('scenarios/readers-and-writers.yaml', SMALL)
        .replace('--runs 20', '--runs 3 --strategy none --strategy auto-converge --strategy dirty-limit')
        .replace(/recordings$|recordings(?= )/, 'recordings/T01.json');
      const { status, stdout, stderr } = await inProcess(here.split(' '));
      const said = stderr.replace(/^migsim: a guestperf report does not say [^]*$/, '');
      expect([line, status, said]).toEqual([line, 0, '']);
      if (file?.startsWith('results/paper/') === true) {
        writeFileSync(path.join(folder, 'paper', path.basename(file)), stdout);
      }
    }
  });

  test('lists every figure', () => {
    const listed = [...page.matchAll(/^\| `([a-z-]+)` /gm)].map((match) => match[1]);
    expect(listed).toEqual(figures.map(({ name }) => name));
  });

  test('leads to files that exist', () => {
    const links = [...page.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !existsSync(path.join('docs', link)))).toEqual([]);
  });
});

describe('plotting is loaded where something is plotted', () => {
  test('and not with the command line, nor with reports in text', () => {
    for (const file of [
      'src/cli/main.ts',
      'src/report/terminal/table.ts',
      'src/report/terminal/run-text.ts',
      'src/report/files/latex.ts',
    ]) {
      const heavy = ['@observablehq/plot', 'linkedom', '@resvg/resvg-js', 'csv-parse'];
      expect([file, [...loadedWith(file)].filter((name) => heavy.includes(name))]).toEqual([file, []]);
    }
  });

  test('but with figures', () => {
    expect(loadedWith('src/report/figures/index.ts').has('@observablehq/plot')).toBe(true);
    expect(loadedWith('src/report/html/page.ts').has('linkedom')).toBe(true);
  });
});

/** Files and packages that are loaded as soon as `file` is: not types, and not what it imports later. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, source = ''] of text.matchAll(/^(?:import|export) (?!type )(?:[^;']*? from )?'([^']+)';/gm)) {
    if (source.startsWith('.'))
      loadedWith(path.join(path.dirname(file), source.replace(/\.js$/, '.ts')), seen);
    else seen.add(source);
  }
  return seen;
}
