import { describe, expect, test } from '@jest/globals';
import { resultTables } from '../../src/report/columns.js';
import { keyColumns } from '../../src/report/columns/runs.js';
import { MOST_VCPU_TIMELINE_ROWS } from '../../src/report/columns/vcpu-timeline.js';
import { madeUpPoint, madeUpResult, madeUpSync } from './made-up.js';

/** How the name of a column with this unit must end; units that are not named here are plain. */
const UNIT_SUFFIXES: Readonly<Record<string, string>> = {
  ms: '_ms',
  us: '_us',
  bytes: '_bytes',
  'bytes/s': '_bytes_per_s',
  pages: '_pages',
  'pages/s': '_pages_per_s',
  percent: '_percent',
  share: '_share',
};

describe.each(resultTables.map((table) => [table.name, table] as const))('%s', (_name, table) => {
  test('opens with the columns that say which run a row is of', () => {
    const names = table.columns.map((column) => column.name);
    expect(names.slice(0, keyColumns.length)).toEqual([
      'scenario',
      'strategy',
      'policy',
      'memory',
      'qemu',
      'seed',
      'run',
    ]);
  });

  test('no two columns share a name, since a reader takes them by it', () => {
    const names = table.columns.map((column) => column.name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('every name is plain snake case and ends with its unit', () => {
    for (const column of table.columns) {
      expect(column.name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      const suffix = UNIT_SUFFIXES[column.unit] ?? '';
      expect([column.name, column.name.endsWith(suffix)]).toEqual([column.name, true]);
    }
  });

  test('every column says what it means, in one line without a full stop', () => {
    for (const column of table.columns) expect(column.meaning).toMatch(/^[^\n]{8,}[^.\n]$/);
  });

  test('a row has a value for each column', () => {
    const result = madeUpResult({ syncs: [madeUpSync()], timeline: [madeUpPoint()] });
    const rows = table.rowsOf(result);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toHaveLength(table.columns.length);
  });
});

describe('what a column computes', () => {
  const valueOf = (table: string, column: string, result = madeUpResult()): unknown => {
    const found = resultTables.find(({ name }) => name === table)!;
    const index = found.columns.findIndex(({ name }) => name === column);
    return found.rowsOf(result).map((row) => row[index]);
  };

  test('a vCPU is limited by a throttle or by a sleep, and by both only once', () => {
    const sync = madeUpSync({ vcpuSleepUs: [5, 0, 5, 0], vcpuThrottlePercent: [20, 20, 0, 0] });
    expect(valueOf('syncs', 'limited_vcpus', madeUpResult({ syncs: [sync] }))).toEqual([3]);
  });

  test('work of writers and of readers is told apart by who writes, not by the name of the group', () => {
    const timeline = [madeUpPoint({ vcpuWorkShare: [0.25, 0.75] })];
    const result = madeUpResult({ timeline });
    expect(valueOf('timeline', 'writers_work_share', result)).toEqual([0.25]);
    expect(valueOf('timeline', 'readers_work_share', result)).toEqual([0.75]);
    expect(valueOf('timeline', 'work_share', result)).toEqual([0.5]);
    expect(valueOf('timeline', 'lowest_work_share', result)).toEqual([0.25]);
  });

  test('a vCPU over time: every sample of the first run, and no other run', () => {
    const timeline = [
      madeUpPoint({
        timeMs: 100,
        vcpuWorkShare: [0.25, 1],
        vcpuThrottlePercent: [20, 0],
        vcpuSleepUs: [0, 0],
      }),
      madeUpPoint({
        timeMs: 200,
        vcpuWorkShare: [0.5, 1],
        vcpuThrottlePercent: [0, 0],
        vcpuSleepUs: [70, 0],
      }),
    ];
    const of = (column: string): unknown => valueOf('vcpu-timeline', column, madeUpResult({ timeline }));
    expect(of('time_ms')).toEqual([100, 100, 200, 200]);
    expect(of('vcpu')).toEqual([0, 1, 0, 1]);
    expect(of('writer')).toEqual([true, false, true, false]);
    expect(of('work_share')).toEqual([0.25, 1, 0.5, 1]);
    expect(of('throttle_percent')).toEqual([20, 0, 0, 0]);
    expect(of('ring_full_sleep_us')).toEqual([0, 0, 70, 0]);
    expect(valueOf('vcpu-timeline', 'vcpu', madeUpResult({ timeline, run: 2 }))).toEqual([]);
  });

  // 25,000 samples of two vCPUs are 50,000 values for 20,000 rows, so that a row takes three. The work of all rows together
  // is that of all samples: the last row is of one sample and weighs a third.
  test('a vCPU over time: a row covers as many samples as it must for the file to stay small', () => {
    const samples = 25_000;
    const timeline = Array.from({ length: samples }, (_, index) =>
      madeUpPoint({ timeMs: 100 * (index + 1), vcpuWorkShare: [index % 2, 1] }),
    );
    const result = madeUpResult({ timeline });
    const times = valueOf('vcpu-timeline', 'time_ms', result) as number[];
    const shares = valueOf('vcpu-timeline', 'work_share', result) as number[];
    expect(times.length).toBeLessThanOrEqual(MOST_VCPU_TIMELINE_ROWS);
    expect(times.slice(0, 4)).toEqual([300, 300, 600, 600]);
    expect(times.at(-1)).toBe(100 * samples);
    const writer = shares.filter((_, index) => index % 2 === 0);
    const ends = times.filter((_, index) => index % 2 === 0);
    const work = writer.reduce(
      (sum, share, index) => sum + share * (ends[index]! - (ends[index - 1] ?? 0)),
      0,
    );
    expect(work / (100 * samples)).toBeCloseTo(0.5, 5);
  });

  test('a guest without readers has no work of readers', () => {
    const { vcpus } = madeUpResult();
    expect(valueOf('runs', 'readers_work_done_share', madeUpResult({ vcpus: vcpus.slice(0, 1) }))).toEqual([
      null,
    ]);
  });

  test('what the last bits of a sum would show is cut: times to a microsecond, shares to a millionth', () => {
    const result = madeUpResult({ totalTimeMs: 0.1 + 0.2, setupTimeMs: 8.4e-12 });
    expect(valueOf('runs', 'total_time_ms', result)).toEqual([0.3]);
    expect(valueOf('runs', 'setup_time_ms', result)).toEqual([0]);
  });
});
