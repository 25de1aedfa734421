import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { outcomeChanges } from '../../src/experiment/outcomes.js';
import { changedParameters, parametersOf } from '../../src/experiment/parameters.js';
import { outcomeColumns, outcomeCsv, readOutcomes } from '../../src/report/files/outcome-csv.js';
import { valueText } from '../../src/report/terminal/change-text.js';
import { loadScenario } from '../../src/scenario/load.js';
import { madeUpFailure, madeUpResult } from '../report/made-up.js';
import { SMALL, inProcess } from './migsim.js';

const root = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'migsim-baseline-'));
const SAVED = ['results/baselines/mine.csv', 'results/baselines/mine.json'] as const;

beforeAll(() => {
  mkdirSync(join(folder, 'scenarios'));
  cpSync(SMALL, join(folder, 'scenarios/small.yaml'));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(root);
  rmSync(folder, { recursive: true });
});

/** Puts `to` in the place of `from` in the scenario, while `during` runs. */
async function changed<T>(from: string | RegExp, to: string, during: () => Promise<T>): Promise<T> {
  const text = readFileSync('scenarios/small.yaml', 'utf8');
  writeFileSync('scenarios/small.yaml', text.replace(from, to));
  try {
    return await during();
  } finally {
    writeFileSync('scenarios/small.yaml', text);
  }
}

const diff = (...words: string[]): ReturnType<typeof inProcess> =>
  inProcess(['baseline', 'diff', 'mine', ...words]);

