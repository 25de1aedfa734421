/** What is set and done while a migration runs, by scenario and by policy, and when it takes effect. */
import { describe, expect, test } from '@jest/globals';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { loadScenario } from '../../src/scenario/load.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { MIB, migrate, setupOf, writer } from './setups.js';

const { abs } = Math;

function scenarioText(migration: string, rest = '', guest = ''): string {
  return `guest: { memory: 1GiB, ${guest} vcpus: [{ count: 2, workload: { write: 400MiB/s, working-set: 200MiB } }] }
link: { bandwidth: 10Gbit/s }
migration: { qemu: '10.0', downtime-limit: 10ms, give-up-after: 40s, postcopy-ram: true, max-bandwidth: 100MiB/s, ${migration} }
${rest}
`;
}

function run(migration: string, rest = '', guest = ''): MigrationResult {
  const scenario = parseScenario(scenarioText(migration, rest, guest), 'guest.yaml');
  return simulate(scenario, scenario.strategies[0]!, { memory: 'fluid', timelineMs: 100, trace: true });
}

const refusal = (migration: string, rest = ''): string => {
  try {
    run(migration, rest);
  } catch (error) {
    return (error as Error).message;
  }
  return 'was accepted';
};

describe('migration.at', () => {
  test('max-bandwidth counts from the next window on', () => {
    const { timeline } = run('at: [{ after: 4s, set: { max-bandwidth: 50MiB/s } }]');
    const sent = (fromMs: number, toMs: number): number =>
      timeline.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs).reduce((_, p) => p.sentBytes, 0) -
      timeline.filter(({ timeMs }) => timeMs <= fromMs).reduce((_, p) => p.sentBytes, 0);
    expect(abs(sent(1000, 3900) / 2.9 / 2 ** 20 - 100)).toBeLessThan(5);
    expect(abs(sent(4200, 7100) / 2.9 / 2 ** 20 - 50)).toBeLessThan(3);
  });

  // 200 MiB each are left, 4 s at 100 MiB/s: a limit of 10 s lets them go.
  test('downtime-limit, by the clock and by the count of syncs', () => {
    expect(run('').status).toBe('gave-up');
    const later = run('at: [{ after: 20s, set: { downtime-limit: 10s } }]');
    expect(later.status).toBe('completed');
    expect(later.totalTimeMs).toBeGreaterThan(20_000);
    const bySync = run('at: [{ at-sync: 3, set: { downtime-limit: 10s } }]');
    expect(bySync.status).toBe('completed');
    expect(bySync.syncs.filter(({ cause }) => cause === 'natural').length).toBeLessThanOrEqual(3);
  });

  test('commands: post-copy, cancel, stop and cont', () => {
    const postcopy = run('at: [{ after: 12s, do: start-postcopy }]');
    expect(postcopy.status).toBe('completed');
    expect(postcopy.postcopyTimeMs).toBeGreaterThan(0);
    const cancelled = run('at: [{ after: 12s, do: cancel }]');
    expect(cancelled).toMatchObject({ status: 'cancelled', error: 'cancelled by the scenario' });
    expect(abs(cancelled.totalTimeMs - 12_000)).toBeLessThan(200);
    // Stopped, nothing becomes dirty any more.
    expect(run('at: [{ after: 12s, do: stop }]').status).toBe('completed');
    const resumed = run('at: [{ after: 12s, do: stop }, { after: 12500ms, do: cont }]');
    expect(resumed.status).toBe('gave-up');
    expect(resumed.vcpus[0]!.longestStallMs).toBeGreaterThan(400);
    expect(resumed.vcpus[0]!.longestStallMs).toBeLessThan(700);
  });

  // 400 MiB are left after the first pass, 4 s of sending.
  test('migrate-continue answers pre-switchover, and nobody else does', () => {
    const waiting = 'pause-before-switchover: true, at: [{ after: 0s, set: { downtime-limit: 10s } }';
    expect(run(`${waiting}]`).totalTimeMs).toBeLessThan(20_000);
    const answered = run(`${waiting}, { after: 30s, do: migrate-continue }]`);
    expect(answered.status).toBe('completed');
    expect(answered.totalTimeMs).toBeGreaterThan(30_000);
    expect(answered.totalTimeMs).toBeLessThan(35_000);
    // One that comes before the guest is stopped is refused by QEMU, and given up is what nobody answers.
    expect(run(`${waiting}, { after: 100ms, do: migrate-continue }]`).status).toBe('gave-up');
  });

  test('migrate-pause interrupts post-copy, until migrate-recover', () => {
    const start = '{ after: 12s, do: start-postcopy }';
    const whole = run(`at: [${start}]`);
    const paused = run(
      `at: [${start}, { after: 12200ms, do: migrate-pause }, { after: 15200ms, do: migrate-recover }]`,
    );
    expect(paused.status).toBe('completed');
    expect(abs(paused.totalTimeMs - whole.totalTimeMs - 3000)).toBeLessThan(100);
    expect(paused.vcpus[0]!.longestStallMs).toBeGreaterThan(2900);
    expect(paused.vcpus[0]!.longestStallMs).toBeLessThan(3100);
    // Outside post-copy QEMU refuses both.
    const early = run(
      `at: [{ after: 1s, do: migrate-pause }, ${start}, { after: 13s, do: migrate-recover }]`,
    );
    expect(early.totalTimeMs).toBe(whole.totalTimeMs);
  });

  // Two bad syncs with half of what was sent dirty again; none with all of it.
  test('throttle-trigger-threshold counts at the next sync that is judged, the ladder at its next step', () => {
    const ladder = (at: string): number =>
      run(`at: [${at}]`, 'strategies: [auto-converge]').maxThrottlePercent;
    expect(ladder('')).toBeGreaterThan(20);
    expect(ladder('{ after: 0s, set: { throttle-trigger-threshold: 100 } }')).toBeLessThan(30);
    expect(ladder('{ after: 1s, set: { cpu-throttle-initial: 35, max-cpu-throttle: 40 } }')).toBe(40);
  });

  test('vcpu-dirty-limit counts at the next trigger', () => {
    const sleeps = (at: string): number =>
      run(
        `at: [${at}]`,
        'strategies: [{ dirty-limit: { vcpu-dirty-limit: 300MiB/s } }]',
        'dirty-ring-size: 4096,',
      ).maxRingFullSleepUs;
    expect(sleeps('{ after: 1s, set: { vcpu-dirty-limit: 50MiB/s } }')).toBeGreaterThan(2 * sleeps(''));
  });

  test.each([
    ['at: [{ set: { downtime-limit: 1s } }]', 'expected one of after and at-sync'],
    ['at: [{ after: 1s, at-sync: 2, do: cancel }]', 'expected one of after and at-sync'],
    ['at: [{ after: 1s }]', 'expected set or do'],
    ['at: [{ after: 2s, do: stop }, { after: 1s, do: cont }]', 'in order of time'],
    ['at: [{ after: 1s, do: pause }]', 'did you mean stop, which stops the guest, or migrate-pause'],
    ['at: [{ after: 1s, do: continue }]', 'did you mean cont, which lets the guest run, or migrate-continue'],
    ['at: [{ after: 1s, do: contt }]', 'did you mean cont?'],
    ['at: [{ after: 1s, do: migrate-continue }]', 'expected pause-before-switchover: true'],
    [
      'pause-before-switchover: true, migrate-continue-delay: 1s, at: [{ after: 1s, do: migrate-continue }]',
      'expected one of them',
    ],
    ['at: [{ after: 1s, do: migrate-pause }]', 'expected a migrate-recover after it'],
    ['at: [{ at-sync: 2, do: migrate-recover }]', 'post-copy has no bitmap syncs'],
    ['postcopy-recover: false, at: [{ after: 1s, do: migrate-recover }]', 'postcopy-recover: true'],
    ['postcopy-ram: false, at: [{ after: 1s, do: migrate-recover }]', 'postcopy-ram: true'],
    ['at: [{ after: 1s, set: { max-bandwith: 1GiB/s } }]', 'did you mean max-bandwidth'],
    ['postcopy-ram: false, at: [{ after: 1s, do: start-postcopy }]', 'postcopy-ram: true'],
  ])('%s is refused', (migration, message) => {
    const text = migration.startsWith('postcopy-ram')
      ? scenarioText(migration).replace('postcopy-ram: true, ', '')
      : scenarioText(migration);
    expect(() => parseScenario(text, 'guest.yaml')).toThrow(message);
  });

  test('what the strategy does not read is refused', () => {
    const text = 'at: [{ after: 1s, set: { cpu-throttle-initial: 30 } }]';
    expect(refusal(text)).toMatch('none does not read cpu-throttle-initial');
    expect(refusal(text, 'strategies: [auto-converge]')).toBe('was accepted');
  });

  test('avail-switchover-bandwidth needs a QEMU that has it', () => {
    const text = scenarioText('at: [{ after: 1s, set: { avail-switchover-bandwidth: 1GiB/s } }]');
    expect(() => parseScenario(text.replace("'10.0'", "'8.1'"), 'guest.yaml')).toThrow(
      "expected qemu: '8.2'",
    );
    expect(refusal('at: [{ after: 1s, set: { avail-switchover-bandwidth: 10GiB/s } }]')).toBe('was accepted');
  });
});

