/**
 * A report of a program that writes N random pages of 1,172 MiB at once and then sleeps for a second, over 1 Gbit/s. Total
 * time by N: 100 12 s, 1,000 14, 3,000 15, 5,000 18, 8,000 23, 10,000 24; from 40,000 on it hangs. Phases say such a program.
 */
import { describe, expect, test } from '@jest/globals';
import { runMigration } from '../../src/migration/engine.js';
import { parseScenario } from '../../src/scenario/parse.js';

const MEASURED = [
  [100, 12],
  [1000, 14],
  [3000, 15],
  [5000, 18],
  [8000, 23],
  [10_000, 24],
] as const;
const BURST_S = 0.05;

function totalSeconds(pages: number): number | null {
  const rate = (pages * 4096) / BURST_S / 2 ** 20;
  const text = `guest:
  memory: 4GiB
  zero-pages: 62%
  vcpus:
    - workload: { write: ${rate}MiB/s, working-set: 1172MiB, phases: [{ for: 50ms }, { for: 1s, write: 0% }] }
link: { bandwidth: 1Gbit/s, latency: 200us }
migration: { qemu: '7.2', max-bandwidth: unlimited, return-path: true, pause-before-switchover: true }
`;
  const { setup } = parseScenario(text, 'burst.yaml');
  const names = { strategy: 'none', policy: 'wait' };
  const limited = { ...setup.migration, giveUpAfterUs: 120e6 };
  const result = runMigration({ ...setup, memory: 'fluid', migration: limited }, names, () => {});
  return result.status === 'completed' ? result.totalTimeMs / 1000 : null;
}

describe('bursts of N pages a second', () => {
  const times = MEASURED.map(([pages]) => totalSeconds(pages));

  test('converge up to 10,000 pages, later with each step, and within a quarter of what was measured', () => {
    for (const [i, [, seconds]] of MEASURED.entries()) {
      expect(times[i]).not.toBeNull();
      if (i > 0) expect(times[i]!).toBeGreaterThan(times[i - 1]!);
      expect(Math.abs(times[i]! / seconds - 1)).toBeLessThan(0.25);
    }
  });

  // 1 Gbit/s carries 28,700 pages/s, fewer than a burst of 40,000 brings back.
  test('never end at 40,000', () => {
    expect(totalSeconds(40_000)).toBeNull();
  });
});
