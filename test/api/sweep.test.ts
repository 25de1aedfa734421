import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  type MigrationResult,
  type SweepOptions,
  type SweepRow,
  UsageError,
  chooseStrategy,
  defineStrategy,
  loadScenario,
  loadStrategy,
  loadSweep,
  mergeShards,
  simulate,
  strategies,
  sweep,
  workDoneOf,
  z,
} from '../../src/index.js';
import { inProcess } from '../cli/migsim.js';
import { GUEST, bytesOf, scratch } from '../experiment/sweeps.js';
import { parseCsv } from '../report/parse-csv.js';

const folder = scratch();
const scenario = loadScenario(GUEST);
const LIMITS = 'migration.downtime-limit=100ms,400ms';
const how = { vary: [LIMITS], runs: 2 };

const idle = defineStrategy({
  name: 'idle',
  summary: 'do nothing',
  source: 'a test',
  rule: 'Nothing is done.',
  options: z.strictObject({}),
  start() {},
});

describe('rows', () => {
  test('go by cell, run and strategy, and say what varied', async () => {
    const { rows, keys, cellCount } = await sweep(scenario, how);
    expect(keys).toEqual(['migration.downtime-limit']);
    expect(cellCount).toBe(2);
    expect(rows.map(({ varied, run, strategy }) => [varied[keys[0]!], run, strategy])).toEqual(
      ['100ms', '400ms'].flatMap((limit) =>
        [1, 2].flatMap((run) => ['none', 'auto-converge'].map((strategy) => [limit, run, strategy])),
      ),
    );
  });

  /** As the file has them: thousandths of a unit, millionths of a share. */
  const near = (value: unknown, digits: number): unknown =>
    typeof value === 'number' ? expect.closeTo(value, digits) : value;

  test('have every scalar of the very run that simulate gives, by its name, and what follows from the rest', async () => {
    const { rows } = await sweep(scenario, how);
    const cell = loadScenario(GUEST, { set: ['migration.downtime-limit=400ms'] });
    for (const name of ['none', 'auto-converge']) {
      const row = rows.find(
        ({ varied, strategy, run }) =>
          varied['migration.downtime-limit'] === '400ms' && strategy === name && run === 2,
      );
      const result = simulate(cell, chooseStrategy(name), { run: 2, memory: 'fluid' });
      const {
        error: _error,
        parameters: _p,
        why,
        vcpus,
        syncs: _s,
        timeline: _t,
        decisions: _d,
        ...scalars
      } = result;
      expect(row).toEqual({
        ...Object.fromEntries(Object.entries(scalars).map(([key, value]) => [key, near(value, 3)])),
        varied: { 'migration.downtime-limit': '400ms' },
        binds: why?.binds ?? null,
        writersWorkDone: near(workDoneOf(result, 'writers'), 6),
        readersWorkDone: near(workDoneOf(result, 'readers'), 6),
        longestStallMs: near(Math.max(...vcpus.map(({ longestStallMs }) => longestStallMs)), 3),
        stallsAtBytes: near(why?.stallsAtBytes ?? null, 3),
        sufficientPauseMs: near(why?.sufficientPauseMs ?? null, 3),
      });
    }
  });

  test('are the same from onRun, with files, and read back from a finished or a torn folder', async () => {
    const { rows } = await sweep(scenario, how);
    const heard: SweepRow[] = [];
    const streamed = await sweep(scenario, { ...how, keep: 'nothing', onRun: (row) => heard.push(row) });
    expect(heard).toEqual(rows);
    expect([streamed.rows, streamed.cells, streamed.rowCount]).toEqual([[], [], rows.length]);
    const out = folder('written');
    const first = await sweep(scenario, { ...how, out });
    const second = await sweep(scenario, { ...how, out });
    expect([first.rows, second.rows]).toEqual([rows, rows]);
    expect([first.finishedBefore, second.finishedBefore, second.resumedRows]).toEqual([
      false,
      true,
      rows.length,
    ]);
    expect(second.cells).toEqual(first.cells);
    const whole = readFileSync(join(out, 'runs.csv'), 'utf8');
    // In the middle of the second cell: the first is kept.
    const lines = whole.split('\n');
    const known = `${lines.slice(0, 5).join('\n')}\n`;
    const sum = createHash('sha256').update(known).digest('hex');
    writeFileSync(join(out, 'runs.sha256.part'), `${Buffer.byteLength(known)} ${sum}\n`);
    writeFileSync(join(out, 'runs.csv.part'), `${lines.slice(0, 6).join('\n')}\n${lines[6]!.slice(0, 9)}`);
    rmSync(join(out, 'runs.csv'));
    const third = await sweep(scenario, { ...how, out });
    expect([third.rows, third.resumedRows]).toEqual([rows, 4]);
    expect(readFileSync(join(out, 'runs.csv'), 'utf8')).toBe(whole);
  });

  test('count up to the runs that there are at most', async () => {
    const seen: (readonly [number, number])[] = [];
    await sweep(scenario, { ...how, onProgress: (done, of) => seen.push([done, of]) });
    expect(seen[0]).toEqual([0, 8]);
    expect(seen.at(-1)).toEqual([8, 8]);
  });
});

