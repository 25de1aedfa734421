import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { SMALL, inProcess, migsim } from './migsim.js';

const folder = mkdtempSync(join(tmpdir(), 'migsim-search-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const QUESTION = ['search', SMALL, 'migration.downtime-limit', '--runs', '2', '--memory', 'fluid'];

describe('migsim search', () => {
  test('answers in words below a curve that marks the answer, in 80 columns', async () => {
    const { status, stdout, stderr } = await inProcess(QUESTION);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [, answer] = /Smallest migration\.downtime-limit: (\d+ms)\. It holds in 2 of 2 runs/.exec(stdout)!;
    expect(stdout).toMatch(new RegExp(`^ +${answer} +2/2 .*<$`, 'm'));
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('understands its words in any order', async () => {
    const { stdout } = await inProcess(QUESTION);
    const other = [
      'search',
      '--find',
      'smallest',
      'migration.downtime-limit',
      SMALL,
      '--runs',
      '2',
      '--memory',
      'fluid',
    ];
    expect((await inProcess(other)).stdout).toBe(stdout);
  });

  test('prints the same bytes from threads', async () => {
    const { stdout } = await inProcess([...QUESTION, '--json']);
    const built = migsim([...QUESTION, '--json']);
    expect(built).toEqual({ status: 0, stderr: '', stdout });
  });

  test('writes the curve as the sweep of the values that were tried', async () => {
    const out = join(folder, 'curve');
    const { stdout } = await inProcess([...QUESTION, '--out', out]);
    expect(stdout).toMatch(/^Written to .*curve:/m);
    const rows = readFileSync(join(out, 'summary.csv'), 'utf8').trim().split('\n');
    expect(rows[0]).toContain('migration.downtime-limit');
    expect(rows.length).toBeGreaterThan(10);
    const drawn = await inProcess(['plot', out, '--figure', 'sweep']);
    expect(drawn).toMatchObject({ status: 0, stderr: '' });
  });

  test.each([
    [['search', SMALL], /expected one key, such as migration\.downtime-limit, got none/],
    [['search', SMALL, 'migration.x'], /unknown key/],
    [['search', SMALL, 'migration.downtime-limit', '--find', 'least'], /unknown --find/],
    [['search', SMALL, 'migration.downtime-limit', '--minimize', 'total-time'], /minimize goes with best/],
  ])('refuses %j in one line, status 2', async (words, message) => {
    const { status, stdout, stderr } = await inProcess(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
