/** A migration in which time passes only as far as it is let: the same migration, whoever looks at it. */
import { describe, expect, test } from '@jest/globals';
import { preparedSetup, simulate } from '../../src/experiment/simulate.js';
import { startMigration, type SteppedMigration } from '../../src/migration/engine.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { Scenario } from '../../src/scenario/scenario.js';

function scenarioOf(migration: string, guest = '', rest = '', maxBandwidth = '100MiB/s'): Scenario {
  return parseScenario(
    `guest: { memory: 512MiB, ${guest} vcpus: [{ count: 2, workload: { write: 20MiB/s, working-set: 60MiB } }] }
link: { bandwidth: 2Gbit/s }
migration: { qemu: '10.0', max-bandwidth: ${maxBandwidth}, downtime-limit: 300ms, give-up-after: 30s, ${migration} }
${rest}`,
    'guest.yaml',
  );
}

type Memory = 'page' | 'fluid';

function start(scenario: Scenario, memory: Memory): SteppedMigration {
  const strategy = scenario.strategies[0]!;
  const { policy } = scenario;
  const setup = preparedSetup(scenario, strategy, { memory });
  return startMigration(setup, { strategy: strategy.label, policy: policy.label }, (controls) => {
    strategy.definition.start(strategy.options, controls);
    policy.definition.start(policy.options, controls);
  });
}

/** To its end, with a pause every `everyUs`; `look` is called at each. */
function step(
  run: SteppedMigration,
  everyUs: number,
  look: (nowUs: number) => void = () => undefined,
): MigrationResult {
  for (let untilUs = everyUs; ; untilUs += everyUs) {
    const result = run.advance(untilUs);
    if (result !== null) return result;
    look(run.seen.clock.nowUs);
  }
}

const CASES: readonly (readonly [string, Scenario])[] = [
  ['pre-copy', scenarioOf('')],
  ['no rate limit', scenarioOf('', '', '', 'unlimited')],
  [
    'a dirty ring, throttled',
    scenarioOf('', 'dirty-ring-size: 4096,', 'strategies: [auto-converge]', '25MiB/s'),
  ],
  ['huge pages', scenarioOf('', 'host-page: 2MiB,')],
  ['post-copy', scenarioOf('postcopy-ram: true, at: [{ after: 3s, do: start-postcopy }]')],
  [
    'stop and cont',
    scenarioOf('at: [{ after: 2s, do: stop }, { after: 2500ms, do: cont }, { after: 9s, do: cancel }]'),
  ],
  ['an orchestrator that answers', scenarioOf('pause-before-switchover: true, migrate-continue-delay: 50ms')],
];

describe.each(['page', 'fluid'] as const)('%s memory', (memory) => {
  test.each(CASES)('%s: looking changes nothing', (_name, scenario) => {
    const expected = simulate(scenario, scenario.strategies[0]!, { memory });
    expect(start(scenario, memory).advance(Infinity)).toEqual(expected);
    for (const everyUs of [7_300, 250_000]) {
      const result = step(start(scenario, memory), everyUs);
      // Sums of the fluid memory's fractions are made in another order.
      expect(rounded(result)).toEqual(rounded(expected));
    }
  });
});

test('time stands at the instant asked for, but for the time of a chunk that is being cleared', () => {
  const scenario = scenarioOf('');
  let askedUs = 0;
  step(start(scenario, 'page'), 33_000, (nowUs) => {
    askedUs += 33_000;
    expect(nowUs).toBeGreaterThanOrEqual(askedUs);
    expect(nowUs).toBeLessThan(askedUs + 60_000);
  });
});

test('what is done at a pause happens as if it had been scheduled', () => {
  const plain = scenarioOf('postcopy-ram: true');
  const scheduled = scenarioOf(
    'postcopy-ram: true, at: [{ after: 2s, set: { max-bandwidth: 60MiB/s } }, { after: 4s, do: start-postcopy }]',
  );
  for (const memory of ['page', 'fluid'] as const) {
    const expected = simulate(scheduled, scheduled.strategies[0]!, { memory });
    const run = start(plain, memory);
    run.advance(2e6);
    run.controls.set({ maxBandwidth: 60 * 2 ** 20 });
    run.advance(4e6);
    run.controls.startPostcopy();
    const { decisions: _, ...result } = run.advance(Infinity)!;
    const { decisions: __, ...wanted } = expected;
    expect(rounded(result)).toEqual(rounded(wanted));
    expect(result.postcopyTimeMs).toBeGreaterThan(0);
  }
});

test('a thread in pre-switchover waits for migrate-continue, however long that takes', () => {
  const scenario = scenarioOf('pause-before-switchover: true');
  const strategy = scenario.strategies[0]!;
  const setup = preparedSetup(scenario, strategy, { memory: 'fluid' });
  const migration = { ...setup.migration, migrateContinueAtUs: Infinity, giveUpAfterUs: 0 };
  const run = startMigration({ ...setup, migration }, { strategy: '', policy: '' }, () => undefined);
  let untilUs = 0;
  while (run.controls.stats().status !== 'pre-switchover') run.advance((untilUs += 100_000));
  expect(run.advance(untilUs + 3600e6)).toBeNull();
  expect(run.controls.stats().status).toBe('pre-switchover');
  run.controls.continueSwitchover();
  const result = run.advance(Infinity)!;
  expect(result.status).toBe('completed');
  expect(result.downtimeMs).toBeGreaterThan(3600e3);
});

test('a connection that breaks in post-copy is broken until it is made again', () => {
  const scenario = scenarioOf('postcopy-ram: true, at: [{ after: 1s, do: start-postcopy }]');
  const run = start(scenario, 'fluid');
  let untilUs = 0;
  while (run.controls.stats().status !== 'postcopy-active') run.advance((untilUs += 10_000));
  run.controls.pausePostcopy();
  run.advance((untilUs += 1000));
  const { remainingBytes } = run.controls.stats();
  expect(run.advance(untilUs + 60e6)).toBeNull();
  expect(run.controls.stats().remainingBytes).toBe(remainingBytes);
  run.controls.recoverPostcopy();
  expect(run.advance(Infinity)?.status).toBe('completed');
});

function rounded(result: unknown): unknown {
  return JSON.parse(
    JSON.stringify(result, (_key, value: unknown) =>
      typeof value === 'number' ? Number(value.toPrecision(9)) : value,
    ),
  );
}

test('in the middle of a turn what has left by then is seen: at the rate of the link, without steps', () => {
  for (const memory of ['page', 'fluid'] as const) {
    const scenario = scenarioOf('at: [{ after: 1s, set: { downtime-limit: 30s } }]', '', '', '50MiB/s');
    const run = start(scenario, memory);
    let before = { bytes: 0, us: 0 };
    let looks = 0;
    step(run, 10_000, (nowUs) => {
      const { stats } = run.look();
      const isSwitching = stats.status === 'device' && stats.remainingBytes > 0;
      if (isSwitching && before.us > 0) {
        // Nothing but the link limits it then, and whatever a page takes to leave is less than a millisecond.
        const bytesPerSecond = ((stats.transferredBytes - before.bytes) / (nowUs - before.us)) * 1e6;
        expect(bytesPerSecond / run.seen.link.bytesPerSecond).toBeGreaterThan(0.9);
        expect(bytesPerSecond / run.seen.link.bytesPerSecond).toBeLessThan(1.1);
        looks += 1;
      }
      before = isSwitching ? { bytes: stats.transferredBytes, us: nowUs } : { bytes: 0, us: 0 };
    });
    expect(looks).toBeGreaterThan(20);
  }
});
