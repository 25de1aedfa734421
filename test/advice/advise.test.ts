import { describe, expect, test } from '@jest/globals';
import { keepsAll } from '../../src/advice/outcome.js';
import { advise } from '../../src/api/advise.js';
import { compare } from '../../src/experiment/compare.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { shareInterval } from '../../src/stats/share-interval.js';
import { lostWorkSeconds } from '../../src/experiment/regret.js';

const TEXT = `
guest:
  memory: 512MiB
  dirty-ring-size: 4096
  vcpus:
    - { count: 1, name: writer, workload: { write: 400MiB/s, working-set: 128MiB } }
    - { count: 1, name: reader, workload: { read: 400MiB/s, working-set: 64MiB } }
link: { bandwidth: 1Gbit/s }
migration: { downtime-limit: 200ms }
`;

function guest(set: readonly string[] = []): Scenario {
  return parseScenario(TEXT, 'guest', { set });
}

const wanted = { deadlineMs: 40_000, maxDowntimeMs: 1500, keepReaders: 0.8, runs: 4 };

describe('a guest that plain pre-copy cannot move', () => {
  test('what is advised keeps what it promised on guests drawn in the page memory', async () => {
    const { verdict, remedies, goals, asItIs } = await advise(guest(), wanted);
    expect(verdict).toBe('remedy');
    expect(asItIs.why).toMatch(/each pass leaves/);
    for (const { set, outcome } of remedies.slice(0, 3)) {
      const scenario = guest(set);
      const [runs] = compare(scenario, {
        runs: 6,
        seed: 77,
        memory: 'page',
        strategies: scenario.strategies.slice(0, 1),
      }).strategies;
      const kept = runs!.results.filter((result) => keepsAll(result, goals)).length;
      // The 95 % interval of what was seen has the promised probability in it.
      expect(shareInterval(kept, 6).high).toBeGreaterThanOrEqual(goals.probability);
      const lost = runs!.results.reduce((sum, result) => sum + lostWorkSeconds(result) / 6, 0);
      expect(lost).toBeLessThan(1.3 * outcome.lostSeconds + 0.5);
    }
  });

  test('the first loses least among those of its price, and none before it costs less', async () => {
    const { remedies } = await advise(guest(), wanted);
    const [first] = remedies;
    for (const { price, outcome } of remedies) {
      if (price === first!.price)
        expect(outcome.lostSeconds).toBeGreaterThanOrEqual(first!.outcome.lostSeconds);
    }
    expect(remedies.findIndex(({ price }) => price === 'risk')).not.toBe(0);
    for (const { names, risks } of remedies) if (names.includes('post-copy')) expect(risks).toHaveLength(1);
  });

  test('a program without a setting for a remedy is not told to use it', async () => {
    const { remedies, others } = await advise(guest(), { ...wanted, program: 'proxmox' });
    expect(remedies.every(({ lines }) => lines !== null)).toBe(true);
    expect(others.some(({ lines, misses }) => lines === null && misses.length === 0)).toBe(true);
  });
});

test('a guest that finishes as it is needs no remedy', async () => {
  const { verdict, remedies } = await advise(guest(['guest.vcpus.writer.workload.write=1MiB/s']), wanted);
  expect([verdict, remedies]).toEqual(['finishes', []]);
});

test('a deadline that sending alone does not keep has no remedy', async () => {
  const { verdict, others } = await advise(guest(), { ...wanted, deadlineMs: 500 });
  expect(verdict).toBe('none');
  for (const { misses } of others) expect(misses[0]).toMatch(/^(not done within 500 ms|takes up to)/);
});