/** An operator's ladder: a longer downtime from round to round, and a hard end. */
test('set-by-round sets at its rounds and aborts at its end', () => {
  const steps = '[{ round: 3, set: { downtime-limit: 20ms } }, { round: 5, set: { downtime-limit: 30ms } }]';
  const result = run('', `policy: { set-by-round: { steps: ${steps}, abort-after: 30s } }`);
  expect(result).toMatchObject({ status: 'cancelled', error: 'not done after 30 s' });
  const set = result.decisions.filter(({ text }) => text.startsWith('downtime-limit '));
  expect(set.map(({ text }) => text)).toEqual([
    'downtime-limit 10 ms -> 20 ms',
    'downtime-limit 20 ms -> 30 ms',
  ]);
  expect(set.map(({ timeMs }) => timeMs)).toEqual([3, 5].map((n) => result.syncs[n - 1]!.timeMs));
});

/**
 * Uniform writes of 300 MiB/s to 3 GiB by each of 4 vCPUs and 1.098 GiB/s on the wire: after a pass of t seconds at most a
 * share 1 - e^(-t·300/3072) of the sets is dirty besides what was left. A step counts from the next window on: the 4 s of round 4
 * allow 4.39 GiB, of which 3.99 are left there, and one window later the guest is stopped.
 */
