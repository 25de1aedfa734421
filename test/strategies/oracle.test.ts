import { describe, expect, test } from '@jest/globals';
import { lostWorkSeconds, regretSeconds } from '../../src/experiment/regret.js';
import { classesOf } from '../../src/strategies/oracle.js';
import { strategies, type StrategyName } from '../../src/strategies/index.js';
import { migrate } from '../migration/setups.js';
import { smallGuest } from './small-guest.js';

describe('what the oracle knows', () => {
  const { guest } = smallGuest();

  test('are the pages that are written, by whom and how often', () => {
    const classes = classesOf(guest);
    expect(classes.map(({ pages }) => pages)).toEqual([48 * 256, 48 * 256]);
    expect(classes.map(({ touches }) => touches)).toEqual([
      [2, 0, 0, 0],
      [0, 2, 0, 0],
    ]);
  });

  test('is one class where several vCPUs write the same pages', () => {
    const [first, second] = guest.vcpus;
    const shared = { ...guest, vcpus: [first!, first!, second!] };
    expect(classesOf(shared).map(({ touches }) => touches)).toEqual([
      [2, 2, 0],
      [0, 0, 2],
    ]);
  });
});

describe('the bound', () => {
  const setup = smallGuest();
  const oracle = migrate(setup, 'oracle');

  // 96·(1 − 64/192) = 64 MiB settle, 12.8 may be left: 51.2 MiB at 64 MiB/s, for two vCPUs.
  test("is the law's: twice the time that what settles takes to send", () => {
    const { text } = oracle.decisions.find((d) => d.text.startsWith('least run time'))!;
    const seconds = /: (\d+(\.\d+)?) s$/.exec(text)!;
    expect(Number(seconds[1]) / (2 * 0.8)).toBeCloseTo(1, 1);
  });

  test('is kept by the run itself but for tracking, syncs and blackout', () => {
    const beyond = lostWorkSeconds(oracle) - (4 * oracle.blackoutMs!) / 1000;
    expect(beyond).toBeGreaterThan(1.6 * 0.95);
    expect(beyond).toBeLessThan(1.6 * 1.25);
  });

  const others = (Object.keys(strategies) as StrategyName[]).filter(
    (name) => name !== 'none' && name !== 'oracle',
  );
  test.each(others)('%s loses no less', (name) => {
    const regret = regretSeconds(migrate(setup, name), oracle);
    if (regret !== null) expect(regret).toBeGreaterThan(-0.02 * lostWorkSeconds(oracle));
  });
});

// At full speed for 8 s of each 12, then quiet: 64 MiB/s send in the quiet seconds what has settled.
test('it waits for the moment that others cannot know of', () => {
  const setup = smallGuest();
  const phases = [
    { atUs: 0, writeFactor: 1, readFactor: 1 },
    { atUs: 11_200_000, writeFactor: 0.05, readFactor: 1 },
  ];
  const vcpus = setup.guest.vcpus.map((vcpu) => ({ ...vcpu, phases, phasePeriodUs: 12_000_000 }));
  const guest = { ...setup.guest, vcpus };
  const oracle = migrate({ ...setup, guest }, 'oracle');
  const steady = migrate(setup, 'oracle');
  expect(oracle.status).toBe('completed');
  expect(lostWorkSeconds(oracle)).toBeLessThan(lostWorkSeconds(steady) / 2);
});

test('it needs no dirty ring', () => {
  expect(migrate(smallGuest({ dirtyRingSize: 0 }), 'oracle').status).toBe('completed');
});
