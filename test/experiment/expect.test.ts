import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { type Verdict, checkExpectations } from '../../src/experiment/expect/expect.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { runColumns } from '../../src/report/columns/runs.js';
import { vcpuColumns } from '../../src/report/columns/vcpus.js';
import { GROUP_KEYS, RUN_KEYS } from '../../src/scenario/expectations.js';
import {
  choiceOf,
  madeUpComparison,
  madeUpFailure,
  madeUpResult,
  madeUpScenario,
  madeUpVcpu,
  reader,
} from '../report/made-up.js';

const measures = { run: runColumns, vcpu: vcpuColumns };
const place = { file: 'made-up.yaml', line: 12, column: 3 };
const limit = choiceOf('dirty-limit', 'dirty-limit(vcpu-dirty-limit=1.5)');
const auto = choiceOf('auto-converge');

function check(
  subject: string | null,
  key: string,
  condition: string,
  ofLimit: readonly MigrationResult[],
  ofAuto: readonly MigrationResult[] = [madeUpResult()],
): Verdict {
  const scenario = { ...madeUpScenario, expect: [{ subject, key, condition, place }] };
  const comparison = madeUpComparison(
    [
      [limit, ofLimit],
      [auto, ofAuto],
    ],
    scenario,
  );
  return checkExpectations(comparison, measures)[0]!;
}

function about(key: string, condition: string, ...results: readonly MigrationResult[]): Verdict {
  return check(limit.label, key, condition, results, results);
}

describe('a condition', () => {
  const result = madeUpResult({
    totalTimeMs: 20_000,
    downtimeMs: 300,
    sentBytes: 2 ** 34,
    dirtySyncCount: 5,
  });

  test.each([
    ['converges', 'true', true],
    ['converges', 'false', false],
    ['total-time', '< 60s', true],
    ['total-time', '< 20s', false],
    ['total-time', '<= 20s', true],
    ['total-time', '> 20s', false],
    ['total-time', '>= 20000ms', true],
    ['downtime', '<= 300ms', true],
    ['downtime', '!= 300ms', false],
    ['sent', '<= 16GiB', true],
    ['sent', '< 16GiB', false],
    ['dirty-sync-count', '== 5', true],
    ['dirty-sync-count', '> 5', false],
    ['reader.work-done', '>= 99%', true],
    ['writer.work-done', '>= 99%', false],
    ['status', 'completed', true],
    ['status', '!= completed', false],
  ])('%s: %s', (key, condition, ok) => {
    expect(about(key, condition, result)).toMatchObject({ ok, expected: condition, place });
  });

  test('that does not hold says what came and by how much it missed', () => {
    expect(about('total-time', '< 15s', result)).toMatchObject({ ok: false, got: '20 s', byHowMuch: '5 s' });
    expect(about('writer.work-done', '>= 99%', result)).toMatchObject({ got: '90 %', byHowMuch: '9 points' });
  });

  test('must hold in every run; the worst is shown', () => {
    const runs = [10_000, 70_000, 65_000].map((totalTimeMs) => madeUpResult({ totalTimeMs }));
    expect(about('total-time', '<= 60s', ...runs)).toMatchObject({
      ok: false,
      got: '1 min 10 s in run 2',
      byHowMuch: '10 s',
    });
    expect(about('total-time', '<= 70s', ...runs).ok).toBe(true);
    const mixed = [madeUpResult(), madeUpFailure()];
    expect(about('converges', 'true', ...mixed)).toMatchObject({ ok: false, got: 'false in run 2' });
  });

  test('on a figure that the run does not have does not hold, whichever way it points', () => {
    for (const condition of ['< 1s', '> 0s']) {
      expect(about('downtime', condition, madeUpFailure())).toMatchObject({ ok: false, got: 'no value' });
    }
  });

  test('of a group is about its mean, and for stalls about the longest', () => {
    const vcpus = [0.8, 0.9].map((workDone, id) =>
      madeUpVcpu({ id, workDone, longestStallMs: 100 * (id + 1) }),
    );
    const pair = madeUpResult({ vcpus: [...vcpus, reader] });
    expect(about('writer.work-done', '>= 85%', pair).ok).toBe(true);
    expect(about('writer.work-done', '> 86%', pair).ok).toBe(false);
    expect(about('writer.longest-stall', '< 200ms', pair)).toMatchObject({ ok: false, got: '200 ms' });
  });
});