describe('the command line does the same', () => {
  test('to the last byte of the results', async () => {
    const out = folder('program');
    await sweep(scenario, { ...how, out, strategies: [chooseStrategy('auto-converge')] });
    const words = ['sweep', GUEST, '--vary', LIMITS, '--runs', '2', '--strategy', 'auto-converge:{}'];
    const { status } = await inProcess([...words, '--out', folder('command')]);
    expect(status).toBe(0);
    const [program, command] = [bytesOf(out), bytesOf(folder('command'))];
    for (const name of ['runs.csv', 'summary.csv', 'differences.csv'])
      expect(program[name]).toBe(command[name]);
  });

  test('with the command that the manifest of a program has', async () => {
    const out = folder('repeated');
    const { manifest } = await sweep(loadScenario(GUEST, { set: ['link.bandwidth=2Gbit/s'] }), {
      vary: [
        { 'migration.downtime-limit': ['100ms', '400ms'], 'migration.max-bandwidth': ['1GiB/s', '2GiB/s'] },
      ],
      strategies: [chooseStrategy('auto-converge', { 'cpu-throttle-initial': 40 })],
      seed: 7,
      precision: 0.02,
      runs: 6,
      out,
    });
    expect((await inProcess([...manifest.command, '--out', folder('by command')])).status).toBe(0);
    expect(bytesOf(folder('by command'))['runs.csv']).toBe(bytesOf(out)['runs.csv']);
  });
});

describe('cells', () => {
  test('have the rows of summary.csv and differences.csv', async () => {
    const out = folder('cells');
    const { cells } = await sweep(scenario, { ...how, out });
    const [, ...summary] = parseCsv(readFileSync(join(out, 'summary.csv'), 'utf8'));
    const [, ...differences] = parseCsv(readFileSync(join(out, 'differences.csv'), 'utf8'));
    const texts = (part: 'summary' | 'differences'): string[][] =>
      cells.flatMap((cell) =>
        cell[part].map((row) =>
          [...Object.values(cell.varied), ...Object.values(row)].map((value) => String(value ?? '')),
        ),
      );
    expect(texts('summary')).toEqual(summary);
    expect(texts('differences')).toEqual(differences);
  });
});

