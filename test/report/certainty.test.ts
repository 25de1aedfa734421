import { describe, expect, test } from '@jest/globals';
import { compare } from '../../src/experiment/compare.js';
import { certaintyLines } from '../../src/report/terminal/kit/certainty.js';
import { parseScenario } from '../../src/scenario/parse.js';

function scenario(write: string, limit: string) {
  const text = `
guest: { memory: 512MiB, vcpus: [{ name: writer, workload: { write: ${write}, working-set: 128MiB } }] }
host: { variability: none }
link: { bandwidth: 1Gbit/s, latency: 100..110us }
migration: { downtime-limit: ${limit}, give-up-after: 60s }
`;
  return parseScenario(text, 'certainty.yaml');
}

describe('what stands below a comparison of several runs', () => {
  test('nothing below a single run', () => {
    expect(certaintyLines(compare(scenario('10..90MiB/s', '300ms'), { memory: 'fluid' }))).toEqual([]);
  });

  test('the band, and the input that total time depends on; not one without effect', () => {
    const text = certaintyLines(
      compare(scenario('10..60MiB/s', '300ms'), { runs: 20, memory: 'fluid' }),
    ).join('\n');
    expect(text).toMatch(/none: 90 % band of a migration: total time .* to .*, downtime .* to /);
    expect(text).toMatch(
      /\d+ % of the spread of total time comes from guest\.vcpus\.writer\.workload\.write; measure it with calc-dirty-rate/,
    );
    expect(text).not.toMatch(/borderline/);
  });

  test('no band where nothing is drawn', () => {
    const steady = parseScenario(
      'guest: { memory: 256MiB, vcpus: [{ count: 1, workload: idle }] }\nhost: { variability: none }\nlink: { bandwidth: 1Gbit/s }\n',
      'steady.yaml',
    );
    expect(certaintyLines(compare(steady, { runs: 3, memory: 'fluid' }))).toEqual([]);
  });

  test('a verdict that draws do not agree on is a borderline case', () => {
    const comparison = compare(scenario('10..300MiB/s', '300ms'), { runs: 20, memory: 'fluid' });
    const converged = comparison.strategies[0]!.results.filter((result) => result.converged).length;
    expect(converged).toBeGreaterThan(2);
    expect(converged).toBeLessThan(18);
    const line = certaintyLines(comparison).find((one) => one.includes('borderline'));
    expect(line).toContain(`none: a borderline case, which converges in ${converged} of 20 draws.`);
    // Nothing else is drawn that could decide.
    expect(line).toMatch(/What decides it: guest\.vcpus\.writer\.workload\.write \(\d+ % of it\)\.$/);
  });
});
