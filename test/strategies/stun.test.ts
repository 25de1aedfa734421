import { parseOptions } from '../../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import { stun, whyStop } from '../../src/strategies/stun.js';
import { migrate } from '../migration/setups.js';
import { smallGuest } from './small-guest.js';
import { setupWith } from './setups.js';

const RULES = { rounds: 29, ramTimes: 3, pages: 50 };
const ROUND = { number: 5, sentBytes: 2e9, ramBytes: 1e9, dirtyPages: 5000 };

describe('the guest is stopped', () => {
  test('not while none of the three rules holds, at their very bounds included', () => {
    expect(whyStop({ number: 28, sentBytes: 3e9, ramBytes: 1e9, dirtyPages: 50 }, RULES)).toBeNull();
  });

  test.each([
    ['after round 29', { number: 29 }, /round 29 is over/],
    ['when more than three times its memory is sent', { sentBytes: 3e9 + 1 }, /more than 3 times/],
    ['when a round dirtied fewer than 50 pages', { dirtyPages: 49 }, /only 49 pages/],
  ])('%s', (_when, field, reason) => {
    expect(whyStop({ ...ROUND, ...field }, RULES)).toMatch(reason);
  });
});

test('with the stop rules alone, a guest that never settles is stopped by the first that comes true', () => {
  const rounds = migrate(smallGuest(), 'stun', { 'write-faults': 0, 'max-rounds': 4 });
  expect(rounds.status).toBe('completed');
  expect(rounds.decisions.at(-1)!.text).toMatch(/^round 4 is over/);
  // 512 MiB of RAM, then 96 MiB a round: 1024 MiB are passed with the sixth.
  const traffic = migrate(smallGuest(), 'stun', { 'write-faults': 0, 'max-ram-times': 2 });
  expect(traffic.decisions.at(-1)!.text).toMatch(/more than 2 times/);
  expect(traffic.precopyBytes).toBeGreaterThan(2 * 2 ** 29);
  // The downtime limit is not kept: what a round dirties is sent while the guest stands.
  expect(rounds.downtimeBytes).toBeGreaterThan(12.8 * 2 ** 20);
});

test('rogue writers are frozen for the rest of a round, readers never', () => {
  const result = migrate(smallGuest(), 'stun');
  expect(result.status).toBe('completed');
  const frozen = result.decisions.filter((d) => d.rule === 'stun');
  expect(frozen.some((d) => d.text.startsWith('vCPU 0 '))).toBe(true);
  expect(frozen.some((d) => d.text.startsWith('vCPU 1 '))).toBe(true);
  expect(frozen.filter((d) => /^vCPU [23]/.test(d.text))).toEqual([]);
  // The second round sends the 96 MiB of both sets in 1.5 s, in which the writers stand still.
  expect(result.vcpus[0]!.longestStallMs).toBeGreaterThan(1000);
  for (const vcpu of result.vcpus.slice(2)) expect(vcpu.throttledMs).toBe(0);
});

test('it needs the ring for stunning only', () => {
  const noRing = setupWith({ dirtyRingSize: 0 });
  expect(stun.refuses!(parseOptions(stun.options, {}), noRing)).toMatch(/dirty ring/);
  expect(stun.refuses!(parseOptions(stun.options, { 'write-faults': 0 }), noRing)).toBeNull();
});
