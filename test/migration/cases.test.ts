/** Whole scenarios at which a rule decides the outcome, with what QEMU's rules give for them, worked out by hand. */
import { describe, expect, test } from '@jest/globals';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { loadScenario } from '../../src/scenario/load.js';

const { abs } = Math;
const MEMORIES = ['page', 'fluid'] as const;

function run(name: string, memory: 'page' | 'fluid', set: readonly string[] = []): MigrationResult {
  const scenario = loadScenario(new URL(`cases/${name}.yaml`, import.meta.url).pathname, { set });
  return simulate(scenario, scenario.strategies[0]!, { memory });
}

/** `value` lies within `share` of `wanted`. */
function expectNear(value: number, wanted: number, share: number): void {
  expect([value, abs(value - wanted) <= share * abs(wanted)]).toEqual([value, true]);
}

describe.each(MEMORIES)('a cap of 512 KiB/s, %s memory', (memory) => {
  const outcome = (qemu: string): MigrationResult => run('lowbw', memory, [`migration.qemu='${qemu}'`]);

  /**
   * The quota is 52,428 B a window. Up to 8.1 bytes count page by page: 13 normal pages pass it, 0.53 MB/s, and the
   * threshold of 160 KB lies below the 256 pages (1 MiB) that the idle vCPU has written when a pass ends. From 8.2 on they count
   * when 32 pages, 131,328 B, are flushed: two and a half times as much goes out, and as much more may be left.
   */
  test('holds where bytes count page by page', () => {
    const bandwidth = 13 * 4104 * 10;
    for (const qemu of ['7.2', '8.0', '8.1']) {
      const { status, bandwidthBytesPerSecond } = outcome(qemu);
      expect([qemu, status]).toEqual([qemu, 'gave-up']);
      expectNear(bandwidthBytesPerSecond, bandwidth, 0.05);
    }
  });

  test('is passed where they count by flushes', () => {
    for (const qemu of ['8.2', '10.2']) expect([qemu, outcome(qemu).status]).toEqual([qemu, 'completed']);
  });
});
