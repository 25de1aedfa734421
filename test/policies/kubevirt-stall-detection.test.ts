import { describe, expect, test } from '@jest/globals';
import { kubevirtStallDetection } from '../../src/policies/kubevirt-stall-detection.js';
import { FakeMigration, MIB } from './fake-migration.js';

const GBPS = 8000;
/** Bytes that 8 Gbit/s carry in a ms. */
const BYTES_PER_MS = 1e6;

/** Passes of 1 s that leave what the curve says, for so long; the downtime-limits and actions of the policy. */
function run(curve: (s: number) => number, given: Record<string, unknown> = {}, untilS = 300): FakeMigration {
  const migration = FakeMigration.under(kubevirtStallDetection, given);
  migration.mbps = GBPS;
  for (let s = 1; s <= untilS; s++) {
    migration.runUntilMs(s * 1000);
    if (migration.status === 'active') migration.endPass(Math.round(curve(s)));
  }
  return migration;
}

/** Goes up and down between 400 and 600 ms worth of bytes, every 8 s. */
const oscillating = (s: number): number => (500 + 100 * Math.sin((2 * Math.PI * s) / 8)) * BYTES_PER_MS;

describe('on a curve that oscillates and gains nothing', () => {
  // The low of 400 ms is at 6, 14, 22 … s. The one at 6 s leaves the window at 46 s, which is a low as well: stalled and at
  // the low, with an implied pause within 1.5 times 900 ms.
  test('sets max-downtime at the first low after the stall was found', () => {
    const migration = run(oscillating, {}, 60);
    const [first, second] = migration.takeLimits();
    expect(first).toBe('0 300');
    const [time, limit] = second!.split(' ').map(Number);
    expect(limit).toBe(900);
    expect(time! % 8).toBe(6);
    expect(time!).toBeLessThanOrEqual(46);
  });

  // 60 s after the limit was raised, in whole seconds and strictly more.
  test('aborts when that has not ended it within the switchover timeout', () => {
    const calls = run(oscillating).takeLimits();
    const raisedAt = Number(calls[1]!.split(' ')[0]);
    expect(calls).toHaveLength(3);
    expect(calls[2]).toMatch(/ cancel not completed after \d+ seconds$/);
    expect(Math.floor(Number(calls[2]!.split(' ')[0])) - raisedAt).toBe(61);
  });

  test('goes post-copy at the low where that is allowed', () => {
    const [, call] = run(oscillating, { 'allow-post-copy': true }).takeLimits();
    expect(call).toMatch(/^\d+ startPostcopy$/);
    expect(Number.parseFloat(call!) % 8).toBe(6);
  });

  test('stops the guest by the largest downtime-limit where only that is allowed', () => {
    const [, call] = run(oscillating, { 'allow-workload-disruption': true }).takeLimits();
    expect(call).toMatch(/^\d+ 2000000$/);
  });

  // 400 ms are more than 1.5 * 250 ms.
  test('aborts at once where the implied pause is hopeless', () => {
    const calls = run(oscillating, { 'max-downtime': '250ms' }).takeLimits();
    expect(calls[0]).toBe('0 250');
    expect(calls[1]).toMatch(/ cancel a pause of 400 ms is more than 1.5 x 250 ms$/);
  });
});

test('while what is left keeps falling nothing is done', () => {
  const migration = run((s) => 4e9 * 0.97 ** s, {}, 120);
  expect(migration.takeLimits()).toEqual(['0 300']);
});

describe('at the completion timeout', () => {
  // Falling all the time, so never stalled; 4 GiB have 5 units of 10 s.
  const falling = (s: number): number => 40e9 * 0.99 ** s;
  const late = { 'completion-timeout-per-gib': '10s' };

  test('it aborts', () => {
    const calls = run(falling, late).takeLimits();
    expect(calls.at(-1)).toMatch(/^51\S* cancel not completed after 51 seconds$/);
  });

  // 40e9 * 0.99^50 = 24e9 bytes would take 24 s at 8 Gbit/s, and there are 100 - 51 s.
  test('it goes post-copy if allowed and in time', () => {
    const calls = run(falling, { ...late, 'allow-post-copy': true }).takeLimits();
    expect(calls.at(-1)).toMatch(/^51\S* startPostcopy$/);
  });

  // Ten times as much would take 240 s: too long, so nobody is sent on that way.
  test('it aborts even if post-copy is allowed when the link is too slow for it', () => {
    const calls = run((s) => 10 * falling(s), { ...late, 'allow-post-copy': true }).takeLimits();
    expect(calls.at(-1)).toMatch(/^51\S* cancel /);
  });
});

// The bandwidth is sampled at polls only, and a poll comes 400 ms after whatever came last: with passes of 300 ms there is none,
// the bandwidth stays unknown, and no stall is found.
test('passes shorter than 400 ms leave no time for a poll', () => {
  const migration = FakeMigration.under(kubevirtStallDetection);
  migration.mbps = GBPS;
  for (let ms = 300; ms <= 200_000; ms += 300) {
    migration.runUntilMs(ms);
    migration.endPass(500 * MIB);
  }
  expect(migration.takeLimits()).toEqual(['0 300']);
});
