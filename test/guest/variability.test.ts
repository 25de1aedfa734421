import { describe, expect, test } from '@jest/globals';
import { compare } from '../../src/experiment/compare.js';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import { runMigration } from '../../src/migration/engine.js';
import { variedHost } from '../../src/guest/variability.js';
import { drawSetup } from '../../src/scenario/draw.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { mean, standardDeviation } from '../../src/stats/summary.js';

const TEXT = `
guest: { memory: 256MiB, vcpus: [{ count: 2, workload: { write: 20MiB/s, working-set: 64MiB } }] }
link: { bandwidth: 10Gbit/s }
strategies: [none, auto-converge]
`;

function scenario(...set: string[]) {
  return parseScenario(TEXT, 'variability.yaml', { set });
}

describe("a host's variability", () => {
  test('at the median is the profile itself', () => {
    expect(variedHost(bareMetal, () => 0.5)).toEqual(bareMetal);
  });

  test('varies each cost by its standard deviation, costs of one kind together', () => {
    const hosts = Array.from({ length: 300 }, (_, i) => drawSetup(scenario(), 1, i + 1).host);
    const logs = hosts.map(({ sendNsPerPage }) => Math.log(sendNsPerPage / bareMetal.sendNsPerPage));
    const { send } = bareMetal.variability!;
    // Of 300 draws the standard error of the mean is send / √300, that of the deviation send / √600; it is cut at three.
    expect(Math.abs(mean(logs))).toBeLessThan((4 * send) / Math.sqrt(300));
    expect(Math.abs(standardDeviation(logs) - 0.9865 * send)).toBeLessThan((4 * send) / Math.sqrt(600));
    for (const host of hosts)
      expect(host.zeroNsPerPage / bareMetal.zeroNsPerPage).toBeCloseTo(
        host.sendNsPerPage / bareMetal.sendNsPerPage,
        9,
      );
  });

  test('gives each vCPU a speed of its own, which drifts', () => {
    const [first, second] = drawSetup(scenario(), 1, 1).guest.vcpus;
    expect(first!.classes[0]!.writesPerSecond).not.toBe(second!.classes[0]!.writesPerSecond);
    expect(new Set(first!.phases.map(({ writeFactor }) => writeFactor)).size).toBe(first!.phases.length);
  });

  test('a drift of the sending cost counts where the sender is the limit, for as long as each step lasts', () => {
    const { setup } = parseScenario(
      `
guest: { memory: 4GiB, hidden: 0MiB, vcpus: [{ count: 1, workload: idle }] }
host: { variability: none, send-per-page: 10us }
link: { bandwidth: 100Gbit/s }
migration: { max-bandwidth: unlimited }
`,
      'drift.yaml',
    );
    const pages = setup.guest.ramPages;
    const timeWith = (sendDrift: readonly number[]): number => {
      const varied = { ...setup, sendDrift, memory: 'fluid' as const };
      return runMigration(varied, { strategy: 'none', policy: 'wait' }, () => undefined).totalTimeMs;
    };
    // All pages at 10 us take 10.5 s. At twice that after 5 s: what is left then, 5 s' worth and more, takes twice as long.
    const steadyMs = timeWith([1]);
    expect(Math.abs(steadyMs - pages / 100)).toBeLessThan(100);
    const slowMs = timeWith([1, 2, 2, 2]);
    // An iteration of 50 ms meets the cost at its begin.
    expect(Math.abs(slowMs - (5000 + 2 * (steadyMs - 5000)))).toBeLessThan(100);
    expect(timeWith([1, 2])).toBeLessThan(slowMs);
  });

  test('of a scenario replaces that of the profile kind by kind', () => {
    const own = scenario('host.variability={ vcpu-speed: 6%, switchover: 0% }').setup.host.variability;
    expect(own).toEqual({ ...bareMetal.variability, vcpuSpeed: 0.06, switchover: 0 });
    expect(() => scenario('host.variability={ vcpu-sped: 6% }')).toThrow('vcpu-speed');
    expect(() => scenario('host.variability=much')).toThrow('profile, none');
  });

  test('none: every run meets the profile', () => {
    const steady = scenario('host.variability=none');
    expect(drawSetup(steady, 1, 7)).toBe(steady.setup);
    expect(steady.setup.guest).toEqual(scenario().setup.guest);
  });

  test('is the same in both strategies of a run and makes runs differ', () => {
    const [none, converge] = compare(scenario(), { runs: 5, memory: 'fluid' }).strategies;
    const downtimes = none!.results.map(({ downtimeMs }) => downtimeMs);
    expect(new Set(downtimes).size).toBeGreaterThan(1);
    expect(converge!.results.map(({ downtimeMs }) => downtimeMs)).toEqual(downtimes);
  });
});
