import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { bytesOf, scratch } from '../experiment/sweeps.js';
import { startProgress } from '../../src/cli/progress.js';
import { SMALL, inProcess, migsim } from './migsim.js';

const folder = scratch();
const VARY = ['--vary', 'migration.downtime-limit=100ms,200ms,300ms', '--set', 'migration.give-up-after=10s'];
/** Units enough for several workers, and for being cut off. */
const WORDS = [
  ...['sweep', SMALL, '--vary', 'migration.downtime-limit=100ms..400ms:9:log', '--runs', '40'],
  ...['--strategy', 'auto-converge'],
];
const into = (name: string): string[] => ['--out', folder(name)];

/** Kills the command as soon as so many bytes of rows are there; null: it had finished by then. */
function killAt(bytes: number, words: readonly string[], rows: string): Promise<NodeJS.Signals | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['bin/migsim.js', ...words], { stdio: 'ignore' });
    const timer = setInterval(() => {
      if ((statSync(rows, { throwIfNoEntry: false })?.size ?? 0) > bytes) child.kill('SIGKILL');
    }, 1);
    child.on('exit', (_code, signal) => {
      clearInterval(timer);
      resolve(signal);
    });
  });
}

describe('the same bytes', () => {
  test('for one worker, and for two that are killed before three end it', async () => {
    const one = await inProcess([...WORDS, ...into('one'), '--workers', '1']);
    expect(one).toMatchObject({ status: 0, stderr: '' });
    const killed = [...WORDS, ...into('killed'), '--workers', '2'];
    const size = statSync(join(folder('one'), 'runs.csv')).size;
    // On a busy machine it may have finished before this process looks: then once more.
    let signal: NodeJS.Signals | null = null;
    for (let times = 0; signal === null && times < 5; times += 1) {
      rmSync(folder('killed'), { recursive: true, force: true });
      signal = await killAt(0.3 * size, killed, join(folder('killed'), 'runs.csv.part'));
    }
    expect(signal).toBe('SIGKILL');
    const { status, stdout } = migsim([...WORDS, ...into('killed'), '--workers', '3']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/\d+ of them from before|Finished before/);
    expect(bytesOf(folder('killed'))).toEqual(bytesOf(folder('one')));
  });

  const hasParallel = spawnSync('parallel', ['--version']).status === 0;
  if (!hasParallel)
    process.stderr.write('deploy/gnu-parallel.sh is not tested here: apt-get install parallel\n');

  test('from deploy/gnu-parallel.sh with two shards', async () => {
    if (!hasParallel) return;
    const words = [...VARY, '--runs', '3'];
    expect((await inProcess(['sweep', SMALL, ...words, ...into('unsharded'), '--workers', '1'])).status).toBe(
      0,
    );
    const env = { ...process.env, MIGSIM: `${process.execPath} bin/migsim.js` };
    const script = ['2', folder('by parallel'), SMALL, ...words];
    const { status, stderr } = spawnSync('deploy/gnu-parallel.sh', script, { env, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(bytesOf(join(folder('by parallel'), 'whole'))).toEqual(bytesOf(folder('unsharded')));
  });
});

describe('strategies of the user', () => {
  const STRATEGY = `export default {
  name: 'mine', summary: '', source: '', rule: '',
  options: { at: { kind: 'count', min: 0, max: 2, default: 0, summary: '' } },
  start({ at }, migration) {
    migration.onSync(() => { if (at === 1) process.exit(3); if (at === 2) throw new Error('no luck'); });
  },
};`;
  const mine = folder('mine.mjs');
  writeFileSync(mine, STRATEGY);
  const words = (strategy: string): string[] => [
    ...[
      'sweep',
      SMALL,
      '--vary',
      'link.bandwidth=1Gbit/s,10Gbit/s',
      '--strategy',
      strategy,
      '--workers',
      '2',
    ],
  ];

  test('run in workers', () => {
    const { status, stderr } = migsim([...words(mine), ...into('mine')]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { files } = JSON.parse(readFileSync(join(folder('mine'), 'manifest.json'), 'utf8')).sweep;
    expect(files).toEqual([expect.objectContaining({ path: mine, text: STRATEGY })]);
  });

  test.each([
    [1, '5:52', 'it called process.exit, which would end the sweep'],
    [2, '5:81', 'no luck'],
  ])('that fail end it with one line', (at, place, said) => {
    const out = into(`failing-${at}`);
    const { status, stderr } = migsim([...words(`${mine}:{at: ${at}}`), ...out]);
    expect(status).toBe(2);
    expect(stderr).toBe(
      `migsim: mine(at=${at}), run 1 link.bandwidth=1Gbit/s: ${mine}:${place}: mine(at=${at}) failed: ${said}\n`,
    );
    expect(existsSync(out[1]!)).toBe(false);
  });
});

describe('sweep files', () => {
  // Keys that are in order by themselves, and a value in them that is not: found when its cell is made.
  test.each([
    ['link.bandwidth: [1Gbit/s, fast]', /link\.bandwidth=fast: .*cannot read "fast" as a rate/],
    ['migration.downtime-limit: [100ms, 1h]', /downtime-limit=1h: /],
    ['guest.memory: [1GiB, -1GiB]', /guest\.memory=-1GiB: /],
  ])('a value of %s is refused at its place', async (entry, said) => {
    const file = folder('wrong.sweep.yaml');
    writeFileSync(
      file,
      `scenario: ${resolve(SMALL)}\nvary:\n  - guest.dirty-ring-size: [4096]\n  - ${entry}\n`,
    );
    const { status, stderr } = await inProcess(['sweep', file]);
    expect(status).toBe(2);
    expect(stderr.startsWith(`${file}:4:5: vary ${entry}: at `)).toBe(true);
    expect(stderr).toMatch(said);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  test.each(readdirSync('sweeps'))('%s ships, names its question and runs', async (name) => {
    const { status, stdout, stderr } = await inProcess(['sweep', `sweeps/${name}`, '--runs', '1', '--json']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { manifest, cells } = JSON.parse(stdout);
    expect(manifest.sweep.question).toMatch(/\?$/);
    expect(cells.length).toBeGreaterThan(2);
  });

  test.each([
    ['scenario: x.yaml\nvary: [{ a: [1] }]\nvari: 1\n', ':3:1: unknown key "vari"; did you mean vary?'],
    ['scenario: x.yaml\nvary: [{ a: [1, 1] }]\n', 'wrong.yaml:2:8: vary a: [1, 1]: 1 is listed twice'],
    ['scenario: x.yaml\nvary:\n  - a: [1]\n  - b: [1]\n    c: [1, 2]\n', 'wrong.yaml:4:5: vary b: [1]'],
    ['scenario: x.yaml\nvary:\n  - a: 1..2:x:log\n', 'wrong.yaml:3:5: vary a: 1..2:x:log: cannot read'],
    ['scenario: x.yaml\nvary: [{ a: { b: 1 } }]\n', 'wrong.yaml:2:13: vary.0.a: expected a list of values'],
    ['scenario: x.yaml\nvary: [a]\n', 'wrong.yaml:2:8: vary.0: expected keys with their values'],
    ['scenario: x.yaml\nvary: [{}]\n', 'wrong.yaml:2:8: vary.0: no key'],
    ['scenario: x.yaml\nvary: [{ __proto__: [1] }]\n', 'wrong.yaml:2:8: vary.0: no key'],
    ['scenario: x.yaml\nvary: [{ a: [1] }]\nstrategies: [nonne]\n', 'did you mean none?'],
    ['scenario: x.yaml\nvary: [{ a: [1] }]\nprecision: 200%\n', 'below 100%'],
    ['scenario: x.yaml\nvary: [{ a: [1] }]\n', 'no such file'],
  ])('with a mistake: %j', async (text, said) => {
    mkdirSync(folder('files'), { recursive: true });
    const path = join(folder('files'), 'wrong.yaml');
    writeFileSync(path, text);
    const { status, stderr } = await inProcess(['sweep', path]);
    expect(status).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('what is said', () => {
  test('on the way, nothing in pipes and under CI, and nothing that stays', () => {
    const shown = (isTTY: boolean, environment: Record<string, string>): string => {
      let text = '';
      const progress = startProgress({ isTTY, write: (more) => (text += more) }, 100, environment);
      progress.advance(60);
      progress.end();
      return text;
    };
    expect([shown(false, {}), shown(true, { CI: 'true' })]).toEqual(['', '']);
    expect(shown(true, {})).toMatch(/^\r\u001b\[K0 of 100 runs[^]*\r\u001b\[K$/);
  });

  const vary = ['--vary', 'link.bandwidth=1Gbit/s,10Gbit/s'];

  test('a row a cell and strategy, the memory, and where the files are', async () => {
    const { stdout } = await inProcess(['sweep', SMALL, ...vary, '--runs', '2', ...into('said')]);
    expect(stdout).toMatch(/2 cells, 2 runs of each strategy, fluid memory, seed 1, 8 rows/);
    expect(stdout).toMatch(
      /^1Gbit\/s +auto-converge +100 % +[\d.]+ s +[\d.]+–[\d.]+ s +\d+ ms +[\d.]+ % +[\d.]+ %$/m,
    );
    expect(stdout).toMatch(/^10Gbit\/s +none +0 % +> 1 min +- +0 ms +[\d.]+ % +-$/m);
    // A column that 80 columns have no room for is in the files.
    expect(stdout).toMatch(/^… all in \S+said\/summary\.csv/m);
    expect(stdout).toMatch(/\nWritten to \S+said:\s+runs\.csv, summary\.csv, differences\.csv/);
  });

  test('the files of a shard, and of their merge', async () => {
    const part = (index: number): string[] => ['--shard', `${index}/2`, ...into(`part-${index}`)];
    for (const index of [0, 1])
      expect((await inProcess(['sweep', SMALL, ...vary, ...part(index)])).stdout).toContain(
        `shard ${index} of 2`,
      );
    const shards = [folder('part-1'), folder('part-0')];
    const merged = await inProcess(['merge', ...shards, ...into('merged'), '--format', 'parquet']);
    expect(merged).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(folder('merged'), 'runs.parquet'))).toBe(true);
  });

  test.each([
    [['sweep', SMALL], 'nothing varies; expected --vary'],
    [['sweep', SMALL, ...vary, '--shard', '0/2'], '--shard needs a folder'],
    [['sweep', SMALL, ...vary, '--precision', '2'], 'lacks a unit'],
    [['sweep', SMALL, ...vary, '--workers', '0'], '--workers: expected a whole number from 1'],
    [['sweep', SMALL, ...vary, '--memory', 'pge'], 'unknown memory model "pge"; did you mean page?'],
    [['sweep', SMALL, ...vary, '--format', 'xls'], 'unknown format "xls"'],
    [['sweep', SMALL, ...vary, ...vary], 'link.bandwidth is varied twice'],
    [['merge', 'docs', '--out', 'results/x'], 'docs: no plan.json; expected the folder of a shard'],
    [['merge', 'docs'], 'merge needs a folder for the whole'],
  ])('of a mistake: %j', async (words, said) => {
    const { status, stderr } = await inProcess(words);
    expect(status).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