describe('strategies', () => {
  test('that the scenario lists may have options that vary', async () => {
    const [, listed] = scenario.strategies;
    const { rows } = await sweep(scenario, {
      vary: ['strategies.auto-converge.cpu-throttle-initial=20,40'],
      strategies: [listed!],
    });
    expect(rows.map(({ strategy }) => strategy)).toEqual([
      'auto-converge',
      'auto-converge(cpu-throttle-initial=40)',
    ]);
  });

  test('of a program run like all others, in this process', async () => {
    const { rows } = await sweep(scenario, {
      vary: [LIMITS],
      strategies: [chooseStrategy(strategies.none), chooseStrategy(idle)],
    });
    // Both do nothing: on the same guest, all but the name is the same.
    const [none, mine] = rows;
    expect(mine).toEqual({ ...none, strategy: 'idle' });
  });

  test.each([{ workers: 2 }, { out: folder('made') }])(
    'of a program are refused where they would have to be repeated: %j',
    async (more) => {
      await expect(sweep(scenario, { ...how, strategies: [chooseStrategy(idle)], ...more })).rejects.toThrow(
        "idle: made by this program, which no thread and no file can repeat; expected one from a file, such as await loadStrategy('./mine.js'), or neither workers nor out",
      );
    },
  );

  test('of a file are kept in the manifest', async () => {
    const file = folder('mine.js');
    writeFileSync(
      file,
      `export default { name: 'mine', summary: '', source: '', rule: '', start() {},
       options: { safeParse: (data) => ({ success: true, data }) } };`,
    );
    const { manifest, rows } = await sweep(scenario, { ...how, strategies: [await loadStrategy(file)] });
    expect(rows[0]!.strategy).toBe('mine');
    expect(manifest.sweep.files).toEqual([
      { path: file, text: readFileSync(file, 'utf8'), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
  });
});

describe('a sweep file', () => {
  test('is a scenario and options, which others replace', async () => {
    const { scenario: named, ...options } = await loadSweep('sweeps/dirty-limit-quota.yaml');
    expect(named.name).toBe('readers-and-writers');
    const { manifest } = await sweep(named, { ...options, runs: 1, precision: 0.5, vary: [LIMITS] });
    expect(manifest.sweep).toMatchObject({ question: options.question, runs: 1 });
    expect(manifest.sweep.vary.map(({ text }) => text)).toEqual([LIMITS]);
  });

  test('is told from a scenario', async () => {
    await expect(loadSweep(GUEST)).rejects.toThrow(
      `${GUEST}: this is a scenario; expected a sweep, with scenario: and vary:`,
    );
  });
});

test('shards are put together to the bytes of the whole', async () => {
  const shards = [0, 1].map((index) => ({ index, count: 2 }));
  for (const shard of shards) {
    const part = await sweep(scenario, { ...how, shard, out: folder(`part ${shard.index}`) });
    expect([part.rows.length, part.cells]).toEqual([4, []]);
  }
  const { rows: _rows, ...whole } = await sweep(scenario, { ...how, out: folder('whole') });
  const merged = await mergeShards(
    shards.map(({ index }) => folder(`part ${index}`)),
    { out: folder('merged') },
  );
  expect(merged).toMatchObject({ rowCount: whole.rowCount, cellCount: 2, keys: whole.keys });
  expect(bytesOf(folder('merged'))).toEqual(bytesOf(folder('whole')));
});

describe('mistakes are told before anything runs', () => {
  const changed = { ...scenario, setup: { ...scenario.setup, name: 'other' } };
  test.each<readonly [string, Partial<SweepOptions>, string]>([
    ['no runs', { runs: 0 }, 'runs: expected a whole number from 1 to 100000, got 0'],
    ['half a seed', { seed: 0.5 }, 'seed: expected a whole number from 0 to 4294967295, got 0.5'],
    [
      'a percentage',
      { precision: 2 },
      'precision: expected a share above 0 and below 1, such as 0.02, got 2',
    ],
    ['no axis', { vary: [] }, 'nothing varies; expected values such as link.bandwidth=1Gbit/s,10Gbit/s'],
    [
      'an axis',
      { vary: [{ 'link.bandwidth': [] }] },
      'vary link.bandwidth: []: no values; expected at least one',
    ],
    [
      'a value',
      { vary: ['link.bandwidth=1Gbit/s,2'] },
      '--vary link.bandwidth=1Gbit/s,2: at link.bandwidth=2: ',
    ],
    ['a shard', { shard: { index: 0, count: 2 } }, 'a shard is written to a folder of its own: set out'],
    ['parquet', { format: 'parquet' }, 'parquet is written to a folder: set out'],
  ])('%s', async (_, options, said) => {
    const failed = await sweep(scenario, { vary: [LIMITS], ...options }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(UsageError);
    expect((failed as Error).message).toContain(said);
    expect((failed as Error).message).not.toContain('\n');
  });

  test('a scenario that was changed', async () => {
    await expect(sweep(changed, how)).rejects.toThrow(
      'small was changed after it was loaded, and a sweep reads its text; expected the change in set or vary',
    );
  });
});

/** Checked by the compiler: keys are known where the axes are. */
test('rows are typed by what varies', async () => {
  const { rows } = await sweep(scenario, {
    vary: ['link.bandwidth+migration.max-bandwidth=1Gbit/s+1GiB/s', { 'guest.memory': ['1GiB'] }],
    strategies: [chooseStrategy('none')],
  });
  const row: SweepRow<'link.bandwidth' | 'migration.max-bandwidth' | 'guest.memory'> = rows[0]!;
  expect(row.varied['guest.memory']).toBe('1GiB');
  const time: MigrationResult['totalTimeMs'] = row.totalTimeMs;
  expect(time).toBeGreaterThan(0);
});
