import { describe, expect, test } from '@jest/globals';
import { ResponsiveDetector } from '../../src/strategies/responsive-throttle.js';
import { migrate } from '../migration/setups.js';
import { smallGuest } from './small-guest.js';

/** The verdicts on syncs of which this share came back, in percent of 1000 bytes, at a threshold of 50 %. */
function verdicts(responsive: boolean, ...percents: number[]): (string | null)[] {
  const detector = new ResponsiveDetector(responsive, 50);
  return percents.map((percent) => detector.judge(percent * 10, 1000, 500));
}

describe('the detector', () => {
  test('without the second criterion acts at every second bad sync, as QEMU does', () => {
    expect(verdicts(false, 90, 90, 90, 90, 90)).toEqual([null, 'rate', null, 'rate', null]);
    expect(verdicts(false, 90, 10, 90)).toEqual([null, null, 'rate']);
  });

  // The first sync has nothing to be compared with. From the second on each is a strike of both kinds, one sync apart.
  test('with it acts at every sync once the two counts are out of step', () => {
    expect(verdicts(true, 90, 90, 90, 90, 90)).toEqual([null, 'rate', 'ratio', 'rate', 'ratio']);
  });

  // A good first sync is the reference of the second: both counts then begin with the same sync and stay in step.
  test('gains nothing when the first judged sync is good', () => {
    expect(verdicts(true, 30, 90, 90, 90, 90)).toEqual(verdicts(false, 30, 90, 90, 90, 90));
  });

  test('does not count a share that shrinks', () => {
    expect(verdicts(true, 99, 98, 97, 96, 95)).toEqual(verdicts(false, 99, 98, 97, 96, 95));
  });

  test('counts whole percent: 90.9 after 90.1 is no growth, and no shrinking either', () => {
    expect(verdicts(true, 90.9, 90.1, 90.9)).toEqual([null, 'rate', 'ratio']);
  });

  test('does not count what grows below the threshold', () => {
    expect(verdicts(true, 10, 20, 30, 40, 50)).toEqual([null, null, null, null, null]);
  });
});

test('without its criterion it is auto-converge', () => {
  const setup = smallGuest();
  const {
    strategy: _own,
    decisions,
    ...rest
  } = migrate(setup, 'responsive-throttle', { 'cpu-throttle-responsive': false });
  const { strategy: _other, decisions: others, ...expected } = migrate(setup, 'auto-converge');
  expect(rest).toEqual(expected);
  expect(decisions.map((d) => d.text)).toEqual(others.map((d) => d.text));
});

test('with it, it is never later with a step', () => {
  const setup = smallGuest();
  const steps = migrate(setup, 'responsive-throttle').decisions.map((d) => d.timeMs);
  const stepwise = migrate(setup, 'auto-converge').decisions.map((d) => d.timeMs);
  expect(steps.length).toBeGreaterThan(0);
  steps.forEach((time, i) => expect(time).toBeLessThanOrEqual(stepwise[i] ?? Infinity));
});
