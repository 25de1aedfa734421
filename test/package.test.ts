/** The package as a user gets it: packed, unpacked into an empty project, imported and started from there. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = process.cwd();
const project = realpathSync(mkdtempSync(join(tmpdir(), 'migsim-package-')));
/**
 * As strict installers lay a package out: in a folder of its own, next to what it declares and nothing else, with a link to it
 * in the project. An import that leans on hoisting fails here.
 */
const store = join(project, 'node_modules/.store/migsim/node_modules');
const installed = join(store, 'migsim');
const bin = join(project, 'node_modules/.bin/migsim');
const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Readonly<
  Record<'dependencies' | 'peerDependencies', Readonly<Record<string, string>>>
>;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(command: string, words: readonly string[], cwd = project): Ended {
  const { status, stdout, stderr } = spawnSync(command, words, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** In the project, as one of its modules. */
function runModule(code: string): Ended {
  writeFileSync(join(project, 'main.mjs'), code);
  return start(process.execPath, ['main.mjs']);
}

function jest(...words: string[]): Ended {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  return start(process.execPath, [...flags, 'node_modules/jest/bin/jest.js', ...words]);
}

function link(name: string, modules = join(project, 'node_modules')): void {
  const path = join(modules, name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), path);
}

beforeAll(() => {
  const packed = start('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', project], root);
  expect(packed.status).toBe(0);
  const tarball = readdirSync(project).find((file) => file.endsWith('.tgz'))!;
  mkdirSync(installed, { recursive: true });
  expect(start('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']).status).toBe(0);
  // What an installation would fetch: migsim's own dependencies and optional peers, the user's test runner and compiler.
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) link(name, store);
  for (const name of ['jest', '@jest/globals', 'typescript-native', '@types/node']) link(name);
  symlinkSync('.store/migsim/node_modules/migsim', join(project, 'node_modules/migsim'));
  mkdirSync(dirname(bin));
  symlinkSync('../migsim/bin/migsim.js', bin);
  chmodSync(join(installed, 'bin/migsim.js'), 0o755); // as npm does
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
});
afterAll(() => {
  rmSync(project, { recursive: true });
});

test('it has what is run and read, and none of what it is made from', () => {
  for (const path of [
    'bin/migsim.js',
    'dist/index.d.ts',
    'dist/jest.js',
    'scenarios',
    'schema/scenario.schema.json',
    'schema/sweep.schema.json',
    'recordings/T05.json',
    'docs',
    'LICENSE',
    'README.md',
  ])
    expect([path, existsSync(join(installed, path))]).toEqual([path, true]);
  for (const path of ['src', 'test', 'results', 'node_modules'])
    expect([path, existsSync(join(installed, path))]).toEqual([path, false]);
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  // A map without the source that it leads to helps nobody.
  expect(files.filter((file) => /\.map$|\.tsbuildinfo$|\.test\./.test(file))).toEqual([]);
  const { man } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { man: string };
  expect(readFileSync(join(installed, man), 'utf8')).toMatch(/^\.TH MIGSIM 1/m);
  expect(statSync(join(installed, 'bin/migsim.js')).mode & 0o111).not.toBe(0);
});

