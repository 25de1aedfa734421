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
  /** The modules that a command loads, with those of packages that are not in the bundle. */
  const modulesOf = (...words: string[]): string[] => {
    const { stderr } = migsim(words, { NODE_DEBUG: 'esm' });
    const bundled = new Set(stderr.match(/dist\/bundle\/[\w-]+\.js/g));
    expect(bundled).toContain('dist/bundle/main.js');
    const modules = [...bundled].flatMap((file) => Object.keys(outputs[file]!.inputs));
    return [...modules, ...(stderr.match(/node_modules\/[^'"\s]+/g) ?? [])];
  };

  const packagesIn = (modules: readonly string[]): string[] =>
    modules.flatMap((name) =>
      [...name.matchAll(/node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\//g)].map((match) => match[1]!),
    );
  const loadedBy = (...words: string[]): string[] => packagesIn(modulesOf(...words));

  test('by help, which needs yargs alone', () => {
    const packages = loadedBy('--help');
    expect(packages).toContain('yargs');
    expect(packages.filter((name) => /zod|cli-table3|csv|yaml/.test(name))).toEqual([]);
  });

  test.each([
    [['comprae', 'x.yaml']],
    [['run', 'nothere.yaml']],
    [['compare', '--strategi', 'none', 'scenarios/readers-and-writers.yaml']],
    [['sweep', 'nothere.yaml', '--vary', 'link.bandwidth=1Gbit/s']],
    [['check', 'nothere.yaml', 'norhere.yaml']],
    [['advise', 'nothere.log']],
    [['search', 'nothere.yaml', 'migration.downtime-limit']],
    [['drain', 'nothere.yaml']],
  ])('by the refusal of %p, which needs no package', (words) => {
    expect(loadedBy(...words)).toEqual([]);
  });

  test('by the refusal of what a scenario says, which needs YAML and the schema, and no engine', () => {
    const words = ['run', 'scenarios/readers-and-writers.yaml', '--set', 'link.bandwith=1Gbit/s'];
    const modules = modulesOf(...words);
    expect(new Set(packagesIn(modules))).toEqual(new Set(['yaml', 'zod']));
    expect(modules).toContain('src/scenario/parse.ts');
    expect(modules.filter((name) => /^src\/(migration\/thread|report\/files)\//.test(name))).toEqual([]);
  });
});