describe('a baseline', () => {
  beforeAll(async () => {
    const { status, stdout, stderr } = await inProcess(['baseline', 'save', 'mine', '--memory', 'fluid']);
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: `Written: ${SAVED.join(', ')}\n`,
      stderr: '',
    });
  });

  test('is a row a run, in the order of names, and the same bytes again', async () => {
    const saved = SAVED.map((path) => readFileSync(path, 'utf8'));
    expect(readOutcomes(saved[0]!, 'outcomes.csv').map(({ strategy }) => strategy)).toEqual([
      'auto-converge',
      'none',
    ]);
    await inProcess(['baseline', 'save', 'mine', '--memory', 'fluid']);
    expect(SAVED.map((path) => readFileSync(path, 'utf8'))).toEqual(saved);
  });

  test('does not differ from itself, not even without tolerance', async () => {
    const { status, stdout } = await diff('--tolerance', '0%');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '1 scenario: nothing changed\n' });
  });

  test('says which outcome changed, by how much, and since which parameter; status 1', async () => {
    const { status, stdout, stderr } = await changed('downtime-limit: 200ms', 'downtime-limit: 400ms', () =>
      diff(),
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'migsim: mine has changed\n' });
    // Twice as much may be left for the pause: it ends earlier, with a longer pause.
    const text = stdout.replace(/\n +/g, ' ');
    expect(text).toMatch(/small auto-converge: total time fell from [\d.]+ s to [\d.]+ s \(-[\d.]+ %\)/);
    expect(text).toMatch(/; downtime \(QEMU\) rose from \d+ ms to \d+ ms \(\+[\d.]+ %\)/);
    expect(stdout).toContain('  parameters that differ:\n    migration.downtime-limit: 200 ms, now 400 ms\n');
    expect(stdout).toMatch(/1 scenario: \d strateg(y has|ies have) another outcome, in 1 scenario\n$/);
  });

  test('shows a parameter that changed without consequence, and is content', async () => {
    // Nothing fails in post-copy where there is none.
    const { status, stdout } = await changed(
      'give-up-after: 60s',
      'give-up-after: 60s, postcopy-recover: false',
      () => diff(),
    );
    expect(status).toBe(0);
    expect(stdout).toContain('outcomes are the same\n');
    expect(stdout).toContain('migration.postcopy-recover: true, now false');
  });

  test('forgives as much as it is told, of all measures or of one', async () => {
    const longer = (...words: string[]): ReturnType<typeof diff> =>
      changed('give-up-after: 60s', 'give-up-after: 63s', () => diff(...words));
    // none is given up 3 s, 5 %, later, and has sent 5 % more, in 4 syncs more than 61.
    expect((await longer()).status).toBe(1);
    expect((await longer('--tolerance', '8%')).status).toBe(0);
    const one = await longer('--tolerance', 'total-time=6%');
    expect(one.stdout).not.toContain('total time rose');
    expect(one.stdout).toContain('data sent rose');
  });

  test('knows strategies that are new and that are gone', async () => {
    const { status, stdout } = await changed('[none, auto-converge]', '[none, stop-and-copy]', () => diff());
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ {2}stop-and-copy: is new$/m);
    expect(stdout).toMatch(/^ {2}auto-converge: is gone$/m);
    expect(stdout).not.toContain('parameters');
  });

  test('follows a strategy whose options changed, and says which', async () => {
    const options = '{ auto-converge: { cpu-throttle-initial: 60 } }';
    const { status, stdout } = await changed('[none, auto-converge]', `[none, ${options}]`, () => diff());
    expect(status).toBe(1);
    const label = String.raw`auto-converge\(cpu-throttle-initial=60\)`;
    expect(stdout).toMatch(new RegExp(`^  ${label}: total time fell from`, 'm'));
    expect(stdout).toMatch(new RegExp(`^    strategies\\.${label}\\.cpu-throttle-initial: 20, now 60$`, 'm'));
    expect(stdout).not.toMatch(/is new|is gone/);
    expect(stdout).toMatch(/\n1 scenario: 1 strategy has another outcome, in 1 scenario\n$/);
  });

  test('takes two of a name for new and gone: which of them changed nobody knows', async () => {
    const two =
      '{ auto-converge: { cpu-throttle-initial: 60 } }, { auto-converge: { cpu-throttle-initial: 70 } }';
    const { stdout } = await changed('[none, auto-converge]', `[none, ${two}]`, () => diff());
    expect(stdout).toMatch(/^ {2}auto-converge: is gone$/m);
    expect(stdout).toMatch(/^ {2}auto-converge\(cpu-throttle-initial=70\): is new$/m);
  });

  test('knows scenarios that are gone', async () => {
    const json = JSON.parse(readFileSync(SAVED[1], 'utf8'));
    json.scenarios[0].file = 'scenarios/gone.yaml';
    writeFileSync('results/baselines/lost.json', JSON.stringify(json));
    cpSync(SAVED[0], 'results/baselines/lost.csv');
    const { status, stdout } = await inProcess(['baseline', 'diff', 'lost']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^small\n {2}auto-converge: is gone\n {2}none: is gone\n/);
  });

  test.each([
    [['diff', 'min'], /unknown baseline "min"; did you mean mine\?/],
    [['difff', 'mine'], /unknown action "difff"; did you mean diff\?/],
    [['save'], /baseline lacks its name: migsim baseline <action> <name> \[files\.\.\]/],
    [['save', '../mine'], /"\.\.\/mine" is not a valid name/],
    [['save', 'mine', '--tolerance', '1%'], /--tolerance belongs to baseline diff/],
    [['diff', 'mine', '--runs', '2'], /--runs belongs to baseline save/],
    [['diff', 'mine', '--tolerance', '2'], /--tolerance: "2" lacks a unit/],
    [
      ['diff', 'mine', '--tolerance', 'total-tme=2%'],
      /unknown measure "total-tme"; did you mean total-time\?/,
    ],
    [
      ['save', 'mine', 'scenarios', 'scenarios/small.yaml'],
      /is called small like .*expected names that differ/,
    ],
  ])('migsim baseline %j is a mistake', async (words, message) => {
    const { status, stderr, stdout } = await inProcess(['baseline', ...words]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('outcomes', () => {
  test('survive their CSV, to six digits', () => {
    const results = [madeUpResult({ totalTimeMs: 12_345.678 }), madeUpFailure({ strategy: 'a,"b"' })];
    const [first, second] = readOutcomes(outcomeCsv(results), 'outcomes.csv');
    expect(first).toMatchObject({ scenario: 'made-up', strategy: 'none', run: 1 });
    expect(first!.values).toMatchObject({ converged: true, total_time_ms: 12_345.7, binds: null });
    expect(second).toMatchObject({ strategy: 'a,"b"', values: { converged: false, downtime_ms: null } });
  });

  test('are alike within the share or the floor of their unit, whichever is more', () => {
    const at = (totalTimeMs: number): ReturnType<typeof readOutcomes> =>
      readOutcomes(outcomeCsv([madeUpResult({ totalTimeMs })]), 'outcomes.csv');
    const differ = (before: number, after: number, share: number): boolean =>
      outcomeChanges(at(before), at(after), outcomeColumns, { '': share }).length > 0;
    expect(differ(10_000, 10_100, 0.01)).toBe(false);
    expect(differ(10_000, 10_101, 0.01)).toBe(true);
    expect(differ(10, 11, 0.01)).toBe(false); // 1 ms
    expect(differ(10, 10.5, 0)).toBe(true);
  });

  test('are told in words', () => {
    const of = (name: string) => outcomeColumns.find((column) => column.name === name)!;
    const text = (name: string, before: never, after: never): string =>
      valueText({ measure: of(name), before, after });
    expect(text('total_time_ms', 20_000 as never, 25_000 as never)).toBe(
      'total time rose from 20 s to 25 s (+25 %)',
    );
    expect(text('converged', true as never, false as never)).toBe('no longer converges');
    expect(text('downtime_ms', null as never, 300 as never)).toBe('downtime (QEMU) is 300 ms, was nothing');
    expect(text('readers_work_done_share', 0.99 as never, 0.9 as never)).toBe(
      'work by readers fell from 99 % to 90 %',
    );
    expect(text('status', 'completed' as never, 'gave-up' as never)).toBe('status is gave-up, was completed');
    expect(text('total_time_ms', 20_000 as never, 20_001 as never)).toContain('from 20000 ms to 20001 ms');
  });
});

test('parameters are those of the scenario with its defaults, one entry a kind of vCPU', () => {
  const load = (...set: string[]): ReturnType<typeof parametersOf> =>
    parametersOf(loadScenario(join(root, 'scenarios/readers-and-writers.yaml'), { set }));
  const plain = load();
  expect(plain).toMatchObject({ 'guest.vcpus.reader.count': 6, 'migration.clearBitmapShift': 18 });
  expect(changedParameters(plain, load('guest.vcpus.reader.count=5'))).toEqual([
    { name: 'guest.vcpus.reader.count', before: 6, after: 5 },
  ]);
  expect(changedParameters(plain, load())).toEqual([]);
});

test('results/baselines/shipped is what the shipped scenarios come to', async () => {
  process.chdir(root);
  try {
    const { status, stdout } = await inProcess(['baseline', 'diff', 'shipped']);
    // When a rule has changed on purpose: migsim baseline save shipped.
    expect(stdout).toMatch(/^\d+ scenarios: nothing changed\n$/);
    expect(status).toBe(0);
    expect(readdirSync('results/baselines')).toEqual(expect.arrayContaining(['shipped.csv', 'shipped.json']));
  } finally {
    process.chdir(folder);
  }
});
