import { describe, expect, test } from '@jest/globals';
import { migsim } from './migsim.js';

const commands = ['compare', 'run', 'list', 'explain'];

describe.each([[[] as string[]], ...commands.map((name) => [[name]])])('help of migsim %p', (words) => {
  const { status, stdout, stderr } = migsim([...words, '--help']);

  test('is asked for, so it goes to stdout and is no failure', () => {
    expect(status).toBe(0);
    expect(stderr).toBe('');
  });

  test('fits 80 columns and shows two examples', () => {
    for (const line of stdout.split('\n')) expect([line, line.length <= 80]).toEqual([line, true]);
    const [, examples = ''] = stdout.split('\nExamples:\n');
    expect(examples.match(/^ {2}migsim /gm)!.length).toBeGreaterThanOrEqual(2);
  });

  test('speaks English whatever the locale', () => {
    const german = { LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de', LANG: 'de_DE.UTF-8' };
    expect(migsim([...words, '--help'], german).stdout).toBe(stdout);
  });
});

test('migsim alone shows what there is', () => {
  const { status, stdout } = migsim([]);
  expect(status).toBe(0);
  for (const name of commands) expect(stdout).toContain(`migsim ${name}`);
});

test('--version is that of the package', () => {
  expect(migsim(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('help does not load what only a run needs', () => {
  // A module that is loaded shows up in the resolved graph; yargs alone is what help needs.
  const { stderr } = migsim(['compare', '--help'], { NODE_DEBUG: 'esm' });
  expect(stderr).not.toMatch(/node_modules\/(zod|cli-table3|csv-stringify|yaml)\//);
});
