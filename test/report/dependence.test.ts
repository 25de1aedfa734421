import { describe, expect, test } from '@jest/globals';
import { compare } from '../../src/experiment/compare.js';
import { dependenceLines } from '../../src/report/terminal/dependence-text.js';
import { parseScenario } from '../../src/scenario/parse.js';

function linesOf(write: string, more = ''): string[] {
  const text = `
guest: { memory: 512MiB, vcpus: [{ name: writer, workload: { write: ${write}, working-set: 128MiB } }] }
link: { bandwidth: 1Gbit/s }
migration: { downtime-limit: 300ms, give-up-after: 60s }
${more}`;
  return dependenceLines(compare(parseScenario(text, 'dependence.yaml'), { memory: 'fluid' }));
}

describe('what a single run depends on', () => {
  test('of an idle guest is the link alone, in proportion', () => {
    const [first, second] = linesOf('1KiB/s');
    const [, less, more] = /tenth less ([\d.]+) s, with a tenth more ([\d.]+) s; measure it with iperf3/.exec(
      first!,
    )!;
    // Nearly all of its time is memory over the link: 1.1 to 0.9.
    expect(Number(less) / Number(more)).toBeCloseTo(1.1 / 0.9, 1);
    expect(second ?? '').not.toContain('writes');
  });

  test('names the verdict where a fifth more or fewer writes turn it, and how to measure them', () => {
    // Of a set S written at w over a link B, a plateau x leaves S(1 - exp(-w x/(S B))). At x = 34 MB, what 300 ms carry,
    // S = 134 MB and B = 113 MB/s that is w = 131 MB/s: a fifth around 120 MiB/s has it inside.
    const turning = ['110MiB/s', '120MiB/s', '130MiB/s'].map((write) => linesOf(write));
    const [first] = turning.find(([line]) => line?.includes('The answer turns here') === true) ?? [];
    expect(first).toMatch(/depends most on this: with a (fifth fewer writes|link).*does not converge/);
    expect(turning.flat().join(' ')).toContain('measure it with calc-dirty-rate (migsim measure)');
  });

  test('says so where nothing of it makes a migration converge', () => {
    expect(linesOf('900MiB/s')).toEqual([
      'neither a fifth fewer writes nor a link that carries a tenth more makes it converge.',
    ]);
  });

  test('is left to the draws where several runs draw', () => {
    const scenario = parseScenario(
      'guest: { memory: 64MiB, vcpus: [{ workload: idle }] }\nlink: { bandwidth: 1Gbit/s }\n',
      'several.yaml',
    );
    expect(dependenceLines(compare(scenario, { memory: 'fluid', runs: 2 }))).toEqual([]);
  });
});
