/** Commands that were given while a recorded migration ran are given again, and none is passed over. */
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { predictionOf } from '../../src/recording/validate/predict.js';
import type { Recording } from '../../src/recording/recording-file.js';
import { readRecordings } from '../../src/recording/validate/validate.js';

const SHIPPED = path.resolve(import.meta.dirname, '../../recordings/tcg');

function shipped(id: string): Recording {
  return readRecordings([path.join(SHIPPED, `${id}.json`)])[0]!;
}

function predicted(recording: Recording): MigrationResult {
  const { setup, attach } = predictionOf(recording);
  return runMigration(setup, { strategy: recording.strategy, policy: 'wait' }, attach);
}

type During = Recording['migration']['during'];

function withCommands(recording: Recording, during: During): Recording {
  return { ...recording, migration: { ...recording.migration, during } };
}

function command(t: number, execute: string, args: Record<string, unknown> = {}): During[number] {
  return { t, execute, arguments: args, on: 'source' };
}

describe('commands given on the way', () => {
  test('a cancelled migration ends when it was cancelled, whatever it would have come to', () => {
    const result = predicted(withCommands(shipped('P01b'), [command(2, 'migrate_cancel')]));
    expect(result.status).toBe('cancelled');
    expect(result.totalTimeMs).toBeGreaterThanOrEqual(2000);
    // The thread looks at it when its rate window is over.
    expect(result.totalTimeMs).toBeLessThanOrEqual(2101);
  });

  test('a tenth of the bandwidth from the middle on: what is left takes ten times as long', () => {
    const base = shipped('S02b');
    const slow = command(2, 'migrate-set-parameters', { 'max-bandwidth': 67108864 / 10 });
    const end = command(4, 'migrate_cancel');
    const [even, slowed] = [predicted(withCommands(base, [end])), predicted(withCommands(base, [slow, end]))];
    // Two seconds at full rate, two at a tenth of it; a window and a flush more or less.
    expect(slowed.sentBytes / even.sentBytes).toBeCloseTo((2 + 2 / 10) / 4, 1);
  });

  test('nobody writes while the guest is stopped, and it goes on after cont', () => {
    const base = shipped('S06b');
    const writes = (during: During): number => predicted(withCommands(base, during)).vcpus[0]!.writes;
    const end = command(10, 'migrate_cancel');
    const [whole, stopped, resumed] = [
      writes([end]),
      writes([command(4, 'stop'), end]),
      writes([command(4, 'stop'), command(7, 'cont'), end]),
    ];
    // A stop is heeded at the end of the rate window that it falls into.
    expect(stopped / whole).toBeCloseTo(0.4, 1);
    expect(resumed / whole).toBeCloseTo(0.7, 1);
  });

  test('the pause before the switchover lasts until migrate-continue, and counts as downtime', () => {
    const base = shipped('S01b');
    const at = (t: number): MigrationResult =>
      predicted(withCommands(base, [command(t, 'migrate-continue', { state: 'pre-switchover' })]));
    const [early, late] = [at(11), at(14)];
    expect(late.totalTimeMs - early.totalTimeMs).toBe(3000);
    expect(late.downtimeMs! - early.downtimeMs!).toBe(3000);
    // The guest wrote nothing meanwhile.
    expect(late.vcpus[0]!.writes).toBe(early.vcpus[0]!.writes);
  });

  test('without migrate-continue it lasts until it is cancelled', () => {
    const result = predicted(withCommands(shipped('S01b'), [command(12, 'migrate_cancel')]));
    expect(result.status).toBe('cancelled');
    expect(result.totalTimeMs).toBe(12_000);
  });

  test.each([
    [
      command(1, 'x-colo-lost-heartbeat'),
      /during\[0\]: "x-colo-lost-heartbeat" is not known here; expected /,
    ],
    [
      command(1, 'migrate-set-parameters', { 'tls-creds': 'x' }),
      /during\[0\]: "tls-creds" is not known here/,
    ],
    [command(1, 'migrate-set-parameters', { 'max-bandwidth': '1G' }), /max-bandwidth: expected a number/],
  ])('%j is refused before anything runs', (wrong, message) => {
    expect(() => predicted(withCommands(shipped('P01b'), [wrong]))).toThrow(message);
  });
});

describe('ticks', () => {
  /** A period of 10 ms / (1 - f) has 10 ms in which the vCPU runs; one tick of the sleep stays pending. */
  test.each([0.2, 0.5, 0.8])(
    'under a throttle of %d a vCPU gets eleven ticks a period, less what waking costs',
    (f) => {
      const { setup } = predictionOf(shipped('A08b'));
      const { writes } = ((): { writes: number } => {
        const result = runMigration(
          { ...setup, migration: { ...setup.migration, giveUpAfterUs: 5_000_000 } },
          { strategy: 'none', policy: 'wait' },
          (controls) => controls.throttle('all', f * 100),
        );
        return result.vcpus[0]!;
      })();
      const perPeriod =
        (writes / (setup.guest.vcpus[0]!.classes[0]!.writesPerSecond * 1.04 * 5)) * (10 / (1 - f));
      expect(perPeriod).toBeGreaterThan(10.3);
      expect(perPeriod).toBeLessThan(11);
    },
  );
});
