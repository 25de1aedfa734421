import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { recordingsHost } from '../../src/guest/host-profiles/recordings.js';
import type { VariabilityKind } from '../../src/guest/host-profiles/variability.js';
import { normal } from '../../src/random/distributions.js';
import { stream } from '../../src/random/streams.js';
import { fitVariability, type FittedVariability } from '../../src/recording/validate/fit-variability.js';
import { repeatsIn, type RepeatedRun } from '../../src/formats/repeats.js';
import { readRecording } from '../../src/recording/recording.js';
import type { Recording } from '../../src/recording/recording-file.js';
import type { ValidatedRecording } from '../../src/recording/validate/summary.js';

const FILE = path.join(import.meta.dirname, 'fixtures', 'recording.json');
const fixture = readRecording(readFileSync(FILE, 'utf8'), 'S01.json');

function of(fit: readonly FittedVariability[], kind: VariabilityKind): FittedVariability {
  return fit.find((one) => one.kind === kind)!;
}

/** Completed, predicted at 20 ms of downtime, of which RAM is `ramMs`, and measured at `downtimeMs`. */
function stopPhase(id: string, ramMs: number, downtimeMs: number): ValidatedRecording {
  const is = (median: number | null) => ({ median, p5: median, p95: median });
  const downtimeBytes = ((ramMs * 1e6) / recordingsHost.sendNsPerPage) * 4096;
  const figures = {
    downtimeMs: is(20),
    downtimeBytes: is(downtimeBytes),
    setupTimeMs: is(null),
    blackoutMs: is(null),
  };
  const measured = { status: 'completed', downtimeMs, setupTimeMs: null, blackoutMs: null, postcopyMs: null };
  return { id, measured, predicted: { status: 'completed', figures } } as unknown as ValidatedRecording;
}

describe('variability from recordings', () => {
  const draws = stream(5, 1, 'fit');
  const COUNT = 400;

  test('of speeds is what two measurements differ by, over the square root of 2; few that are far off do not count', () => {
    const [vcpu] = fixture.guest.vcpus;
    const twice = Array.from({ length: COUNT }, (_, at): Recording => {
      // One of twenty was measured while something else had the CPU.
      const second = at % 20 === 0 ? 0.3 : Math.exp(0.05 * Math.SQRT2 * normal(draws));
      const vcpus = [
        { ...vcpu!, paceMicroseconds: 0, pagesPerSecond: 1e4, pagesPerSecondWhileLogged: 1e4 * second },
      ];
      return { ...fixture, guest: { ...fixture.guest, vcpus } };
    });
    const fit = of(fitVariability(twice, [], [], recordingsHost), 'vcpuSpeed');
    expect(fit.of).toBe(COUNT);
    // The robust deviation of n normal values has a standard error of 1.17 σ/√n, here 6 %; the far ones add about as much.
    expect(fit.after).toBeGreaterThan(0.05 * 0.85);
    expect(fit.after).toBeLessThan(0.05 * 1.25);
  });

  test('of a stop phase that is mostly RAM is the drift of sending, beyond what runs differ by', () => {
    const off = Array.from({ length: COUNT }, (_, at) =>
      stopPhase(`R${at}`, 18, 20 * Math.exp(0.2 * normal(draws))),
    );
    const { after } = of(fitVariability([], off, [], recordingsHost), 'sendDrift');
    const { send } = recordingsHost.variability!;
    expect(Math.hypot(after, send)).toBeGreaterThan(0.2 * 0.8);
    expect(Math.hypot(after, send)).toBeLessThan(0.2 * 1.2);
  });

  test('of switchovers is what repeats differ by, less rounding, in proportion to their share of the downtime', () => {
    const phases = Array.from({ length: COUNT }, (_, at) => stopPhase(`R${at}`, 10, 20));
    // Half of each downtime varies by 0.4: ln(downtime) by about half of that.
    const repeats = phases.map(({ id }): RepeatedRun => {
      const once = (): number => Math.round(10 + 10 * Math.exp(0.4 * normal(draws)));
      return { id, totalMs: null, downtimeMs: [once(), once()] };
    });
    const { after, of: count } = of(fitVariability([], phases, repeats, recordingsHost), 'switchover');
    expect(count).toBe(COUNT);
    expect(after).toBeGreaterThan(0.4 * 0.8);
    expect(after).toBeLessThan(0.4 * 1.2);
  });

  test('that recordings show too little of stays as it was', () => {
    for (const { before, after } of fitVariability([fixture], [stopPhase('R', 18, 30)], [], recordingsHost))
      expect(after).toBe(before);
  });
});

describe('repeats.csv', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'migsim-repeats-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('of the shipped recordings has a pair a row', () => {
    const repeats = repeatsIn(['recordings/tcg', 'recordings/T05.json', 'recordings']);
    expect(repeats).toHaveLength(20);
    expect(repeats[0]).toEqual({ id: 'A01a', totalMs: [37823, 38120], downtimeMs: [21, 12] });
  });

  test('that is no CSV is refused by name', () => {
    writeFileSync(path.join(folder, 'repeats.csv'), 'id,first_total_ms\n"A01a,3\n');
    expect(() => repeatsIn([folder])).toThrow(/^.*repeats\.csv: not CSV: .*; expected a row a repeated run/);
  });
});
