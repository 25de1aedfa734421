import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startingText } from '../../src/cli/commands/init.js';
import { loadScenario } from '../../src/scenario/load.js';
import { inProcess } from './migsim.js';

const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'migsim-init-'));
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(root);
  rmSync(folder, { recursive: true });
});

describe('migsim init', () => {
  test('writes guest.yaml and says what comes next', async () => {
    const { status, stdout, stderr } = await inProcess(['init']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Written: guest\.yaml\n/);
    expect(stdout).toContain('  migsim compare guest.yaml\n');
  });

  test('writes a scenario alone to standard output for -', async () => {
    const { status, stdout, stderr } = await inProcess(['init', '-']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(startingText('guest'));
    expect(existsSync('-')).toBe(false);
  });

  test('never overwrites', async () => {
    writeFileSync('mine.yaml', 'mine');
    const { status, stderr } = await inProcess(['init', 'mine.yaml']);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'mine.yaml: exists already; expected the name of a new file\n',
    });
    expect(readFileSync('mine.yaml', 'utf8')).toBe('mine');
  });

  test('makes the folder that it is to lie in', async () => {
    expect((await inProcess(['init', 'some/where/guest.yaml'])).status).toBe(0);
    expect(existsSync('some/where/guest.yaml')).toBe(true);
  });

  test('is called like its file', async () => {
    await inProcess(['init', 'data-base.yml']);
    expect(loadScenario('data-base.yml').name).toBe('data-base');
  });

  test('what it writes does what it says', async () => {
    const { status, stdout } = await inProcess(['check', 'guest.yaml', '--memory', 'fluid']);
    expect(stdout).toMatch(/^ok {4}guest\.yaml: all \d hold/);
    expect(status).toBe(0);
  });

  test('leads editors to the schema when migsim lies in the same project', async () => {
    process.chdir(root);
    try {
      const file = 'results/.init-test.yaml';
      rmSync(file, { force: true });
      await inProcess(['init', file]);
      const [line = ''] = readFileSync(file, 'utf8').split('\n');
      rmSync(file);
      const [, path = ''] = /^# yaml-language-server: \$schema=(.+)$/.exec(line) ?? [];
      expect(existsSync(join('results', path))).toBe(true);
    } finally {
      process.chdir(folder);
    }
    expect(readFileSync('guest.yaml', 'utf8')).toMatch(/^# Shows: /);
  });

  test.each([
    ['guest.txt', /^guest\.txt: no scenario file; expected a name that ends in \.yaml\n$/],
    // Linux's /proc takes no folders, and making them there recursively never returns; elsewhere there is no /proc.
    ['/proc/none/x.yaml', /^\/proc\/none: cannot be made \(E\w+\)\n$/],
    ['guest.yaml/x.yaml', /^guest\.yaml: a file stands where a folder should be\n$/],
  ])('%s is a mistake', async (file, message) => {
    const { status, stderr } = await inProcess(['init', file]);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(existsSync(file)).toBe(false);
  });
});

test('the text has a comment for every section', () => {
  const lines = startingText('x').split('\n');
  const sections = [...lines.keys()].filter((index) => /^[a-z]+:/.test(lines[index]!));
  const bare = sections.filter((index) => !lines[index - 1]?.startsWith('#'));
  expect(bare.map((index) => lines[index])).toEqual([]);
});
