import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';

const ROOT = path.resolve(import.meta.dirname, '..');

/** From bottom to top. A folder, or a file directly in src, imports from its own layer and from those before it. */
const LAYERS = [
  'errors',
  'lists',
  'suggest',
  'units',
  'options',
  'files',
  'random',
  'stats',
  'guest',
  'migration',
  'strategies',
  'policies',
  'formats',
  'recording',
  'scenario',
  'experiment',
  'advice',
  'qmp',
  'report',
  'api',
  'play',
  'index',
  'jest',
  'cli',
];

/** The npm packages of each layer; a layer that is not named here has none. */
const PACKAGES: Record<string, readonly string[]> = {
  options: ['zod'],
  policies: ['zod'],
  formats: ['csv-parse', 'zod'],
  recording: ['zod'],
  scenario: ['yaml', 'zod'],
  experiment: ['tinypool'],
  report: [
    'cli-table3',
    'csv-parse',
    'csv-stringify',
    'hyparquet-writer',
    '@observablehq/plot',
    '@resvg/resvg-js',
    'linkedom',
  ],
  play: ['uplot', 'yaml', 'zod'],
  jest: ['@jest/globals', 'expect'],
  cli: ['yargs', 'chalk'],
};

/** Pure computing: not even Node's own modules. */
const PURE = ['errors', 'lists', 'suggest', 'units', 'options', 'random', 'stats', 'guest', 'migration'];

/** Loaded by name from outside, not by an import in src; the JSON Schema is written by a script. */
const isEntryPoint = (file: string): boolean =>
  [
    'src/index.ts',
    'src/jest.ts',
    'src/qmp/index.ts',
    'src/cli/main.ts',
    'src/scenario/form/json-schema.ts',
    'src/play/page/main.ts',
  ].includes(file) || /(^|[/-])worker\.ts$/.test(file);

interface Source {
  /** From the root of the project, with slashes. */
  readonly file: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
}

function stripComments(text: string): string {
  const stringOrComment =
    /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(stringOrComment, (part) => (part.startsWith('/') ? '' : part));
}

function sourcesIn(folder: string): Source[] {
  let entries;
  try {
    entries = readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name))
    .map((entry) => {
      const full = path.join(entry.parentPath, entry.name);
      const text = readFileSync(full, 'utf8');
      return { file: path.relative(ROOT, full).split(path.sep).join('/'), text, code: stripComments(text) };
    })
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** What a module names after `from`, in `import '…'`, `import('…')` and `new URL('…'`. */
function importsOf(code: string): string[] {
  return [...code.matchAll(/(?:\bfrom|\bimport|\bnew URL)\s*\(?\s*'([^'\n]+)'/g)].map((match) => match[1]!);
}

/** `src/guest/workloads/zipf.ts` -> `guest`, `src/units.ts` -> `units`. */
function layerOf(file: string): string {
  return file.split('/')[1]!.replace(/\.ts$/, '');
}

/** The source file that a relative import means. */
function targetOf(from: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

/** `@scope/name/sub` -> `@scope/name`, `csv-stringify/sync` -> `csv-stringify`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function looksUp(file: string, target: string): boolean {
  return LAYERS.indexOf(layerOf(target)) > LAYERS.indexOf(layerOf(file));
}

/** One circle of each group of modules that import each other: `a -> b -> a`. */
function circlesIn(targets: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(' -> '));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of targets.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of targets.keys()) visit(file);
  return found;
}

const sources = sourcesIn('src');
const everything = [...sources, ...sourcesIn('test'), ...sourcesIn('bin'), ...sourcesIn('scripts')];

/** `file: what` for every match of `pattern` in the code of `files`. */
function findings(files: readonly Source[], pattern: RegExp, part: 'code' | 'text' = 'code'): string[] {
  return files.flatMap((source) =>
    [...source[part].matchAll(pattern)].map((match) => `${source.file}: ${match[0].trim()}`),
  );
}

/** By a script of its own: Jest is slow at running the compiler. */
function castsIn(files: readonly Source[]): { readonly all: string[]; readonly double: string[] } {
  const script = path.join(ROOT, 'scripts/casts.js');
  return JSON.parse(execFileSync(process.execPath, [script], { input: JSON.stringify(files) }).toString());
}

