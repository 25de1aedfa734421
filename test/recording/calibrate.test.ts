import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { recordingsHost } from '../../src/guest/host-profiles/recordings.js';
import type { HostProfile } from '../../src/guest/spec.js';
import { calibrateHost, lossOf } from '../../src/recording/validate/calibrate.js';
import { readRecording } from '../../src/recording/recording.js';
import type { Recording } from '../../src/recording/recording-file.js';
import type { ValidatedRecording } from '../../src/recording/validate/summary.js';
import { validateRecording } from '../../src/recording/validate/validate.js';

const FILE = path.join(import.meta.dirname, 'fixtures', 'recording.json');

/** The small recording without a bandwidth limit: how much it sends, the migration thread alone decides. */
const unlimited = (): Recording => {
  const recording = readRecording(readFileSync(FILE, 'utf8'), 'S01.json');
  const parameters = { ...recording.migration.parameters, 'max-bandwidth': 0, 'downtime-limit': 1 };
  // At a load of 1 the costs are those of the profile.
  const environment = { ...recording.environment, hostLoadBefore: 1 };
  return { ...recording, environment, migration: { ...recording.migration, parameters } };
};

/** What the simulation itself makes of it on such a host, as if it had been measured. */
function measuredOn(host: HostProfile): Recording {
  const recording = unlimited();
  const { figures, vcpuAccesses } = validateRecording(recording, { runs: 1, host }).predicted;
  const { result, samples } = recording;
  const seconds = (result.gaveUpAfterMs ?? 0) / 1000;
  const accesses = vcpuAccesses.map(({ median }) => median ?? 0);
  const rows = [
    [0, 0, 0, 0, 0, 0],
    [seconds, 0, 0, 0, ...accesses],
  ];
  return {
    ...recording,
    result: { ...result, transferredBytes: figures.transferredBytes.median ?? 0 },
    samples: { ...samples, rows },
  };
}

describe('a host profile from recordings', () => {
  const truth: HostProfile = { ...recordingsHost, populateNsPerPage: 0, sendNsPerPage: 12_000 };
  const start: HostProfile = { ...truth, sendNsPerPage: 3000 };

  test('finds the cost of a page from which the recordings came, as near as its finest step', () => {
    const recording = measuredOn(truth);
    const fit = calibrateHost([recording], { start, runs: 1, fields: ['sendNsPerPage'] });
    expect(fit.startLoss).toBeGreaterThan(0.1);
    expect(fit.loss).toBeLessThan(0.2 * fit.startLoss);
    expect(fit.profile.sendNsPerPage).toBeGreaterThan(12_000 / 1.15);
    expect(fit.profile.sendNsPerPage).toBeLessThan(12_000 * 1.15);
    expect(fit.fields[0]!.lossRise).toBeGreaterThan(0.05);
    // Nothing else was touched.
    expect({ ...fit.profile, sendNsPerPage: 0 }).toEqual({ ...start, sendNsPerPage: 0 });
  });

  test('a cost that the recordings do not show is not identified and stays', () => {
    // A bitmap log has no ring to exit for.
    const recording = measuredOn(truth);
    const bitmap = { ...recording, environment: { ...recording.environment, dirtyRingSize: 0 } };
    const fit = calibrateHost([bitmap], { start: truth, runs: 1, fields: ['ringExitUs'] });
    expect(fit.fields).toEqual([{ field: 'ringExitUs', before: 100, after: 100, lossRise: 0 }]);
  });

  /** With one run the search fits the chance of its seed too; truth and nothing better is what another seed confirms. */
  test('another seed tells how much of the gain is not chance', () => {
    const recording = measuredOn(truth);
    const fit = calibrateHost([recording], { start, runs: 1, fields: ['sendNsPerPage'] });
    const lossWith = ({ variability: _, ...host }: HostProfile): number =>
      lossOf(validateRecording(recording, { runs: 1, seed: 2, host }));
    expect(fit.otherSeedStartLoss).toBe(lossWith(start));
    expect(fit.otherSeedLoss).toBe(lossWith(fit.profile));
    expect(fit.otherSeedLoss).toBeLessThan(0.3 * fit.otherSeedStartLoss);
  });

  test('two recordings that contradict each other: left out, each is predicted worse than fitted', () => {
    const slow = measuredOn({ ...truth, sendNsPerPage: 20_000 });
    const fast = measuredOn({ ...truth, sendNsPerPage: 5000 });
    const fit = calibrateHost([slow, fast], {
      start: { ...truth, sendNsPerPage: 10_000 },
      runs: 1,
      fields: ['sendNsPerPage'],
    });
    expect(fit.leaveOneOutLoss).toBeGreaterThan(1.5 * fit.loss);
  });
});

describe('the loss', () => {
  const spread = (median: number | null) => ({ median, p5: median, p95: median });
  const one = (status: string, total: number, sent: number): ValidatedRecording =>
    ({
      measured: {
        status: 'completed',
        totalTimeMs: 1000,
        downtimeMs: 20,
        transferredBytes: 1e6,
        vcpuAccesses: [100],
      },
      predicted: {
        status,
        figures: { totalTimeMs: spread(total), downtimeMs: spread(20), transferredBytes: spread(sent) },
        vcpuAccesses: [spread(100)],
      },
    }) as unknown as ValidatedRecording;

  test('is the mean of the relative errors of its four figures', () => {
    expect(lossOf(one('completed', 1000, 1e6))).toBe(0);
    expect(lossOf(one('completed', 1000 * Math.exp(0.2), 1e6))).toBeCloseTo(0.05, 9);
  });

  test('counts no figure more than 0.5, and a wrong verdict more than all of them', () => {
    expect(lossOf(one('completed', 1e6, 1e6))).toBeCloseTo(0.125, 9);
    expect(lossOf(one('not-converged', 1000, 1e6))).toBe(1);
  });
});
