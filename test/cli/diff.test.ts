import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SMALL, inProcess } from './migsim.js';

const folder = mkdtempSync(join(tmpdir(), 'migsim-diff-'));
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  const compare = (name: string, ...words: string[]): ReturnType<typeof inProcess> =>
    inProcess([
      'compare',
      SMALL,
      '--out',
      at(name),
      ...words,
      ...(words.includes('page') ? [] : ['--memory', 'fluid']),
    ]);
  await compare('plain');
  await compare('again');
  await compare('patient', '--set', 'migration.downtime-limit=300ms');
  await compare('stopped', '--strategy', 'none', '--strategy', 'stop-and-copy');
  const options = (step: number): string => `auto-converge: { cpu-throttle-increment: ${step} }`;
  await compare('options', '--strategy', 'none', '--strategy', options(20));
  await compare('steps', '--strategy', options(20), '--strategy', options(30));
  await compare('runs', '--strategy', 'auto-converge', '--runs', '2', '--memory', 'page');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function diff(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await inProcess(['diff', ...words]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const line of stdout.split('\n').slice(1)) expect([line, line.length <= 80]).toEqual([line, true]);
  return stdout;
}

const unwrapped = (text: string): string => text.replace(/\n {4,}/g, ' ');

describe('migsim diff', () => {
  test('of the same experiment twice has nothing to tell', async () => {
    expect(await diff(at('plain'), at('again'))).toBe(
      `${at('plain')} -> ${at('again')}\n\nNo parameter differs.\n\nOutcomes are the same, to the last digit.\n`,
    );
  });

  test('names the parameter that differs first, then what became of each strategy', async () => {
    const text = unwrapped(await diff(at('plain'), at('patient')));
    const [, parameters = '', outcomes = ''] = text.split('\n\n');
    // What --set changed is a parameter like any other.
    expect(parameters).toBe('Parameters that differ:\n  migration.downtime-limit: 200 ms, now 300 ms');
    expect(outcomes).toMatch(/^Outcomes that differ:\n {2}none: /);
    expect(outcomes).toMatch(
      /\n {2}auto-converge: total time fell from [\d.]+ s to [\d.]+ s \(-[\d.]+ %\); downtime/,
    );
  });

  test('takes the name of a strategy for the only one of that name, whatever its options', async () => {
    const text = await diff(`${at('options')}#none`, `${at('options')}#auto-converge`);
    expect(text).toContain('none -> auto-converge(cpu-throttle-increment=20)');
    const two = await inProcess(['diff', `${at('steps')}#auto-converge`, `${at('plain')}#none`]);
    expect(two.status).toBe(2);
    expect(two.stderr).toMatch(/unknown strategy "auto-converge"/);
  });

  test('compares two strategies of a folder, and says where they part', async () => {
    const text = unwrapped(await diff(`${at('plain')}#none`, `${at('plain')}#auto-converge`));
    expect(text).toContain('Parameters that differ:\n  strategy.name: none, now auto-converge\n');
    expect(text).toContain('  none -> auto-converge: status is completed, was gave-up; converges now; ');
    // Until the first step of the throttle, both meet the same guest and do the same.
    const [, sync = ''] = /They part at bitmap sync (\d+): throttle 0 % and 20 %;/.exec(text) ?? [];
    const rows = readFileSync(join(at('plain'), 'runs.csv'), 'utf8')
      .split('\n')
      .map((line) => line.split(','));
    const first = rows[0]!.indexOf('first_throttle_sync');
    expect(rows.find((row) => row[1] === 'auto-converge')![first]).toBe(sync);
  });

  test('takes the two strategies, or the two runs, of a folder that has just two', async () => {
    expect(await diff(at('plain'))).toBe(await diff(`${at('plain')}#none`, `${at('plain')}#auto-converge`));
    const runs = await diff(at('runs'));
    expect(runs).toBe(await diff(`${at('runs')}#auto-converge:1`, `${at('runs')}#auto-converge:2`));
    expect(runs).toContain('No parameter differs.');
    // Figures that look alike are shown with all their digits.
    expect(unwrapped(runs)).not.toMatch(/from (\S+ \S+) to \1 /);
  });

  test('knows strategies that only one side has', async () => {
    const text = await diff(at('plain'), at('stopped'));
    expect(text).toMatch(/^ {2}stop-and-copy: is new$/m);
    expect(text).toMatch(/^ {2}auto-converge: is gone$/m);
    // none met the same guest in both.
    expect(text).not.toMatch(/^ {2}none:/m);
  });

  test('compares a strategy between folders by its options', async () => {
    const text = await diff(`${at('plain')}#none`, `${at('patient')}#none`);
    expect(text).toContain('Parameters that differ:\n  migration.downtime-limit: 200 ms, now 300 ms\n');
  });

  test('knows a scenario that it cannot read any more by its hash', async () => {
    const path = join(at('again'), 'manifest.json');
    const manifest = readFileSync(path, 'utf8');
    writeFileSync(path, manifest.replace('guest:', 'gest:'));
    expect(await diff(at('plain'), at('again'))).toMatch(/scenario\.sha256: nothing, now [0-9a-f]{12}$/m);
    writeFileSync(path, manifest);
  });

  test.each([
    [['nosuch'], /^nosuch: no such folder; expected a folder that --out has written/],
    [[`${folder}/plain#nne`, `${folder}/plain`], /unknown strategy "nne"; did you mean none\?/],
    [[`${folder}/plain#none:3`, `${folder}/plain`], /#none:3: there is no run 3/],
    [[`${folder}/plain#none`], /has one run; expected two sides, such as/],
    [[], /diff lacks its first: migsim diff <first> \[second\]/],
  ])('%j is a mistake', async (words, message) => {
    const { status, stdout, stderr } = await inProcess(['diff', ...words]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.replace(/^migsim: /, '')).toMatch(message);
  });
});
