/** What common random numbers gain: where runs draw how a host varies, strategies share most of their spread. */
import { expect, test } from '@jest/globals';
import { compare } from '../../src/experiment/compare.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { meanInterval, pairedInterval } from '../../src/stats/interval.js';

const TEXT = `
guest: { memory: 512MiB, vcpus: [{ count: 2, workload: { write: 30MiB/s, working-set: 64MiB } }] }
link: { bandwidth: 1Gbit/s }
strategies: [none, auto-converge]
`;
const RUNS = 30;

/** Half the interval of the mean difference of total time without pairs, per half of that with pairs. */
function gain(...set: string[]): number {
  const { strategies } = compare(parseScenario(TEXT, 'pairing.yaml', { set }), {
    runs: RUNS,
    memory: 'fluid',
  });
  const [first, second] = strategies.map(({ results }) => results.map(({ totalTimeMs }) => totalTimeMs));
  const half = ({ low, high }: { readonly low: number; readonly high: number }): number => (high - low) / 2;
  const unpaired = Math.hypot(half(meanInterval(first!)), half(meanInterval(second!)));
  return unpaired / half(pairedInterval(first!, second!));
}

test('the interval of a difference is at least twice as narrow in pairs when hosts vary or inputs are drawn', () => {
  // Of two samples whose correlation is r, pairing leaves a share 1 - r of the variance of the difference.
  expect(gain()).toBeGreaterThan(2);
  expect(gain('host.variability=none', 'link.bandwidth=800..1200Mbit/s')).toBeGreaterThan(2);
});
