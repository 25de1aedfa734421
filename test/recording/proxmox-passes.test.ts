/** Task logs of Proxmox VE 8 show no passes: what they bound is learned, and no advice promises less than it takes. */
import { describe, expect, test } from '@jest/globals';
import { goalsFor } from '../../src/advice/goals.js';
import { remediesFor } from '../../src/advice/remedies.js';
import { Trial } from '../../src/advice/trial.js';
import { openBatches } from '../../src/experiment/parallel/batches.js';
import { readLogs } from '../../src/formats/readers/read-logs.js';
import { learnFromLog } from '../../src/recording/learn/learn-from-log.js';
import { passBounds } from '../../src/recording/learn/pass-bounds.js';
import { runColumns } from '../../src/report/columns/runs.js';
import { vcpuColumns } from '../../src/report/columns/vcpus.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import type { KnownGuest } from './logs.js';
import { endsUnder, proxmoxLog } from './proxmox-log.js';

const GIB_PAGES = 262_144;

function guestOf(hotGib: number, writesPerSecond: number, zeroShare: number): KnownGuest {
  const ramPages = 8 * GIB_PAGES;
  return {
    ramPages,
    hiddenPages: 4306,
    zeroPages: Math.round(zeroShare * ramPages),
    sets: [[hotGib * GIB_PAGES, writesPerSecond]],
  };
}

/** A hot set, the rate of the link, and when the log ends, s; from passes of a tenth of a second to some seconds. */
const GUESTS: readonly (readonly [string, KnownGuest, number, number])[] = [
  ['7 GiB are hot', guestOf(7, 450_000, 0), 1.1e9, 40],
  ['4 GiB are hot, a third is zero', guestOf(4, 600_000, 0.3), 1.1e9, 60],
  ['512 MiB are hot, 1 Gbit/s', guestOf(0.5, 40_000, 0), 117.7e6, 120],
];

describe.each(GUESTS)('%s', (_, guest, rate, endsS) => {
  const options = { rate, giveUpAfterS: endsS };
  const log = proxmoxLog(guest, options);
  const read = readLogs([{ file: 'task.log', text: log.text }]);
  const mostUs = (guest.ramPages * 4096e6) / rate;

  test('its passes are within what the log bounds', () => {
    if (read.kind !== 'migration') throw new Error('no log of a migration');
    const { lowUs, highUs } = passBounds(read.log, { ms: 100, known: true }, mostUs);
    // The limits rise while it goes on, and passes shrink a little with them.
    expect(log.passS).toBeGreaterThan(0.9 * (lowUs / 1e6));
    expect(log.passS).toBeLessThan(highUs / 1e6);
  });

  test('the limit that is advised ends its migration', async () => {
    const { learned, scenario } = learnFromLog(log.text, 'task.log');
    expect(learned.assumptions.join('\n')).toContain('their length is not in the log');
    const limit = await limitFor(parseScenario(scenario, 'guest.yaml'));
    expect([limit, endsUnder(guest, { rate, giveUpAfterS: 1200 }, limit)]).toEqual([limit, true]);
  });
});

/** The downtime-limit that `advise` comes to, ms. */
async function limitFor(scenario: Scenario): Promise<number> {
  const goals = goalsFor(scenario, { maxDowntimeMs: 60_000, deadlineMs: 600_000 });
  const remedy = remediesFor(scenario, goals, 'proxmox').find(({ name }) => name === 'downtime-limit')!;
  const how = { goals, goalReasons: {}, program: 'proxmox', strategy: null, runs: 4, seed: 1 } as const;
  const batches = openBatches(1);
  const measures = { run: runColumns, vcpu: vcpuColumns };
  const { advised } = await new Trial(scenario, { ...how, memory: 'fluid' }, measures, batches).tried(
    remedy,
    [],
  );
  await batches.close();
  expect(advised.misses).toEqual([]);
  return advised.change.downtimeLimitMs!;
}
