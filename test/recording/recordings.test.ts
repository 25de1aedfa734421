import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { hostProfiles } from '../../src/guest/host-profiles/index.js';
import { guestOf } from '../../src/recording/validate/guest-of.js';
import { OUTCOME_NAMES, type Spread, type Verdict } from '../../src/recording/validate/outcome.js';
import { predictionOf } from '../../src/recording/validate/predict.js';
import { validationJson, validationRows } from '../../src/recording/validate/records.js';
import { summarise, type ValidatedRecording } from '../../src/recording/validate/summary.js';
import { readRecording } from '../../src/recording/recording.js';
import type { Recording } from '../../src/recording/recording-file.js';
import {
  readRecordings,
  validateRecording,
  validateRecordings,
} from '../../src/recording/validate/validate.js';

const FILE = path.join(import.meta.dirname, 'fixtures', 'recording.json');
const TEXT = readFileSync(FILE, 'utf8');
const SHIPPED = path.resolve(import.meta.dirname, '../../recordings');

const small = (): Recording => readRecording(TEXT, 'S01.json');

/** Whatever JSON holds: changes reach anywhere into it. */
type Loose = ReturnType<typeof JSON.parse>;

/** The small recording with something changed inside. */
function changed(change: (recording: Loose) => void): string {
  const recording = JSON.parse(TEXT);
  change(recording);
  return JSON.stringify(recording);
}

describe('a recording', () => {
  test('is read as it is', () => {
    const recording = small();
    expect(recording.guest.vcpus[0]!.pagesPerSecond).toBe(100_000);
    expect(recording.syncs[1]!.vcpuPages).toEqual([240_000, 38_400]);
  });

  const mistakes: [string, string, string][] = [
    ['an empty file', '', 'S01.json: the file is empty; expected a migsim-recording/1 file'],
    ['a file that ends too early', TEXT.slice(0, 900), 'the JSON ends in the middle: is the file truncated?'],
    [
      'another format',
      '{"format": "guestperf"}',
      'S01.json: not a recording: expected "format": "migsim-recording/1", found "guestperf"',
    ],
    [
      'another version',
      '{"format": "migsim-recording/2"}',
      'S01.json: the format is migsim-recording/2; this version reads migsim-recording/1',
    ],
    ['an array', '[]', 'S01.json: expected one JSON object'],
    ['a missing field', changed((r) => delete r.migration.before), 'S01.json: migration.before: '],
    [
      'a wrong type',
      changed((r) => (r.guest.vcpus[1].pattern = 'zipf')),
      'S01.json: guest.vcpus[1].pattern: ',
    ],
    ['a negative count', changed((r) => (r.syncs[0].transferred = -1)), 'S01.json: syncs[0].transferred: '],
    [
      'a ring of 3000',
      changed((r) => (r.environment.dirtyRingSize = 3000)),
      'environment.dirtyRingSize: 3000 is neither 0 nor a power of two',
    ],
    [
      'RAM in MiB',
      changed((r) => (r.guest.ramTotalBytes = 144)),
      'guest.ramTotalBytes: 144 bytes cannot hold',
    ],
    [
      'a working set outside',
      changed((r) => (r.guest.vcpus[1].workingSetMiB = 100)),
      'guest.vcpus[1]: its working set ends beyond',
    ],
    [
      'remaining above RAM',
      changed((r) => (r.syncs[1].remaining = 1e12)),
      "syncs[1].remaining: 1000000000000 is more than the guest's memory",
    ],
    ['syncs out of order', changed((r) => r.syncs.reverse()), 'syncs[1].t: goes back from 2.4 to 0.05 s'],
    [
      'a counter that falls',
      changed((r) => (r.syncs[1].vcpuPages[1] = 3)),
      'syncs[1].vcpuPages[1]: goes back to 3',
    ],
    ['samples out of order', changed((r) => r.samples.rows.reverse()), 'samples.rows[1]: out of order'],
    ['a row too short', changed((r) => r.samples.rows[1].pop()), 'samples.rows[1]: 5 numbers for 6 columns'],
    [
      'other columns',
      changed((r) => (r.samples.columns[1] = 'sent')),
      'samples.columns: expected t, transferred',
    ],
    [
      'bytes that cannot carry the pages',
      changed((r) => (r.result.transferredBytes = 250)),
      'result.transferredBytes: 250 bytes cannot carry 60000 pages',
    ],
    [
      'completed without a time',
      changed((r) => (r.result.status = 'completed')),
      'result.totalTimeMs: missing, but the migration completed',
    ],
  ];
  test.each(mistakes)('%s is refused with its place', (_, text, message) => {
    const refused = (): unknown => readRecording(text, 'S01.json');
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(message);
  });
});

