import { parseOptions } from '../../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import { autoConverge } from '../../src/strategies/auto-converge.js';
import { nextThrottle, type ThrottleLadder } from '../../src/strategies/kit/throttle-ladder.js';
import { FakeControls } from './fake-controls.js';
import { setupWith } from './setups.js';

const DEFAULT: ThrottleLadder = { initial: 20, increment: 10, max: 99, tailslow: false };
const TAILSLOW: ThrottleLadder = { ...DEFAULT, tailslow: true };

/** The steps from no throttle until nothing changes any more. */
function climb(ladder: ThrottleLadder, dirtyBytes = 200, limitBytes = 100): number[] {
  const steps: number[] = [];
  for (let now = 0; ;) {
    const next = nextThrottle(now, ladder, dirtyBytes, limitBytes);
    if (next === now) return steps;
    steps.push((now = next));
  }
}

/** Started with its defaults and `given` options, on a migration whose every sync but the first is bad. */
function startOn(migration: FakeControls, given: Record<string, unknown> = {}): FakeControls {
  autoConverge.start(parseOptions(autoConverge.options, given), migration);
  let bad = 0;
  migration.onSync(({ n }) => {
    if (n === 1) return;
    bad += 1;
    if (bad % 2 === 0) migration.happenDetector();
  });
  return migration;
}

describe('the ladder', () => {
  test('by default goes 20, 30 … 90 and then to 99, not 100', () => {
    expect(climb(DEFAULT)).toEqual([20, 30, 40, 50, 60, 70, 80, 90, 99]);
  });

  test('ends at max-cpu-throttle, with a shorter last step if need be', () => {
    expect(climb({ ...DEFAULT, initial: 50, increment: 20, max: 85 })).toEqual([50, 70, 85]);
  });

  test('never leaves 1 to 99', () => {
    expect(climb({ ...DEFAULT, increment: 99, max: 100 })).toEqual([20, 99]);
  });
});

describe('tailslow', () => {
  test('does not change the first step', () => {
    expect(nextThrottle(0, TAILSLOW, 1000, 999)).toBe(20);
  });

  // At 50 % the guest has 50 points of CPU. To dirty 90 instead of 100 it may keep 45 of them: 5 points suffice.
  test('steps no further than to the CPU share that just meets the threshold', () => {
    expect(nextThrottle(50, TAILSLOW, 100, 90)).toBe(55);
  });

  // At 90 % it has 10 points; 0.75 of them are 7.5, of which the whole number, 7, is kept: a step of 3.
  test('truncates the share that is kept, not the step', () => {
    expect(nextThrottle(90, TAILSLOW, 100, 75)).toBe(93);
  });

  // At 20 % it has 80 points and should have 40: a step of 40, but the increment is 10.
  test('never steps further than the increment', () => {
    expect(nextThrottle(20, TAILSLOW, 200, 100)).toBe(30);
  });

  // When twice too much is dirtied, half of what is left is taken: from 90 (10 points left) 5, then ceil(5/2) = 3, 1, 0…
  test('comes to rest only at 99, by ever smaller steps', () => {
    expect(climb(TAILSLOW)).toEqual([20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99]);
  });
});

describe('attached to a migration', () => {
  test('all vCPUs are throttled at every second bad sync, and never eased', () => {
    const migration = startOn(new FakeControls({ qemu: '8.2' }));
    for (let n = 1; n <= 23; n++) {
      migration.runUntilMs(n * 1000);
      migration.happenSync(n === 1 ? 'setup' : 'natural');
    }
    // Syncs 2 and 3 make the first step at sync 3, 4 and 5 the next at sync 5, and so on; after 99 nothing is left to do.
    expect(migration.calls).toEqual(
      [20, 30, 40, 50, 60, 70, 80, 90, 99].map((percent, step) => `${3 + 2 * step} throttle all ${percent}`),
    );
  });

  // Measured on QEMU 10.0 with a limit of 8 MB/s: natural syncs at 0, 11.4 and 54.3 s, all others by the timer.
  test('the timer of 9.2 makes the syncs and steps that real QEMU made', () => {
    const migration = startOn(new FakeControls({ qemu: '10.0' }));
    migration.happenSync('setup');
    migration.runUntilMs(11_400);
    migration.happenSync();
    migration.runUntilMs(54_300);
    migration.happenSync();
    migration.runUntilMs(79_000);
    // Ticks at 5 and 10 s: the first pass. At 15 and 55 s: a natural sync came since the tick before.
    expect(migration.calls).toEqual([
      ...['20 sync timer', '20 throttle all 20', '25 sync timer'],
      ...['30 sync timer', '30 throttle all 30', '35 sync timer'],
      ...['40 sync timer', '40 throttle all 40', '45 sync timer'],
      ...['50 sync timer', '50 throttle all 50'],
      ...['60 sync timer', '60 throttle all 60', '65 sync timer'],
      ...['70 sync timer', '70 throttle all 70', '75 sync timer'],
    ]);
  });

  // The count is stored after a tick's own sync, so this sync does not keep the next tick from syncing.
  test('a timer sync is no reason to skip the next tick', () => {
    const migration = startOn(new FakeControls({ qemu: '9.2' }), { 'max-cpu-throttle': 20 });
    migration.happenSync('setup');
    migration.happenSync();
    migration.runUntilMs(15_000);
    expect(migration.calls.filter((call) => call.endsWith('sync timer'))).toEqual([
      '10 sync timer',
      '15 sync timer',
    ]);
  });

  // QEMU arms the timer anew when the tick's work is done: syncs of 100 ms make a period of 5.1 s.
  test('the timer counts from the end of its own sync', () => {
    const migration = startOn(new FakeControls({ qemu: '9.2', syncMs: 100 }));
    migration.happenSync('setup');
    migration.happenSync();
    migration.runUntilMs(21_000);
    expect(migration.calls.filter((call) => call.endsWith('sync timer'))).toEqual([
      '10 sync timer',
      '15.1 sync timer',
      '20.2 sync timer',
    ]);
  });

  test.each(['7.2', '8.2'] as const)('there is no timer in QEMU %s', (qemu) => {
    const migration = startOn(new FakeControls({ qemu }));
    migration.happenSync('setup');
    migration.happenSync();
    migration.runUntilMs(100_000);
    expect(migration.calls).toEqual([]);
  });

  test('every step is explained, with the rule that took it', () => {
    const migration = startOn(new FakeControls());
    migration.happenDetector(300 * 2 ** 20, 100 * 2 ** 20);
    expect(migration.explanations).toEqual(['mig_throttle_guest_down: throttle 0 -> 20 %']);
  });
});

test('a ceiling below the first step is refused', () => {
  const options = parseOptions(autoConverge.options, { 'cpu-throttle-initial': 60, 'max-cpu-throttle': 50 });
  expect(autoConverge.refuses!(options, setupWith())).toBe(
    'max-cpu-throttle (50) must be between cpu-throttle-initial (60) and 99',
  );
});

test('it needs no dirty ring', () => {
  expect(
    autoConverge.refuses!(parseOptions(autoConverge.options, {}), setupWith({ dirtyRingSize: 0 })),
  ).toBeNull();
});
