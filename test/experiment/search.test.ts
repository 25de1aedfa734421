import { describe, expect, test } from '@jest/globals';
import { search } from '../../src/api/search.js';
import { chooseStrategy } from '../../src/experiment/choice.js';
import { simulate } from '../../src/experiment/simulate.js';
import { parseWhere } from '../../src/experiment/search/where.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { Scenario } from '../../src/scenario/scenario.js';

function guest(set: readonly string[] = []): Scenario {
  return parseScenario(
    `
    guest: { memory: 1GiB, dirty-ring-size: 4096, vcpus: [{ name: writer, workload: { write: 400MiB/s, working-set: 128MiB } }] }
    link: { bandwidth: 1Gbit/s }
    migration: { max-bandwidth: unlimited, give-up-after: 60s, downtime-limit: 100ms }
    `,
    'guest',
    { set },
  );
}

const few = { runs: 3, memory: 'fluid' } as const;

describe('the smallest and the largest value', () => {
  test('hold in the runs that simulate makes with the same seed, and the value beyond does not', async () => {
    const found = await search(guest(), { find: 'smallest', key: 'migration.downtime-limit', ...few });
    const converge = (limit: string): boolean[] =>
      [1, 2, 3].map((run) => {
        const scenario = guest([`migration.downtime-limit=${limit}`]);
        return simulate(scenario, chooseStrategy('none'), { run, memory: 'fluid' }).converged;
      });
    expect(converge(found.answer!.text)).toEqual([true, true, true]);
    expect(found.answer!.good).toEqual([true, true, true]);
    expect(converge(found.beyond!.text)).toEqual(found.beyond!.good);
    expect(found.beyond!.holds).toBe(false);
    // They are apart by a whole millisecond or half a percent, whichever is more.
    const [low, high] = [found.beyond!.value, found.answer!.value];
    expect(high - low).toBeLessThanOrEqual(Math.max(1, 0.006 * high));
  });

  /**
   * The guest writes page after page, each one new until it comes round, so a pass of length τ dirties w·τ while that is less
   * than the set. Passes shrink for w below what TCP carries of the link, 112 MiB/s: then any limit will do in the end.
   */
  test('a sequential writer converges up to what the link carries', async () => {
    const scenario = guest([
      'guest.vcpus.writer.workload.pattern=sequential',
      'guest.vcpus.writer.workload.working-set=512MiB',
    ]);
    const key = 'guest.vcpus.writer.workload.write';
    const { answer } = await search(scenario, { find: 'largest', key, ...few });
    const carried = ((1e9 / 8) * (1448 / 1538)) / 2 ** 20;
    expect(answer!.value).toBeGreaterThan(0.9 * carried);
    expect(answer!.value).toBeLessThan(1.1 * carried);
  });

  test('are whole numbers where QEMU takes whole numbers, and powers of two above what KVM reserves where it takes those', async () => {
    const quota = await search(guest(), { find: 'largest', key: 'dirty-limit.vcpu-dirty-limit', ...few });
    for (const { text } of quota.points) expect(text).toMatch(/^\d+MiB\/s$/);
    expect(quota.strategy).toBe('dirty-limit');
    const ring = await search(guest(), {
      find: 'smallest',
      key: 'guest.dirty-ring-size',
      where: 'sent > 1MiB',
      ...few,
    });
    expect(ring.answer!.text).toBe('1024');
    for (const { value } of ring.points) expect(Number.isInteger(Math.log2(value))).toBe(true);
    const throttle = await search(guest(), {
      find: 'smallest',
      key: 'auto-converge.cpu-throttle-initial',
      ...few,
    });
    for (const { text } of throttle.points) expect(text).toMatch(/^\d+%$/);
  });

  test('stay between the ends that are given', async () => {
    const key = 'migration.downtime-limit';
    const { points } = await search(guest(), { find: 'smallest', key, from: '500ms', to: '2s', ...few });
    expect([points[0]!.text, points.at(-1)!.text]).toEqual(['500ms', '2000ms']);
  });

  test('a condition that holds in an interval only is not called monotone', async () => {
    const question = { find: 'smallest', key: 'migration.downtime-limit' } as const;
    const open = await search(guest(), { ...question, ...few });
    const blackout = open.answer!.results[0]!.blackoutMs!;
    const where = `converges and blackout <= ${Math.ceil(1.2 * blackout)}ms`;
    const closed = await search(guest(), { ...question, where, ...few });
    expect(open.notes).toEqual([]);
    expect(closed.answer!.text).toBe(open.answer!.text);
    expect(closed.notes[0]).toMatch(/^A larger value does not always hold: it does not at \d+ms/);
  });

  test('none, where no value will do', async () => {
    const key = 'migration.downtime-limit';
    const { answer, points } = await search(guest(), {
      find: 'smallest',
      key,
      where: 'total-time < 1s',
      ...few,
    });
    expect(answer).toBeNull();
    expect(points.length).toBeGreaterThan(5);
  });
});

describe('the best value', () => {
  test('is as good as any that a plain list of values has, and holds the condition', async () => {
    const key = 'auto-converge.cpu-throttle-initial';
    const { answer } = await search(guest(), { find: 'best', key, minimize: 'total-time', ...few });
    const times = [10, 30, 50, 70, 90].map((percent) => {
      const strategy = chooseStrategy('auto-converge', { 'cpu-throttle-initial': percent });
      const results = [1, 2, 3].map((run) => simulate(guest(), strategy, { run, memory: 'fluid' }));
      return results.reduce((sum, { totalTimeMs }) => sum + totalTimeMs / 3, 0);
    });
    expect(answer!.score).toBeLessThanOrEqual(Math.min(...times) * 1.01);
    expect(answer!.holds).toBe(true);
  });

  test('needs a measure', async () => {
    const question = { find: 'best', key: 'migration.downtime-limit', ...few } as const;
    await expect(search(guest(), question)).rejects.toThrow('best of what?');
  });
});

describe('what cannot be looked for', () => {
  test.each([
    ['migration.downtime-limt', /downtime-limt.*did you mean downtime-limit/],
    ['guest.vcpus.writer.workload.pattern', /takes no numbers/],
    ['guest.vcpus.reader.count', /unknown entry/],
  ])('%s', async (key, message) => {
    await expect(search(guest(), { find: 'smallest', key, ...few })).rejects.toThrow(message);
  });

  test('a condition with a mistake', async () => {
    const question = { find: 'smallest', key: 'migration.downtime-limit', ...few } as const;
    await expect(search(guest(), { ...question, where: 'converges and totl-time < 5s' })).rejects.toThrow(
      /did you mean total-time/,
    );
  });
});

test('conditions: the share of the runs is that of converges, 1 without it; statistics are of all runs', () => {
  const where = parseWhere('converges >= 95% and total-time <= 5min and p90(downtime) < 1s');
  expect(where.share).toBe(0.95);
  expect(where.each.map(({ key }) => key)).toEqual(['converged', 'total-time']);
  expect(where.together.map(({ key }) => key)).toEqual(['p90(downtime)']);
  expect(parseWhere('total-time <= 5min').share).toBe(1);
});
