import { describe, expect, test } from '@jest/globals';
import { compare } from '../../src/experiment/compare.js';
import { drawOf } from '../../src/random/draws.js';
import { drawSetup } from '../../src/scenario/draw.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { PAGE_BYTES } from '../../src/guest/spec.js';
import { mean } from '../../src/stats/summary.js';

function scenario(set: readonly string[] = []) {
  const text = `
guest:
  memory: 512MiB
  vcpus:
    - { name: writer, workload: { write: 50MiB/s, working-set: 64MiB } }
    - { name: reader, count: 2, workload: { read: 50MiB/s, working-set: 64MiB } }
host: { variability: none }
link: { bandwidth: 10Gbit/s, efficiency: 100% }
strategies: [none, auto-converge]
`;
  return parseScenario(text, 'uncertain.yaml', { set });
}

const MIB = 2 ** 20;
const WRITE = 'guest.vcpus.writer.workload.write';

/** What the writer of run 1 to `runs` writes, MiB/s. */
function drawnWrites(set: readonly string[], runs: number): number[] {
  const from = scenario(set);
  return Array.from({ length: runs }, (_, i) => {
    const { guest } = drawSetup(from, 1, i + 1);
    return (guest.vcpus[0]!.classes[0]!.writesPerSecond * PAGE_BYTES) / MIB;
  });
}

describe('an uncertain value', () => {
  test('is its median in the setup, and between its ends in every draw', () => {
    const set = [`${WRITE}=40..80MiB/s`];
    expect(scenario(set).setup).toEqual(scenario([`${WRITE}=60MiB/s`]).setup);
    const writes = drawnWrites(set, 200);
    expect(Math.min(...writes)).toBeGreaterThanOrEqual(40);
    expect(Math.max(...writes)).toBeLessThanOrEqual(80);
    // The mean of 200 even draws has a standard error of 40 / sqrt(12 · 200) = 0.82.
    expect(Math.abs(mean(writes) - 60)).toBeLessThan(4 * 0.82);
  });

  test('behind a YAML anchor is one quantity in all its places; the same text twice is two', () => {
    const guestWith = (second: string) =>
      parseScenario(
        `
guest:
  memory: 512MiB
  vcpus:
    - { workload: { write: 50MiB/s, working-set: 64MiB }, cpu: &cpu { normal: [80%, 5%] } }
    - { workload: { write: 20MiB/s, working-set: 64MiB }, cpu: ${second} }
link: { bandwidth: 10Gbit/s }
`,
        'anchor.yaml',
      );
    const one = guestWith('*cpu');
    expect(one.uncertainty.values.map(({ key }) => key)).toEqual(['guest.vcpus.0.cpu']);
    const [first, second] = drawSetup(one, 1, 3).guest.vcpus;
    expect(first!.busy).not.toBeCloseTo(0.8, 6);
    expect(second!.busy).toBe(first!.busy);
    const two = drawSetup(guestWith('{ normal: [80%, 5%] }'), 1, 3).guest.vcpus;
    expect(two[0]!.busy).toBe(first!.busy);
    expect(two[1]!.busy).not.toBe(first!.busy);
  });

  test.each([
    ['{ normal: [60MiB/s, 10%] }', 42, 78],
    ['{ normal: [60MiB/s, 6MiB/s] }', 42, 78],
    ['{ lognormal: [60MiB/s, 10%] }', 60 * Math.exp(-0.3), 60 * Math.exp(0.3)],
    ['{ any-of: [80MiB/s, 40MiB/s, 60MiB/s] }', 40, 80],
    ['0.05GiB/s..70MiB/s', 51.2, 70],
  ])('can be written as %s', (form, low, high) => {
    const writes = drawnWrites([`${WRITE}=${form}`], 50);
    expect(Math.min(...writes)).toBeGreaterThanOrEqual(low - 0.01);
    expect(Math.max(...writes)).toBeLessThanOrEqual(high + 0.01);
    expect(new Set(writes).size).toBeGreaterThan(2);
  });

  test('is met by weight', () => {
    const writes = drawnWrites([`${WRITE}={ any-of: [40MiB/s, 80MiB/s], weights: [3, 1] }`], 400);
    const share = writes.filter((write) => Math.round(write) === 40).length / 400;
    // Standard error sqrt(3/16 / 400) = 0.022.
    expect(Math.abs(share - 0.75)).toBeLessThan(4 * 0.022);
  });

  test('stands for one draw of all vCPUs of its group, whole where QEMU takes whole numbers', () => {
    const from = scenario([
      'guest.vcpus.reader.workload.read=10..90MiB/s',
      'guest.vcpus.reader.count=1..3',
      'guest.memory=1..2GiB',
      'migration.downtime-limit=0.1..0.3s',
    ]);
    for (let run = 1; run <= 20; run++) {
      const { guest, migration } = drawSetup(from, 1, run);
      const readers = guest.vcpus.filter(({ group }) => group === 'reader');
      expect(new Set(readers.map(({ classes }) => classes[0]!.readsPerSecond)).size).toBe(1);
      expect([1, 2, 3]).toContain(readers.length);
      expect(guest.ramPages % ((1024 * MIB) / PAGE_BYTES)).toBe(0);
      expect(Number.isInteger(migration.downtimeLimitMs)).toBe(true);
    }
  });

  test('is drawn from a stream of its own, whatever else is uncertain', () => {
    const alone = drawnWrites([`${WRITE}=40..80MiB/s`], 5);
    expect(drawnWrites([`${WRITE}=40..80MiB/s`, 'link.latency=1..5ms'], 5)).toEqual(alone);
    expect(drawOf(WRITE, 1, 1)).not.toBe(drawOf(WRITE, 1, 2));
    expect(drawOf(WRITE, 1, 1)).not.toBe(drawOf('link.latency', 1, 1));
  });

  test('leaves what a program changed as it is', () => {
    const from = scenario([`${WRITE}=40..80MiB/s`, 'link.latency=1..5ms']);
    const link = { ...from.setup.link, bandwidthBytesPerSecond: 1e6 };
    const drawn = drawSetup({ ...from, setup: { ...from.setup, link } }, 1, 1);
    expect(drawn.link).toBe(link);
    expect(drawn.guest).toEqual(drawSetup(from, 1, 1).guest);
  });
});

