/** CONTRIBUTING.md, followed to the letter in a copy: its files, its lines of lists, its commands. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const page = readFileSync('CONTRIBUTING.md', 'utf8');
const sections = page
  .split(/^## /m)
  .filter((section) => section.startsWith('Add '))
  .map((section) => ({ title: section.split('\n')[0]!, text: section.replaceAll(/^ {3}/gm, '') }));

/** What is copied: all that a build, the generated files and the tests read. */
const PARTS = [
  'src test scripts docs schema man bin scenarios examples recordings fonts dist results/baselines',
  'README.md package.json tsconfig.json jest.config.js .prettierrc.json .prettierignore',
].flatMap((names) => names.split(' '));

const copy = realpathSync(mkdtempSync(path.join(tmpdir(), 'migsim-contributing-')));

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , code = '']) => code);
}

/** A block whose first line names its file, as a comment. A log has no comments, so that its first line is left out. */
function writeFile(block: string): void {
  const [, sign, file] = /^(\/\/|#) (\S+)\n/.exec(block) ?? [];
  if (file === undefined) throw new Error(`no file named in: ${block}`);
  const target = path.join(copy, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, sign === '#' ? block.slice(block.indexOf('\n') + 1) : block);
}

/** `--- file`, a line that stands in it once, and the lines to put behind that one. */
function addLines(block: string): void {
  for (const change of block.split(/^--- /m).filter((text) => text !== '')) {
    const [file = '', anchor = '', ...added] = change.trimEnd().split('\n');
    const target = path.join(copy, file);
    const text = readFileSync(target, 'utf8').split('\n');
    const at = text.indexOf(anchor.slice(1));
    expect([file, anchor, at >= 0, at === text.lastIndexOf(anchor.slice(1))]).toEqual([
      file,
      anchor,
      true,
      true,
    ]);
    text.splice(at + 1, 0, ...added.map((line) => line.slice(1)));
    writeFileSync(target, text.join('\n'));
  }
}

/** Test files that the steps name. */
const named = [
  ...new Set(
    sections.flatMap(({ text }) =>
      [...text.matchAll(/`npm test -- ([^`]+)`/g)].flatMap(([, files = '']) => files.split(' ')),
    ),
  ),
];

function npm(...words: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', ...words], {
    cwd: copy,
    encoding: 'utf8',
  });
  return { status, output: status === 0 ? '' : stdout + stderr };
}

beforeAll(() => {
  for (const part of PARTS)
    cpSync(part, path.join(copy, part), { recursive: true, preserveTimestamps: true });
  // These take many runs, and none of the five additions changes them.
  for (const file of ['docs/questions.md', 'docs/fidelity.md', 'results/baselines/shipped.json'])
    rmSync(path.join(copy, file));
  symlinkSync(path.resolve('node_modules'), path.join(copy, 'node_modules'));
  for (const { text } of sections) {
    for (const block of [...blocks(text, 'ts'), ...blocks(text, 'text')]) writeFile(block);
    for (const block of blocks(text, 'diff')) addLines(block);
  }
});
afterAll(() => {
  rmSync(copy, { recursive: true });
});

test('five things can be added, and each section names its file, its list, npm run generate and its tests', () => {
  expect(sections.map(({ title }) => title)).toEqual([
    'Add a strategy',
    'Add a workload',
    'Add a log reader',
    'Add an output',
    'Add a command',
  ]);
  for (const { title, text } of sections) {
    const steps = [
      blocks(text, 'ts'),
      blocks(text, 'diff'),
      /`npm run generate`/.exec(text),
      /`npm test -- /.exec(text),
    ];
    expect([title, steps.filter((found) => (found?.length ?? 0) === 0)]).toEqual([title, []]);
  }
});

describe('in a copy that followed every step', () => {
  test('the build succeeds, and what is generated has all five', () => {
    expect(npm('generate')).toEqual({ status: 0, output: '' });
    const has = (file: string, word: string): boolean =>
      readFileSync(path.join(copy, file), 'utf8').includes(word);
    expect(has('README.md', 'fixed-throttle')).toBe(true);
    expect(has('test/golden/strategies.json', 'fixed-throttle')).toBe(true);
    expect(has('schema/scenario.schema.json', 'log-writer')).toBe(true);
    expect(has('docs/logs.md', 'agent log')).toBe(true);
    expect(has('man/migsim.1', 'tsv')).toBe(true);
    expect(has('man/migsim.1', 'migsim window')).toBe(true);
  });

  test('the tests that the steps name pass', () => {
    const { status, output } = npm('test', '--', '-w', '1', ...named);
    expect({ status, output }).toEqual({ status: 0, output: '' });
  });
});