describe('the rules themselves', () => {
  test('see imports of every form, and none in comments', () => {
    const code = stripComments(`
      import { a } from './a.js'; // from './no.js'
      import type {
        B,
      } from '../b.js';
      /* import './neither.js' */
      import './c.js';
      export * from './d.js';
      const e = await import('./e.js');
      new Worker(new URL('./worker.js', import.meta.url));
      const text = 'http://x'; import f from 'f/sub';
    `);
    expect(importsOf(code)).toEqual([
      './a.js',
      '../b.js',
      './c.js',
      './d.js',
      './e.js',
      './worker.js',
      'f/sub',
    ]);
  });

  test('know up from down', () => {
    expect(looksUp('src/guest/page.ts', 'src/migration/engine.ts')).toBe(true);
    expect(looksUp('src/migration/engine.ts', 'src/guest/page.ts')).toBe(false);
    expect(looksUp('src/guest/workloads/zipf.ts', 'src/guest/spec.ts')).toBe(false);
    expect(looksUp('src/strategies/none.ts', 'src/policies/wait.ts')).toBe(true);
    expect(looksUp('src/report/files/csv.ts', 'src/index.ts')).toBe(true);
    expect(looksUp('src/index.ts', 'src/cli/main.ts')).toBe(true);
    expect(looksUp('src/cli/commands/run.ts', 'src/index.ts')).toBe(false);
  });

  test('see circles of any length, and none where there is none', () => {
    const imports = (...pairs: readonly (readonly [string, string[]])[]): Map<string, string[]> =>
      new Map(pairs);
    expect(circlesIn(imports(['a', ['b', 'c']], ['b', ['c']], ['c', []]))).toEqual([]);
    expect(circlesIn(imports(['a', ['b']], ['b', ['a']]))).toEqual(['a -> b -> a']);
    expect(circlesIn(imports(['a', ['b']], ['b', ['c', 'd']], ['c', ['b']], ['d', ['b']]))).toEqual([
      'b -> c -> b',
      'b -> d -> b',
    ]);
  });

  test('know packages by name, with scope and without what is inside them', () => {
    expect(packageOf('csv-stringify/sync')).toBe('csv-stringify');
    expect(packageOf('@observablehq/plot')).toBe('@observablehq/plot');
  });

  test('have sources to look at', () => expect(sources.length).toBeGreaterThan(10));
});

