import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Ended, inProcess, migsim } from './migsim.js';
import { commands as entries } from '../../src/cli/main.js';

/** Of all commands. */
const names = entries.map(({ name }) => name);

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

/** Each file of the bundle: the modules that it is made of, and the files and packages that it imports. */
const outputs = JSON.parse(
  readFileSync(new URL('../../dist/bundle/meta.json', import.meta.url), 'utf8'),
) as Record<
  string,
  { readonly entry: string | null; readonly modules: readonly string[]; readonly imports: readonly string[] }
>;

describe('what a run needs is not loaded', () => {
  /** The modules that a command loads, with those of packages that are not in the bundle. */
  const modulesOf = (...words: string[]): string[] => {
    const { stderr } = migsim(words, { NODE_DEBUG: 'esm' });
    const bundled = new Set([...stderr.matchAll(/dist\/bundle\/([\w-]+\.js)/g)].map((match) => match[1]!));
    expect(bundled).toContain('main.js');
    const modules = [...bundled].flatMap((file) => outputs[file]!.modules);
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
    [['check', 'nothere.yaml', 'norhere.yaml']],
    [['advise', 'nothere.log']],
  ])('by the refusal of %p, which needs no package', (words) => {
    expect(loadedBy(...words)).toEqual([]);
  });

  /** The modules that come with a file of the bundle before it runs. */
  const broughtBy = (file: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const imported of outputs[file]?.imports ?? []) broughtBy(imported, seen);
    return seen;
  };

  test.each(names)('by the words of %s, which are all that its help and a mistyped option need', (name) => {
    const entry = Object.keys(outputs).find(
      (file) => outputs[file]!.entry === `src/cli/commands/${name}.ts`,
    )!;
    const brought = [...broughtBy(entry)];
    const modules = brought.flatMap((file) => outputs[file]?.modules ?? []);
    expect(modules).toContain(`src/cli/commands/${name}.ts`);
    expect(packagesIn(modules)).toEqual([]);
    // Packages that are not in the bundle stand among its imports.
    const outside = brought.filter((file) => outputs[file] === undefined);
    expect(outside.filter((name) => name !== '../errors.js' && !isBuiltin(name))).toEqual([]);
    expect(
      modules.filter((file) => /^src\/(migration\/thread|guest\/memory|report\/columns)\//.test(file)),
    ).toEqual([]);
  });

  test('by the refusal of what a scenario says, which needs YAML and the schema, and no engine', () => {
    const words = ['run', 'scenarios/readers-and-writers.yaml', '--set', 'link.bandwith=1Gbit/s'];
    const modules = modulesOf(...words);
    expect(new Set(packagesIn(modules))).toEqual(new Set(['yaml', 'zod']));
    // Of zod only its small form: the other makes its methods for each schema, which takes 60 ms.
    expect(modules.filter((name) => name.includes('zod/v4/classic'))).toEqual([]);
    expect(modules).toContain('src/scenario/parse.ts');
    expect(
      modules.filter((name) => /^src\/(migration\/thread|guest\/memory|report\/(html|figures))\//.test(name)),
    ).toEqual([]);
  });
});