describe('what it becomes', () => {
  test('a guest with each loop where it ran, and the zero pages that were counted', () => {
    const guest = guestOf(small());
    expect(guest.ramPages).toBe(128 * 256);
    expect(guest.ramPages + guest.hiddenPages).toBe(151_855_104 / 4096);
    expect(guest.zeroExtents.reduce((sum, { pages }) => sum + pages, 0)).toBe(8500);
    const [writer, reader] = guest.vcpus;
    expect(writer!.classes[0]).toMatchObject({
      firstPage: 16 * 256,
      pages: 40 * 256,
      pattern: 'sequential',
      writesPerSecond: 100_000,
    });
    expect(reader!.classes[0]).toMatchObject({
      firstPage: 56 * 256,
      writesPerSecond: 0,
      readsPerSecond: 18_000,
    });
    // Every 64th access is counted in one page that all share.
    expect(reader!.classes[1]).toMatchObject({
      firstPage: writer!.classes[1]!.firstPage,
      pages: 1,
      writesPerSecond: 281.25,
    });
  });

  test('zero pages lie outside every class', () => {
    for (const file of readRecordings([SHIPPED])) {
      const guest = guestOf(file);
      for (const { firstPage, pages } of guest.vcpus.flatMap(({ classes }) => classes)) {
        for (const zero of guest.zeroExtents) {
          expect(firstPage + pages <= zero.firstPage || zero.firstPage + zero.pages <= firstPage).toBe(true);
        }
      }
    }
  });

  test('a loop without a pace is always busy, a paced one as long as its accesses take', () => {
    const [writer, reader] = guestOf(small()).vcpus;
    expect(writer!.busy).toBe(1);
    expect(reader!.busy).toBeCloseTo(0.144, 6); // 18,000 accesses of 8 us a second
  });

  test('a paced loop that was disturbed while it was measured has the speed of its pace', () => {
    const disturbed = changed((r) => (r.guest.vcpus[1].pagesPerSecond = 9000));
    const [, reader] = guestOf(readRecording(disturbed, 'S01.json')).vcpus;
    expect(reader!.classes[0]!.readsPerSecond).toBeCloseTo(1e6 / 54.5, 6); // 50 us and 4.5 us more
  });

  test('each run meets a host that has drifted its own way, the same seed always the same', () => {
    const rate = (run: number): number =>
      predictionOf(small(), { run }).setup.guest.vcpus[0]!.classes[0]!.writesPerSecond;
    const rates = Array.from({ length: 400 }, (_, run) => rate(run + 1));
    expect(rates[6]).toBe(rate(7));
    const logs = rates.map((one) => Math.log(one / 100_000));
    const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
    const deviation = Math.sqrt(logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / logs.length);
    // 400 draws of a normal whose deviation s the profile states: 4 standard errors are 4 s / 20 of the mean and 4 s / 28 of s.
    const stated = hostProfiles['recordings-host']!.variability!.vcpuSpeed;
    expect(Math.abs(mean)).toBeLessThan((4 * stated) / 20);
    expect(Math.abs(deviation - stated)).toBeLessThan((4 * stated) / 28);
  });

  test('nothing measured afterwards changes a prediction', () => {
    const told = (text: string): unknown =>
      validateRecording(readRecording(text, 'S01.json'), { runs: 1 }).predicted;
    const other = changed((r) => {
      r.result.dirtySyncCount = 99;
      r.result.normalPages = 1;
      r.syncs[1].dirtyPagesRate = 1;
      r.samples.rows[2][4] = 999_999;
    });
    expect(told(other)).toEqual(told(TEXT));
  });

  const unknown: [string, (r: Loose) => void, string][] = [
    [
      'a capability',
      (r) => r.migration.capabilities.push('x-colo'),
      'migration.capabilities: "x-colo" is not known here',
    ],
    [
      'a parameter',
      (r) => (r.migration.parameters['max-bandwith'] = 1),
      'migration.parameters: "max-bandwith" is not known here; did you mean max-bandwidth?',
    ],
    [
      'a command',
      (r) => r.migration.before.push({ execute: 'stop' }),
      'migration.before[0]: "stop" is not known here',
    ],
    [
      'a version',
      (r) => (r.environment.qemu = '4.2.0'),
      'environment.qemu: the rules of 4.2.0 are not known',
    ],
    [
      'a limit without a ring',
      (r) => {
        r.migration.capabilities.push('dirty-limit');
        r.environment.dirtyRingSize = 0;
      },
      'dirty-ring-size',
    ],
    [
      'an option out of range',
      (r) => {
        r.migration.capabilities.push('auto-converge');
        r.migration.parameters['cpu-throttle-initial'] = 100;
      },
      'migration.parameters.cpu-throttle-initial: ',
    ],
  ];
  test.each(unknown)('%s that nobody knows is refused', (_, change, message) => {
    expect(() => predictionOf(readRecording(changed(change), 'S01.json'))).toThrow(`S01.json: `);
    expect(() => predictionOf(readRecording(changed(change), 'S01.json'))).toThrow(message);
  });
});