describe('links of README.md and docs', () => {
  const pages = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)];
  const links = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => ({ page, target })),
  );
  /** As GitHub names a heading. */
  const anchors = (text: string): string[] =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );

  test('are many', () => expect(links.length).toBeGreaterThan(20));

  test('lead to files and headings of the package', () => {
    const broken = links.filter(({ page, target }) => {
      const [path = '', anchor] = target.split('#');
      const file = join(installed, path === '' ? page : join(dirname(page), path));
      if (!existsSync(file)) return true;
      return anchor !== undefined && !anchors(readFileSync(file, 'utf8')).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('in an empty project', () => {
  test("import from 'migsim' simulates", () => {
    const { status, stdout, stderr } = runModule(`
      import { chooseStrategy, compare, loadScenario, simulate, strategies } from 'migsim';
      const scenario = loadScenario('node_modules/migsim/scenarios/idle-guest.yaml');
      const { converged } = simulate(scenario, chooseStrategy('none'), { memory: 'fluid' });
      const labels = compare(scenario, { memory: 'fluid' }).strategies.map(({ strategy }) => strategy.label);
      console.log(JSON.stringify({ converged, labels, known: 'dirty-limit' in strategies }));
    `);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      converged: true,
      labels: ['none', 'auto-converge', 'dirty-limit'],
      known: true,
    });
  });

  test("import from 'migsim' sweeps in this thread and in others alike", () => {
    const { status, stdout, stderr } = runModule(`
      import { loadScenario, sweep } from 'migsim';
      const scenario = loadScenario('node_modules/migsim/scenarios/idle-guest.yaml');
      const how = { vary: ['migration.downtime-limit=100ms,200ms,300ms'], runs: 3 };
      const [alone, together] = [await sweep(scenario, how), await sweep(scenario, { ...how, workers: 2 })];
      console.log(JSON.stringify({ rows: alone.rows.length, same: JSON.stringify(alone) === JSON.stringify(together) }));
    `);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ rows: 27, same: true });
  });

  test('nothing inside can be imported past its exports', () => {
    const { status, stderr } = runModule("import 'migsim/dist/units.js';");
    expect(status).not.toBe(0);
    expect(stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test('the command starts, writes a scenario, and checks it', () => {
    expect(start(bin, ['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(start(bin, ['init', 'scenarios.yaml']).status).toBe(0);
    expect(readFileSync(join(project, 'scenarios.yaml'), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=node_modules\/migsim\/schema\/scenario\.schema\.json\n/,
    );
    // From a folder inside the project as well.
    mkdirSync(join(project, 'guests'));
    expect(start(bin, ['init', 'deep/guest.yaml'], join(project, 'guests')).status).toBe(0);
    expect(readFileSync(join(project, 'guests/deep/guest.yaml'), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/\.\.\/node_modules\/migsim\/schema\/scenario\.schema\.json\n/,
    );
    // Two files, so that worker threads are started from the package as well.
    const idle = 'node_modules/migsim/scenarios/idle-guest.yaml';
    const { status, stdout, stderr } = start(bin, ['check', 'scenarios.yaml', idle, '--memory', 'fluid']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/\n2 scenarios, \d+ expectations: all \d+ hold\n$/);
  });

  test('recordings that come with it are predicted', () => {
    const words = ['validate', 'node_modules/migsim/recordings/T05.json', '--runs', '1', '--memory', 'fluid'];
    const { status, stdout, stderr } = start(bin, words);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/right: 1 of 1/);
  });
});

describe('with TypeScript', () => {
  beforeAll(() => {
    copyFileSync('examples/watch-a-migration.ts', join(project, 'watch-a-migration.ts'));
    writeFileSync(
      join(project, 'typed.test.ts'),
      `import { expect } from '@jest/globals';
       import { chooseStrategy, loadScenario, simulate } from 'migsim';
       import 'migsim/jest';
       const result = simulate(loadScenario('guest.yaml'), chooseStrategy('none'));
       expect(result).not.toConverge();
       expect([result]).toConvergeWithin('60s');
       expect(result).toKeepReadersAbove('95%');
       expect(result).toFinishBefore(result);
       // @ts-expect-error A duration is a text with its unit.
       expect(result).toConvergeWithin(60);
       // @ts-expect-error No such option.
       simulate(loadScenario('guest.yaml'), chooseStrategy('none'), { memroy: 'fluid' });
      `,
    );
    writeFileSync(
      join(project, 'typed-sweep.ts'),
      `import { chooseStrategy, loadScenario, loadSweep, sweep, type SweepRow } from 'migsim';
       const scenario = loadScenario('guest.yaml');
       const { rows, cells } = await sweep(scenario, {
         vary: ['link.bandwidth+migration.max-bandwidth=1Gbit/s+1GiB/s', { 'guest.memory': ['4GiB', '8GiB'] }],
         strategies: [chooseStrategy('none')],
         onRun: ({ varied, totalTimeMs }) => console.log(varied['guest.memory'].length, totalTimeMs.toFixed()),
       });
       for (const { varied, converged, downtimeMs, readersWorkDone } of rows) {
         const link: string = varied['link.bandwidth'];
         const ms: number | null = downtimeMs;
         console.log(link, varied['migration.max-bandwidth'], converged, ms, readersWorkDone);
         // @ts-expect-error It does not vary.
         console.log(varied['guest.vcpus']);
       }
       const row: SweepRow | undefined = rows[0];
       console.log(row?.varied['anything'], cells[0]?.summary[0]?.median);
       const { scenario: other, ...options } = await loadSweep('sweep.yaml');
       await sweep(other, { ...options, runs: 5 });
       // @ts-expect-error Something must vary.
       await sweep(scenario, { runs: 5 });
       // @ts-expect-error A number of runs is a number.
       await sweep(scenario, { vary: ['link.bandwidth=1Gbit/s'], runs: '5' });
      `,
    );
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      verbatimModuleSyntax: true,
      skipLibCheck: true,
      types: ['node'],
      outDir: 'built',
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  });

  test('examples/watch-a-migration.ts, sweeps and the matchers are typed, and the example runs', () => {
    const { status, stdout } = start(process.execPath, ['node_modules/typescript-native/bin/tsc', '-p', '.']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    const scenario = 'node_modules/migsim/scenarios/readers-and-writers.yaml';
    const ran = start(process.execPath, ['built/watch-a-migration.js', scenario]);
    expect(ran.stdout).toMatch(/^2 s: \d+ MiB remain\n4 s: \d+ MiB remain\n/);
    expect(ran.stdout).toMatch(/\n(completed|cancelled) after \d+\.\d s\n$/);
    rmSync(join(project, 'built'), { recursive: true });
  });
});

describe('the page docs/testing.md', () => {
  const page = readFileSync('docs/testing.md', 'utf8');
  /** The code blocks of a file, in the order of the page. */
  const blocks = (file: string): string[] =>
    [...page.matchAll(/```js\n(\/\/ (\S+)\n[\s\S]*?)```/g)]
      .filter((block) => block[2] === file)
      .map((block) => block[1]!);
  const write = (file: string, text: string): void => writeFileSync(join(project, file), text);

  test('has a test, a first version and a last one', () => {
    expect(blocks('brake-writers.test.js')).toHaveLength(1);
    expect(blocks('brake-writers.js')).toHaveLength(2);
  });

  test('the test fails on the first version, with the message that is shown, and passes on the last', () => {
    const [first = '', last = ''] = blocks('brake-writers.js');
    const [, message = ''] = /```text\n(expected [^`]*?)\n```/.exec(page) ?? [];
    for (const [folder, strategy] of Object.entries({ first, last })) {
      mkdirSync(join(project, folder));
      write(`${folder}/brake-writers.test.js`, blocks('brake-writers.test.js')[0]!);
      write(`${folder}/brake-writers.js`, strategy);
    }
    const { status, stderr } = jest('brake-writers', '-i');
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^FAIL first\/brake-writers\.test\.js/m);
    expect(stderr).toMatch(/^PASS last\/brake-writers\.test\.js/m);
    expect(stderr).toContain('Tests:       1 failed, 5 passed, 6 total');
  });
});
