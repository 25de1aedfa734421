import { describe, expect, test } from '@jest/globals';
import { runReport } from '../../src/report/terminal/run-text.js';
import {
  madeUpFailure,
  madeUpPolicy,
  madeUpPoint,
  madeUpResult,
  madeUpScenario,
  madeUpSync,
  madeUpVcpu,
  reader,
} from './made-up.js';

const how = { memory: 'page', seed: 7, policy: madeUpPolicy } as const;

const timeline = Array.from({ length: 300 }, (_, index) =>
  madeUpPoint({ timeMs: 100 * index, remainingBytes: 2 ** 34 - index * 2 ** 25, throttlePercent: index / 4 }),
);
const syncs = Array.from({ length: 120 }, (_, index) =>
  madeUpSync({
    n: index + 1,
    cause: index === 119 ? 'switchover' : 'natural',
    timeMs: 1_000_000 + index,
    detector: 'act',
    vcpuSleepUs: [990_000, 0],
    remainingBytes: 1.234 * 2 ** 30,
    newDirtyPages: 323_456,
    bandwidthBytesPerSecond: 1012.3 * 2 ** 20,
  }),
);

describe('the report of a run', () => {
  test('fits 80 columns, however long the run', () => {
    const result = madeUpResult({
      timeline,
      syncs,
      firstThrottleMs: 3000,
      maxThrottlePercent: 99,
      maxRingFullSleepUs: 1e6,
      postcopyTimeMs: 123_456,
      postcopyRequests: 4_000_000,
      vcpus: [madeUpVcpu({ group: 'background-writer', postcopyBlockedMs: 65_000 }), reader],
    });
    for (const line of runReport(madeUpScenario, result, how, false).split('\n')) {
      expect([line, line.length <= 80]).toEqual([line, true]);
    }
  });

  test('of a run of six hours, sampled each 100 ms, is written', () => {
    const long = Array.from({ length: 216_000 }, (_, index) =>
      madeUpPoint({ timeMs: 100 * index, remainingBytes: 2 ** 30 }),
    );
    expect(runReport(madeUpScenario, madeUpResult({ timeline: long }), how, false)).toContain('6 h');
  });

  test('of many syncs shows the first and the last', () => {
    const lines = runReport(madeUpScenario, madeUpResult({ syncs }), how, false).split('\n');
    const numbers = lines
      .map((line) => /^ *(\d+|\.\.\.)(?: {2,}|$)/.exec(line)?.[1])
      .filter((found) => found !== undefined);
    expect(numbers).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, '...', 113, 114, 115, 116, 117, 118, 119, 120].map(String),
    );
  });

  test('decisions appear only when asked for, each with its rule', () => {
    const decisions = [{ timeMs: 1234.5, rule: 'mig_throttle_guest_down', text: 'throttle 0 -> 20 %' }];
    const result = madeUpResult({ decisions });
    expect(runReport(madeUpScenario, result, how, false)).not.toContain('mig_throttle_guest_down');
    expect(runReport(madeUpScenario, result, how, true)).toMatch(
      /1\.234 s {2}throttle 0 -> 20 % +mig_throttle_guest_down$/,
    );
  });

  test('of a run that gave up says so, and why', () => {
    const report = runReport(madeUpScenario, madeUpFailure(), how, false);
    expect(report).toContain('none: gave up after 10 min');
    expect(report).toMatch(/^why +nothing restrains the guest$/m);
    expect(report).not.toMatch(/^downtime/m);
  });

  test('draws no curve of what never happened', () => {
    const quiet = timeline.map((point) => ({ ...point, throttlePercent: 0 }));
    expect(runReport(madeUpScenario, madeUpResult({ timeline: quiet }), how, false)).not.toMatch(
      /^throttle/m,
    );
    expect(runReport(madeUpScenario, madeUpResult({ timeline }), how, false)).toMatch(/^throttle/m);
  });

  test('lists the losses that there were, and no column of zeros', () => {
    const vcpu = madeUpVcpu({ throttledMs: 0, postcopyBlockedMs: 12 });
    const report = runReport(madeUpScenario, madeUpResult({ vcpus: [vcpu] }), how, false);
    const [head = ''] = report.split('\n').filter((line) => line.startsWith('group'));
    expect(report).not.toContain('throttle');
    expect(head.trim().split(/ {2,}/)).toEqual([
      'group',
      'vCPUs',
      'work',
      'longest',
      'faults',
      'ring',
      'post-',
      'blackout',
    ]);
    expect(report).toContain('From faults on: time lost, mean of the group.');
  });

  test('of a cancelled run says who ended it and what kept it from converging', () => {
    const result = madeUpFailure({ status: 'cancelled', error: 'not done after 5 min' });
    expect(runReport(madeUpScenario, result, how, false)).toMatch(
      /^why +not done after 5 min; nothing restrains the guest$/m,
    );
  });
});
