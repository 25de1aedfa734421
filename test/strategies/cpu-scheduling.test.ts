import { describe, expect, test } from '@jest/globals';
import { workingFrequency } from '../../src/strategies/cpu-scheduling.js';
import { migrate } from '../migration/setups.js';
import { smallGuest } from './small-guest.js';

describe('the working frequency', () => {
  // At half speed 300 came back of 400 sent: 600 at full speed, and 0.5·400 = 200 are wanted: a third.
  test('is the share at which the wanted part of what is sent comes back', () => {
    expect(workingFrequency(0.5, 300, 400, 0.5)).toBeCloseTo(1 / 3, 12);
  });

  test('is reached in one step when dirtying follows run time, and then stays', () => {
    const dirtied = (share: number): number => 1000 * share;
    const first = workingFrequency(1, dirtied(1), 400, 0.5);
    expect(workingFrequency(first, dirtied(first), 400, 0.5)).toBeCloseTo(first, 12);
    expect(dirtied(first)).toBeCloseTo(200, 9);
  });

  test('is full speed when that is slow enough, and when nothing is dirtied', () => {
    expect(workingFrequency(0.2, 10, 400, 0.5)).toBe(1);
    expect(workingFrequency(0.2, 0, 400, 0.5)).toBe(1);
  });

  // At a plateau as much comes back as was sent.
  test('falls by α a sync where all that is sent comes back', () => {
    let share = 1;
    for (let i = 0; i < 3; i += 1) share = workingFrequency(share, 400, 400, 0.5);
    expect(share).toBeCloseTo(0.5 ** 3, 12);
  });
});

test('it converges in fewer syncs than the ladder of auto-converge', () => {
  const setup = smallGuest();
  const direct = migrate(setup, 'cpu-scheduling');
  const stepwise = migrate(setup, 'auto-converge');
  expect(direct.status).toBe('completed');
  expect(direct.totalTimeMs).toBeLessThan(stepwise.totalTimeMs);
});