test("an operator's ladder of downtime limits ends at its fourth round", () => {
  const scenario = loadScenario(new URL('cases/ladder.yaml', import.meta.url).pathname);
  const { status, syncs, decisions, parameters } = simulate(scenario, scenario.strategies[0]!, {
    memory: 'fluid',
    trace: true,
  });
  expect(status).toBe('completed');
  expect(parameters.map(({ downtimeLimitMs }) => downtimeLimitMs)).toEqual([1000, 2000, 4000, 8000]);
  const natural = syncs.filter(({ cause }) => cause === 'natural');
  expect(natural.map(({ n }) => n)).toEqual([2, 3, 4, 5]);
  for (const [i, limitS] of [1, 1, 2].entries()) {
    const seconds = (natural[i]!.timeMs - syncs[i]!.timeMs) / 1000;
    const left = limitS * 1.098 * 2 ** 30;
    const fresh = 12 * 2 ** 30 * (1 - Math.exp((-seconds * 300) / 3072));
    expect(natural[i]!.remainingBytes).toBeLessThan(1.02 * (fresh + left));
  }
  expect(natural[2]!.remainingBytes).toBeGreaterThan(2 * 1.098 * 2 ** 30);
  expect(natural[2]!.remainingBytes).toBeLessThan(4 * 1.098 * 2 ** 30);
  expect(natural[3]!.timeMs - natural[2]!.timeMs).toBeLessThan(120);
  expect(decisions.some(({ text }) => text === 'downtime-limit 2000 ms -> 4000 ms')).toBe(true);
});

test('what a policy sets must be read by the strategy', () => {
  const rest = (strategy: string): string =>
    `policy: { set-by-round: { steps: [{ round: 3, set: { cpu-throttle-increment: 30 } }] } }\nstrategies: [${strategy}]`;
  expect(refusal('', rest('none'))).toMatch(
    /none does not read cpu-throttle-increment, which the policy set-by-round/,
  );
  for (const strategy of ['auto-converge', 'computed-start', 'responsive-throttle'])
    expect(refusal('', rest(strategy))).toBe('was accepted');
});

/** 35 % of a set of one's own at the first step, where its arithmetic would begin at 20 % of the default. */
test('computed-start takes up the ladder before its first step', () => {
  const peak = (at: string): number => run(`at: [${at}]`, 'strategies: [computed-start]').maxThrottlePercent;
  expect(peak('{ after: 0s, set: { max-cpu-throttle: 25 } }')).toBe(25);
  expect(peak('')).toBeGreaterThan(25);
});

/** On QEMU_CLOCK_VIRTUAL_RT 5 s of the guest's time: 10 s of stop lie in between. */
test("auto-converge's timers stand still while the guest is stopped", () => {
  const fired: number[] = [];
  migrate(setupOf({ link: { bandwidthBytesPerSecond: 3e6 } }), 'none', {}, (controls) => {
    controls.afterRunning(5000, () => fired.push(controls.nowUs()));
    controls.after(2000, () => controls.pause());
    controls.after(12_000, () => controls.resume());
    controls.afterRunning(1000, () => fired.push(controls.nowUs()));
  });
  expect(fired[0]).toBe(1e6);
  // The thread sees the stop at its next turn, at most an iteration of 50 ms later.
  expect(abs(fired[1]! - 15e6)).toBeLessThan(0.2e6);
});

// 32 pages a window, 1.31 MB/s: pass 1 ends at 51 s, and the first tick that finds no sync is due at 60 s. From 56 to 76 s the
// guest is stopped.
test('so that no timer syncs meanwhile', () => {
  const timerSyncs = (stops: boolean): number[] => {
    const { syncs } = migrate(
      setupOf({
        guest: { vcpus: [writer({ pages: 64 * MIB, writesPerSecond: 1e6, pattern: 'sequential' })] },
        migration: { maxBandwidth: 1e6, downtimeLimitMs: 1, giveUpAfterUs: 100e6 },
      }),
      'auto-converge',
      {},
      (controls) => {
        if (!stops) return;
        controls.after(56_000, () => controls.pause());
        controls.after(76_000, () => controls.resume());
      },
    );
    return syncs.filter(({ cause }) => cause === 'timer').map(({ timeMs }) => timeMs / 1000);
  };
  expect(abs(timerSyncs(false)[0]! - 60)).toBeLessThan(0.2);
  expect(abs(timerSyncs(true)[0]! - 80)).toBeLessThan(0.3);
});