describe('imports', () => {
  test('every folder and file of src has its place among the layers', () => {
    const strangers = sources.map(({ file }) => layerOf(file)).filter((layer) => !LAYERS.includes(layer));
    expect([...new Set(strangers)]).toEqual([]);
  });

  test('never look up', () => {
    const wrong = sources.flatMap(({ file, code }) =>
      importsOf(code)
        .filter((specifier) => specifier.startsWith('.') && targetOf(file, specifier).startsWith('src/'))
        .filter((specifier) => looksUp(file, targetOf(file, specifier)))
        .map((specifier) => `${file} -> ${targetOf(file, specifier)}`),
    );
    expect(wrong).toEqual([]);
  });

  test('go in no circles, types included', () => {
    const targets = new Map(
      sources.map(({ file, code }): [string, string[]] => [
        file,
        importsOf(code)
          .filter((specifier) => specifier.startsWith('.'))
          .map((specifier) => targetOf(file, specifier)),
      ]),
    );
    expect(circlesIn(targets)).toEqual([]);
  });

  test('name npm packages only where they are at home', () => {
    const wrong = sources.flatMap(({ file, code }) =>
      importsOf(code)
        .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .map(packageOf)
        .filter((name) => !(PACKAGES[layerOf(file)] ?? []).includes(name))
        .map((name) => `${file} -> ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('of the simulation itself need nothing of Node either', () => {
    const wrong = sources
      .filter(({ file }) => PURE.includes(layerOf(file)))
      .flatMap(({ file, code }) =>
        importsOf(code)
          .filter((specifier) => specifier.startsWith('node:'))
          .map((specifier) => `${file} -> ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  test('reach every source file: nothing lies about unused', () => {
    const imported = new Set(
      sources.flatMap(({ file, code }) =>
        importsOf(code)
          .filter((specifier) => specifier.startsWith('.'))
          .map((specifier) => targetOf(file, specifier)),
      ),
    );
    const dead = sources.map(({ file }) => file).filter((file) => !imported.has(file) && !isEntryPoint(file));
    expect(dead).toEqual([]);
  });
});

describe('the same seed gives the same bytes', () => {
  test('as nothing draws from an unseeded source', () => {
    expect(findings(everything, /\bMath\s*\.\s*random\b|\brandomUUID\b|\bgetRandomValues\b/g)).toEqual([]);
  });

  test('as nothing below the command line reads the clock', () => {
    const below = sources.filter(({ file }) => layerOf(file) !== 'cli');
    expect(findings(below, /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bDate\s*\(\s*\)/g)).toEqual([]);
  });
});

describe('what is finished', () => {
  test('has no notes to self', () => {
    const notes = new RegExp(
      ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].map((word) => `\\b${word}\\b`).join('|'),
      'g',
    );
    expect(findings(everything, notes, 'text')).toEqual([]);
  });

  test('has no test that hides the others, and none that is left out', () => {
    expect(
      findings(
        everything,
        /\b(?:test|it|describe)\s*\.\s*(?:only|skip)\b|\bx(?:it|test|describe)\(|\.only\(/g,
      ),
    ).toEqual([]);
  });
});

describe('types say what values are', () => {
  const counts = castsIn(sources);

  test('the count sees casts, and neither constants nor imports', () => {
    const code = `import { a as b } from './a.js'; import type * as c from './c.js';
      const d = ['x'] as const; const e = b as string; const f = b as unknown as number; const g = <string>b;`;
    expect(castsIn([{ file: 'x.ts', text: code, code }])).toEqual({
      all: ['x.ts: b as string', 'x.ts: b as unknown as number', 'x.ts: b as unknown', 'x.ts: <string>b'],
      double: ['x.ts: b as unknown as number'],
    });
  });

  test('casts are rare', () => expect(counts.all.length).toBeLessThan(50));

  test('none goes through unknown, which would turn anything into anything', () =>
    expect(counts.double).toEqual([]));
});

describe.each(['CONTRIBUTING.md', 'docs/architecture.md'])('the map of rooms in %s', (file) => {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const names = (cells: string): string[] => [...cells.matchAll(/`([\w./-]+)`/g)].map((match) => match[1]!);
  /** Rows that begin with folders of src: the folders, and what the other cells name. */
  const rows = [...text.matchAll(/^\| *(`src\/[^|]*) *\|(.*)$/gm)].map(([, first = '', others = '']) => ({
    rooms: names(first),
    inside: names(others),
  }));

  test('has every folder of src, from top to bottom', () => {
    const rooms = rows.flatMap((row) => row.rooms).filter((room) => /^src\/\w+\/$/.test(room));
    const folders = LAYERS.map((layer) => `src/${layer}/`).filter((room) =>
      existsSync(path.join(ROOT, room)),
    );
    expect(rooms).toEqual(folders.toReversed());
  });

  test('names nothing that is not there', () => {
    const isThere = (name: string, [room = '']: readonly string[]): boolean =>
      [name, path.posix.join('src', name), path.posix.join(room, name)].some((one) =>
        existsSync(path.join(ROOT, one)),
      );
    const missing = rows.flatMap(({ rooms, inside }) => [
      ...rooms.filter((room) => !isThere(room, [])),
      ...inside.filter((name) => /\/$|\.[jt]s$/.test(name) && !isThere(name, rooms)),
    ]);
    expect(missing).toEqual([]);
  });
});

test('a folder has at most 20 files, except where all are of one kind', () => {
  const ONE_KIND = ['src/cli/commands'];
  const folders = new Map<string, number>();
  for (const file of readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const folder = path.posix.join('src', path.dirname(file));
    folders.set(folder, (folders.get(folder) ?? 0) + 1);
  }
  const crowded = [...folders].filter(([folder, files]) => files > 20 && !ONE_KIND.includes(folder));
  expect(folders.size).toBeGreaterThan(30);
  expect(crowded).toEqual([]);
});
