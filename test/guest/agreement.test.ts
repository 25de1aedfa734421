/**
 * The fluid memory says what the page memory says: total time, syncs and bytes sent within the page memory's own band over
 * seeds or 2 % of it, the same verdict, the same throttle ladder. The large grid is `npm run agree`; these are small guests.
 */
import { describe, expect, test } from '@jest/globals';
import { LINKS, compare, scenario } from '../../bench/agreement.mjs';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { migrate } from '../migration/setups.js';
import type { StrategyName } from '../../src/strategies/index.js';

const SEEDS = 7;
const SCALE = 16;

function simulate(
  setup: MigrationSetup,
  strategy: StrategyName,
  options: Record<string, unknown>,
): MigrationResult {
  return migrate({ ...setup, host: bareMetal }, strategy, options);
}

describe('fluid against page memory', () => {
  test.each([
    ['none, bitmap', 'uniform', '1 writer', 0],
    ['none, bitmap', 'sequential', '4 writers', 3],
    ['none, bitmap', 'mixed', '2 writers, 4 readers', 2],
    ['none, bitmap without manual protect', 'hot-cold', '4 writers on one set', 1],
    ['none, ring', 'uniform', '12 writers', 0],
    ['none, bitmap, too fast', 'uniform', '4 writers', 0],
    ['auto-converge, bitmap', 'hot-cold', '1 writer', 2],
    ['auto-converge, bitmap', 'uniform', '12 writers', 1],
    ['auto-converge, ring', 'sequential', '2 writers, 4 readers', 3],
    ['dirty-limit, small ring', 'uniform', '4 writers', 0],
    ['dirty-limit, small ring', 'mixed', '2 writers, 4 readers', 3],
    ['dirty-restraint', 'uniform', '4 writers', 2],
  ] as const)('%s; %s; %s; link %i', (treatment, pattern, mix, link) => {
    const judged = compare(scenario(treatment, pattern, mix, LINKS[link], SCALE), simulate, SEEDS);
    expect(judged).toMatchObject({
      verdict: { agrees: true },
      ladder: { agrees: true },
      time: { agrees: true },
      sent: { agrees: true },
      syncs: { agrees: true },
    });
  });
});
