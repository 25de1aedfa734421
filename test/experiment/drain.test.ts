import { describe, expect, test } from '@jest/globals';
import { type Drain, type DrainGuest, drain, fairShares } from '../../src/experiment/drain.js';
import { simulate } from '../../src/experiment/simulate.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { inProcess } from '../cli/migsim.js';

const LINK = 1e9 / 8;

function guest(memory: string, more = ''): DrainGuest {
  const text = `
guest: { memory: ${memory}, vcpus: [{ workload: { write: 5MiB/s, working-set: 16MiB } }] }
link: { bandwidth: 1Gbit/s, efficiency: 100%${more} }
migration: { max-bandwidth: unlimited }
strategies: [none]`;
  const scenario = parseScenario(text, `${memory}.yaml`);
  return { scenario, strategy: scenario.strategies[0]! };
}

function capped(memory: string, limit: string): DrainGuest {
  const text = `
guest: { memory: ${memory}, vcpus: [{ workload: idle }] }
link: { bandwidth: 1Gbit/s, efficiency: 100% }
migration: { max-bandwidth: ${limit} }`;
  const scenario = parseScenario(text, `${memory}.yaml`);
  return { scenario, strategy: scenario.strategies[0]! };
}

describe('fair shares', () => {
  test.each([
    [[Infinity], [12]],
    [
      [Infinity, Infinity, Infinity],
      [4, 4, 4],
    ],
    // Who needs 2 leaves 10 to the two others.
    [
      [Infinity, 2, Infinity],
      [5, 2, 5],
    ],
    [
      [3, 2, Infinity],
      [3, 2, 7],
    ],
    // Nobody can use more than 5 in all: the other 7 are spread.
    [
      [3, 2],
      [6.5, 5.5],
    ],
  ])('of 12 among those who can use %j are %j', (limits, shares) => {
    expect(fairShares(12, limits)).toEqual(shares);
  });
});

/** What all guests have of the link together just after `ms`. */
function togetherAt({ guests }: Drain, ms: number): number {
  return guests
    .filter(({ startMs, endMs }) => startMs <= ms && ms < endMs)
    .map(({ shares }) => shares.findLast(({ fromMs }) => fromMs <= ms)!.bytesPerSecond)
    .reduce((sum, share) => sum + share, 0);
}

describe('a drain', () => {
  const guests = [guest('256MiB'), guest('128MiB'), guest('512MiB'), guest('64MiB')];

  test('one after the other takes what the guests take alone, one behind the other', () => {
    const { guests: drained, totalTimeMs } = drain(guests, { parallel: 1, memory: 'fluid' });
    let sum = 0;
    for (const [index, { scenario, strategy }] of guests.entries()) {
      const alone = simulate(scenario, strategy, { run: index + 1, memory: 'fluid', draw: false });
      expect(drained[index]).toMatchObject({ startMs: sum, endMs: sum + alone.totalTimeMs, result: alone });
      sum += alone.totalTimeMs;
    }
    expect(totalTimeMs).toBe(sum);
  });

  test.each([2, 3, 4])('%i at a time gives away the whole link and never more of it', (parallel) => {
    const result = drain(guests, { parallel, memory: 'fluid' });
    const moments = result.guests.flatMap(({ startMs, endMs }) => [startMs, endMs]);
    for (const ms of moments.filter((moment) => moment < result.totalTimeMs))
      expect(togetherAt(result, ms) / LINK).toBeCloseTo(1, 9);
    for (const { startMs } of result.guests) {
      const atOnce = result.guests.filter((other) => other.startMs <= startMs && startMs < other.endMs);
      expect(atOnce.length).toBeLessThanOrEqual(parallel);
    }
    // All bytes went over the link, which carries so many in that time and no more.
    const sent = result.guests.reduce((sum, one) => sum + one.result.sentBytes, 0);
    expect(sent).toBeLessThanOrEqual((result.totalTimeMs / 1e3) * LINK);
  });

  test('of twins: each gets half of the link, until the first is through', () => {
    const [a, b] = drain([capped('256MiB', 'unlimited'), capped('512MiB', 'unlimited')], {
      parallel: 2,
      memory: 'fluid',
    }).guests;
    expect(a!.shares).toEqual([{ fromMs: 0, bytesPerSecond: LINK / 2 }]);
    expect(b!.shares).toEqual([
      { fromMs: 0, bytesPerSecond: LINK / 2 },
      { fromMs: a!.endMs, bytesPerSecond: LINK },
    ]);
    // Idle memory goes once: the second has as much left as the first had, at twice the rate.
    expect((b!.endMs - a!.endMs) / a!.endMs).toBeCloseTo(0.5, 1);
  });

  test('leaves to others what max-bandwidth keeps a guest from using', () => {
    const [a, b] = drain([capped('64MiB', '25MB/s'), capped('512MiB', 'unlimited')], {
      parallel: 2,
      memory: 'fluid',
    }).guests;
    expect(a!.shares[0]!.bytesPerSecond).toBe(25e6);
    expect(b!.shares[0]!.bytesPerSecond).toBe(LINK - 25e6);
  });

  test('starts the next guest when one is through, at the same instant', () => {
    const { guests: drained } = drain(guests, { parallel: 2, memory: 'fluid' });
    const ends = drained.map(({ endMs }) => endMs);
    for (const { startMs } of drained.slice(2)) expect(ends).toContain(startMs);
    expect(drained.slice(0, 2).map(({ startMs }) => startMs)).toEqual([0, 0]);
  });

  test('needs one steady link', () => {
    const other = parseScenario(
      'guest: { memory: 64MiB, vcpus: [{}] }\nlink: { bandwidth: 2Gbit/s }',
      'x.yaml',
    );
    const phased = guest('64MiB', ', phases: [{ from: 1s, bandwidth: 1Mbit/s }]');
    const strategy = other.strategies[0]!;
    expect(() => drain([guests[0]!, { scenario: other, strategy }], { parallel: 2 })).toThrow(
      'the same link',
    );
    expect(() => drain([phased], { parallel: 1 })).toThrow('expected a steady link');
  });
});

describe('migsim drain', () => {
  const file = 'test/cli/small.yaml';

  test('shows both ways', async () => {
    const words = ['drain', file, '--copies', '3', '--strategy', 'auto-converge', '--memory', 'fluid'];
    const { status, stdout } = await inProcess(words);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^One after the other: .* all moved$/m);
    expect(stdout).toMatch(/^3 at a time: /m);
    expect(stdout.match(/^small +auto-converge/gm)).toHaveLength(6);
  });

  test.each([
    [['drain', file, '--mode', 'serail'], 'did you mean serial?'],
    [['drain', file, '--strategy', 'none', '--copies', '0'], '--copies: expected a whole number from 1'],
  ])('%j', async (words, said) => {
    const { status, stderr } = await inProcess(words);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(said) });
  });
});
