import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Ended, inProcess, migsim } from './migsim.js';

const commands = ['compare', 'run', 'list', 'explain'];

describe.each([[[] as string[]], ...commands.map((name) => [[name]])])('help of migsim %p', (words) => {
  let help: Ended;
  beforeAll(async () => {
    help = await inProcess([...words, '--help']);
  });

  test('is asked for, so it goes to stdout and is no failure', () => {
    expect(help).toMatchObject({ status: 0, stderr: '' });
  });

  test('fits 80 columns and shows two examples', () => {
    for (const line of help.stdout.split('\n')) expect([line, line.length <= 80]).toEqual([line, true]);
    const [, examples = ''] = help.stdout.split('\nExamples:\n');
    expect(examples.match(/^ {2}migsim /gm)!.length).toBeGreaterThanOrEqual(2);
  });

  test('speaks English whatever the locale', () => {
    const german = { LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de', LANG: 'de_DE.UTF-8' };
    expect(migsim([...words, '--help'], german).stdout).toBe(help.stdout);
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

/** The modules that each file of the bundle is made of. */
const outputs = JSON.parse(
  readFileSync(new URL('../../dist/bundle/meta.json', import.meta.url), 'utf8'),
) as Record<string, { inputs: Record<string, unknown> }>;

describe('what a run needs is not loaded', () => {
  /** The packages that a command loads. */
  const loadedBy = (...words: string[]): string[] => {
    const { stderr } = migsim(words, { NODE_DEBUG: 'esm' });
    const bundled = new Set(stderr.match(/dist\/bundle\/[\w-]+\.js/g));
    expect(bundled).toContain('dist/bundle/main.js');
    const modules = [...bundled].flatMap((file) => Object.keys(outputs[file]!.inputs));
    return [stderr, ...modules].flatMap((text) =>
      [...text.matchAll(/node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\//g)].map((match) => match[1]!),
    );
  };

  test('by help, which needs yargs alone', () => {
    const packages = loadedBy('--help');
    expect(packages).toContain('yargs');
    expect(packages.filter((name) => /zod|cli-table3|csv|yaml/.test(name))).toEqual([]);
  });

  test('by the refusal of an unknown command, which needs no package', () => {
    expect(loadedBy('comprae', 'x.yaml')).toEqual([]);
  });
});