describe('a limit set before the migration', () => {
  test('slows its vCPU from the first moment on, and no other', () => {
    const text = changed((r) => {
      r.migration.before = [
        { execute: 'set-vcpu-dirty-limit', arguments: { 'cpu-index': 0, 'dirty-rate': 20 } },
      ];
      r.migration.beforeSettleSeconds = 3;
    });
    const { vcpuAccesses } = validateRecording(readRecording(text, 'S01.json'), { runs: 1 }).predicted;
    const free = validateRecording(small(), { runs: 1 }).predicted.vcpuAccesses;
    expect(vcpuAccesses[0]!.median!).toBeLessThan(0.2 * free[0]!.median!);
    expect(vcpuAccesses[1]!.median!).toBeGreaterThan(0.95 * free[1]!.median!);
  });
});

describe('validation', () => {
  test('accesses are scaled from the samples to the whole migration', () => {
    const { measured } = validateRecording(small(), { runs: 1 });
    // 100,000 and 16,000 a second between the first sample and the last, over 5.01 s.
    expect(measured.vcpuAccesses).toEqual([501_000, 80_160]);
  });

  test('sums up as the literature does: errors over what completed in both, verdicts over all', () => {
    const base = validateRecording(small(), { runs: 1 });
    const one = (
      measured: Verdict,
      predicted: Verdict,
      totalTimeError: number | null,
    ): ValidatedRecording => ({
      ...base,
      measured: { ...base.measured, status: measured },
      predicted: { ...base.predicted, status: predicted },
      totalTimeError,
    });
    const summary = summarise([
      one('completed', 'completed', 0.1),
      one('completed', 'completed', 0.2),
      one('completed', 'completed', 0.6),
      one('completed', 'not-converged', null),
    ]);
    expect(summary).toMatchObject({ recordings: 4, completed: 3, rightVerdicts: 0.75 });
    expect(summary.medianTotalTimeError).toBeCloseTo(0.2);
    expect(summary.meanTotalTimeError).toBeCloseTo(0.3);
    expect(summary.p90TotalTimeError).toBeCloseTo(0.52); // 0.2 + 0.8 of the way to 0.6
  });

  test('counts what came true of throttle steps, sleeps and accesses, of what could', () => {
    const base = validateRecording(small(), { runs: 1 });
    const steps = [{ sync: 3, percent: 20 }];
    const sleeping = { ...base.measured, maxDirtyLimitThrottleUsPerRound: 100_000 };
    const spread = (median: number | null): Spread => ({ median, p5: median, p95: median });
    const sleepOf = (us: number | null): ValidatedRecording['predicted'] => ({
      ...base.predicted,
      figures: { ...base.predicted.figures, maxDirtyLimitThrottleUsPerRound: spread(us) },
    });
    const measured = { ...base.measured, throttleSteps: steps };
    const late = (sync: number): ValidatedRecording['predicted'] => ({
      ...base.predicted,
      throttleSteps: [{ sync, percent: 20 }],
    });
    const summary = summarise([
      { ...base, measured, predicted: late(4) }, // one sync late: within the slack
      { ...base, measured, predicted: late(5) }, // two: not
      { ...base, measured, predicted: { ...base.predicted, throttleSteps: [] } }, // never: not
      { ...base, measured: sleeping, predicted: sleepOf(114_000) }, // 14 % off
      { ...base, measured: sleeping, predicted: sleepOf(120_000) }, // 20 %
      { ...base, measured: sleeping, predicted: sleepOf(null) }, // nobody slept
    ]);
    expect(summary.throttleSteps).toEqual({ right: 1, of: 3 });
    expect(summary.ringSleeps).toEqual({ right: 1, of: 3 });
    expect(summary.vcpuAccesses.of).toBe(6 * base.measured.vcpuAccesses.length);
    const exact = { ...base.predicted, vcpuAccesses: base.measured.vcpuAccesses.map(spread) };
    const far = { ...base.predicted, vcpuAccesses: base.measured.vcpuAccesses.map((n) => spread(1.11 * n)) };
    const of = base.measured.vcpuAccesses.length;
    expect(summarise([{ ...base, predicted: exact }]).vcpuAccesses).toEqual({ right: of, of });
    expect(summarise([{ ...base, predicted: far }]).vcpuAccesses).toEqual({ right: 0, of });
    expect(summarise([{ ...base, predicted: far }]).medianAccessesError).toBeCloseTo(0.11);
  });

  test('JSON and rows carry the same figures under the names of `result`', () => {
    const validation = validateRecordings([FILE], { runs: 3 });
    const [record] = validationJson(validation);
    const [row] = validationRows(validation);
    expect(record!.measured['transferredBytes']).toBe(262_144_000);
    expect(record!.predicted['status']).toBe('not-converged');
    for (const name of OUTCOME_NAMES) {
      expect(record!.predicted).toHaveProperty([name]);
      expect(record!.predicted).toHaveProperty([`${name}P5`]);
      expect(row!).toHaveProperty([`predicted_${name}P95`], record!.predicted[`${name}P95`]);
      expect(row!).toHaveProperty([`measured_${name}`], record!.measured[name]);
    }
  });

  test('the same seed gives the same figures', () => {
    const twice = [1, 2].map(() => validateRecordings([FILE], { runs: 2, seed: 5 }));
    expect(twice[0]).toEqual(twice[1]);
  });

  test('a folder without recordings, and a path that is not there, are told', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'migsim-'));
    try {
      expect(() => readRecordings([folder])).toThrow(`${folder}: no .json file in this folder`);
      writeFileSync(path.join(folder, 'a.json'), '{}');
      expect(() => readRecordings([folder])).toThrow('a.json: not a recording');
      expect(() => readRecordings([path.join(folder, 'b.json')])).toThrow('b.json: no such file or folder');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