describe('a relation', () => {
  const key = (text: string): [null, string, string] => [null, text, ''];
  const runs = [1, 2].map((k) => madeUpResult({ totalTimeMs: 10_000 * k }));
  const slower = [1, 2].map((k) => madeUpResult({ totalTimeMs: 15_000 * k }));

  test('compares run by run, as the runs of a number met the same guest', () => {
    const text = `${limit.label}.total-time < auto-converge.total-time`;
    expect(check(...key(text), runs, slower)).toMatchObject({
      ok: true,
      subject: `${limit.label}.total-time`,
    });
    // 20 s against 15 s in run 1 would fail if runs were mixed; 20 s against 30 s in run 2 holds.
    expect(check(...key(text), runs, [slower[1]!, slower[0]!])).toMatchObject({
      ok: false,
      got: '20 s compared with 15 s in run 2',
      byHowMuch: '5 s',
    });
  });

  test('may scale a side', () => {
    expect(
      check(...key(`${limit.label}.total-time <= 0.7 * auto-converge.total-time`), runs, slower).ok,
    ).toBe(true);
    expect(
      check(...key(`${limit.label}.total-time <= 0.6 * auto-converge.total-time`), runs, slower).ok,
    ).toBe(false);
  });

  test('reaches into groups, and past the dots of a label', () => {
    const text = `${limit.label}.reader.work-done > ${limit.label}.writer.work-done`;
    expect(check(...key(text), runs, slower).ok).toBe(true);
  });

  test('of unlike things is refused', () => {
    expect(() => check(...key(`${limit.label}.total-time < auto-converge.sent`), runs, slower)).toThrow(
      /compares ms with bytes/,
    );
  });
});

describe('what cannot be read', () => {
  test.each([
    [limit.label, 'total-tme', '< 60s', /unknown measure "total-tme"; did you mean total-time\?/],
    [limit.label, 'readr.work-done', '> 1%', /unknown vCPU group "readr"; did you mean reader\?/],
    [limit.label, 'reader.wrk-done', '> 1%', /unknown measure "wrk-done"; did you mean work-done\?/],
    ['auto-convrge', 'converges', 'true', /unknown strategy "auto-convrge"; did you mean auto-converge\?/],
    [limit.label, 'total-time', '60s', /cannot read the condition "60s" of total-time; expected ==, </],
    [limit.label, 'total-time', '< 60', /total-time: "60" lacks a unit/],
    [limit.label, 'converges', 'yes', /expected true or false/],
    [limit.label, 'status', '> completed', /has no order/],
    [limit.label, 'dirty-sync-count', '< some', /expected a number/],
    [null, 'dirty-limit beats auto-converge', '', /cannot read the expectation/],
  ])('%s %s %s', (subject, key, condition, message) => {
    const attempt = (): unknown => check(subject, key, condition, [madeUpResult()]);
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(/^made-up\.yaml:12:3: /);
  });
});

test('every key that a scenario may use is a column', () => {
  const readable = (key: string): boolean => {
    try {
      about(key, '', madeUpResult());
    } catch (error) {
      // An empty condition is refused only after the key was understood.
      return (error as Error).message.includes('cannot read the condition');
    }
    return false;
  };
  expect(RUN_KEYS.filter((key) => !readable(key))).toEqual([]);
  expect(GROUP_KEYS.filter((key) => !readable(`writer.${key}`))).toEqual([]);
});