test('a single run meets the median, several draw, and all strategies of a run meet the same', () => {
  const uncertain = scenario([`${WRITE}=10..200MiB/s`]);
  const certain = scenario([`${WRITE}=105MiB/s`]);
  const totals = (from: typeof certain, runs: number) =>
    compare(from, { runs, memory: 'fluid' }).strategies.map(({ results }) =>
      results.map((r) => r.totalTimeMs),
    );
  expect(totals(uncertain, 1)).toEqual(totals(certain, 1));
  const [none, converge] = compare(uncertain, { runs: 6, memory: 'fluid' }).strategies;
  const written = none!.results.map(({ normalPages }) => normalPages);
  expect(new Set(written).size).toBe(6);
  // Without a throttle auto-converge is plain pre-copy: any difference would be another guest.
  for (const [i, result] of converge!.results.entries())
    if (result.maxThrottlePercent === 0) expect(result.normalPages).toBe(written[i]);
});

test.each([
  ['guest.memory=8..4GiB', 'guest.memory: expected a range that rises'],
  ['link.latency=1ms..2MiB', 'link.latency: ms and MiB do not go together'],
  ['link.bandwidth={ normal: [1Gbit/s, 50%] }', 'link.bandwidth: three standard deviations below the mean'],
  ['link.bandwidth={ normal: 1Gbit/s }', 'link.bandwidth: expected [middle, standard deviation]'],
  ['link.bandwidth={ lognormal: [1Gbit/s, 1Mbit/s] }', 'the second in %'],
  ['link.latency={ any-of: [1ms] }', 'link.latency: expected { any-of: [4GiB, 8GiB] }'],
  ['link.latency={ any-of: [1ms, 2ms], weights: [1] }', 'link.latency: weights: expected 2 numbers'],
  ['link.latency={ any-of: [1ms, 2MiB] }', 'link.latency: unknown unit "MiB"'],
  ['guest.vcpus.writer.workload.working-set=64MiB..4GiB', 'there is no room for a working set'],
])('--set %s is refused: %s', (set, message) => {
  expect(() => scenario([set])).toThrow(message);
});

// The middle of a range is nothing that anybody has typed.
test.each([
  ['500..700', '"500..700" lacks a unit'],
  ['1..3GB', 'unknown unit "GB" in "1..3GB"; did you mean 1..3GB/s?'],
])('what is wrong with %s quotes it', (write, says) => {
  const text = `guest: { memory: 4GiB, vcpus: [{ workload: { write: ${write}, working-set: 1GiB } }] }\n`;
  expect(() => parseScenario(`${text}link: { bandwidth: 1Gbit/s }\n`, 'x.yaml')).toThrow(says);
});
