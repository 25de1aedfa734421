import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SMALL, inProcess, migsim } from './migsim.js';

describe('a mistake of the user gives one line on stderr, no stack, and status 2', () => {
  test.each<[string, string[], RegExp]>([
    ['unknown command', ['comprae', SMALL], /unknown command "comprae"; did you mean compare\?/],
    ['no command', ['--no-color'], /no command given/],
    ['no scenario', ['compare'], /compare lacks its scenario: migsim compare <scenario>/],
    ['two scenarios', ['compare', SMALL, SMALL], /unexpected "test\/cli\/small\.yaml"/],
    ['a scenario that is not there', ['compare', 'nothere.yaml'], /^nothere\.yaml: /],
    ['unknown option', ['compare', SMALL, '--sede', '3'], /unknown option --sede; did you mean --seed\?/],
    ['short option', ['compare', SMALL, '-s', '3'], /unknown option -s/],
    ['unknown switch', ['compare', SMALL, '--no-seed'], /unknown option --no-seed/],
    ['option without its value', ['compare', SMALL, '--seed'], /--seed needs a value: --seed N/],
    ['option before another', ['compare', SMALL, '--seed', '--json'], /--seed needs a value/],
    ['option with an empty value', ['compare', SMALL, '--seed='], /--seed needs a value/],
    ['option given twice', ['compare', SMALL, '--seed', '1', '--seed=2'], /--seed is given twice/],
    ['switch with a value', ['compare', SMALL, '--json=pretty'], /--json takes no value/],
    [
      'seed that is no number',
      ['compare', SMALL, '--seed', 'abc'],
      /--seed: expected a whole number .* got "abc"/,
    ],
    ['seed below 0', ['compare', SMALL, '--seed', '-1'], /--seed: expected .* got "-1"/],
    ['seed beyond 32 bits', ['compare', SMALL, '--seed', '4294967296'], /--seed: expected/],
    ['no runs', ['compare', SMALL, '--runs', '0'], /--runs: expected a whole number from 1/],
    ['runs of another command', ['run', SMALL, '--runs', '3'], /unknown option --runs/],
    [
      'memory model',
      ['compare', SMALL, '--memory', 'pge'],
      /unknown memory model "pge"; did you mean page\?/,
    ],
    ['strategy', ['compare', SMALL, '--strategy', 'auto-convrge'], /did you mean auto-converge\?/],
    [
      'option of a strategy',
      ['compare', SMALL, '--strategy', 'auto-converge:{cpu-throttle-intial: 3}'],
      /cpu-throttle-initial/,
    ],
    ['policy', ['compare', SMALL, '--policy', 'wiat'], /did you mean wait\?/],
    ['file of a strategy', ['compare', SMALL, '--strategy', './nothere.js'], /nothere\.js/],
    ['override', ['compare', SMALL, '--set', 'guest.memroy=1GiB'], /memory/],
    ['kind of list', ['list', 'polices'], /unknown kind "polices"; did you mean policies\?/],
    ['name to explain', ['explain', 'dirty-limt'], /unknown name "dirty-limt"; did you mean dirty-limit\?/],
  ])('%s', async (_what, words, message) => {
    const { status, stdout, stderr } = await inProcess(words);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('the real process does the same', () => {
    expect(migsim(['compare', SMALL, '--sede', '3'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'migsim: unknown option --sede; did you mean --seed?\n',
    });
  });

  test('a mistake in a file stands at its line and column', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'migsim-cli-'));
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, 'guest:\n  memroy: 1GiB\n');
    const { status, stderr } = await inProcess(['compare', file]);
    rmSync(folder, { recursive: true });
    expect(status).toBe(2);
    expect(stderr).toContain(`${file}:2:3: `);
  });
});

describe('an output folder that cannot be written', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'migsim-cli-'));
    writeFileSync(join(folder, 'taken'), '');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('fails in one line and leaves nothing behind', async () => {
    const out = join(folder, 'taken', 'below');
    const { status, stdout, stderr } = await inProcess(['compare', SMALL, '--out', out]);
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: `migsim: cannot write to ${out}: a part of the path is a file\n`,
    });
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  test('a mistake elsewhere does not even make the folder', async () => {
    const out = join(folder, 'new');
    const { status } = await inProcess(['compare', SMALL, '--out', out, '--strategy', 'nosuch']);
    expect(status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  test('a strategy that breaks down is a mistake at a line of its file, and takes its folder along', () => {
    const file = join(folder, 'broken.mjs');
    const start = "start() {\n  throw new TypeError('broken on purpose'); }";
    writeFileSync(
      file,
      `export default { name: 'broken', summary: '', source: '', rule: '', options: {}, ${start} };`,
    );
    const out = join(folder, 'new');
    const words = ['run', SMALL, '--strategy', file, '--out', out];
    const line = `${file}:2:9: broken failed: broken on purpose\n`;
    expect(migsim(words)).toEqual({ status: 2, stdout: '', stderr: line });
    expect(existsSync(out)).toBe(false);
    const { status, stderr } = migsim(words, { MIGSIM_DEBUG: '1' });
    expect(status).toBe(2);
    expect(stderr.startsWith(`${line}TypeError: broken on purpose\n    at `)).toBe(true);
  });
});
