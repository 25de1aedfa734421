import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Advice } from '../../src/advice/advise.js';
import { type Goals, goalsFor } from '../../src/advice/goals.js';
import { keepsAll } from '../../src/advice/outcome.js';
import { advise } from '../../src/api/advise.js';
import type { Advised } from '../../src/advice/advised.js';
import type { Program } from '../../src/advice/change.js';
import { Trial } from '../../src/advice/trial.js';
import { openBatches } from '../../src/experiment/parallel/batches.js';
import { runColumns } from '../../src/report/columns/runs.js';
import { vcpuColumns } from '../../src/report/columns/vcpus.js';
import { linesFor } from '../../src/advice/lines.js';
import { remediesFor } from '../../src/advice/remedies.js';
import { orderOf } from '../../src/advice/remedy.js';
import { compare, type StrategyResults } from '../../src/experiment/compare.js';
import { adviceText } from '../../src/report/terminal/advice-text.js';
import { plain } from '../../src/report/terminal/kit/style.js';
import { ALWAYS_ON } from '../../src/policies/kit/always-on.js';
import { learnFromLog } from '../../src/recording/learn/learn-from-log.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { inProcess } from '../cli/migsim.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { shareInterval } from '../../src/stats/share-interval.js';
import { lostWorkSeconds } from '../../src/experiment/regret.js';

const TEXT = `
guest:
  memory: 512MiB
  dirty-ring-size: 4096
  vcpus:
    - { count: 1, name: writer, workload: { write: 400MiB/s, working-set: 128MiB } }
    - { count: 1, name: reader, workload: { read: 400MiB/s, working-set: 64MiB } }
link: { bandwidth: 1Gbit/s }
migration: { downtime-limit: 200ms }
`;

function guest(set: readonly string[] = []): Scenario {
  return parseScenario(TEXT, 'guest', { set });
}

const wanted = { deadlineMs: 15_000, maxDowntimeMs: 1500, keepReaders: 0.8, runs: 4 };

/** Advice is asked for once for each guest: several laws hold of one. */
const asked = new Map<string, Promise<Advice>>();
function adviceFor(set: readonly string[] = []): Promise<Advice> {
  const key = set.join(' ');
  const known = asked.get(key) ?? advise(guest(set), wanted);
  asked.set(key, known);
  return known;
}
const SLOW_WRITER = 'guest.vcpus.writer.workload.write=1MiB/s';
const CAPPED = ['link.bandwidth=10Gbit/s', 'migration.max-bandwidth=100MiB/s'];

describe('a guest that plain pre-copy cannot move', () => {
  test('what is advised keeps what it promised on guests drawn in the page memory', async () => {
    const { verdict, remedies, goals, asItIs } = await adviceFor();
    expect(verdict).toBe('remedy');
    expect(asItIs.why).toMatch(/each pass leaves/);
    for (const { set, outcome } of remedies.slice(0, 2)) {
      const scenario = guest(set);
      const [runs] = compare(scenario, {
        runs: 6,
        seed: 77,
        memory: 'page',
        strategies: scenario.strategies.slice(0, 1),
      }).strategies;
      const kept = runs!.results.filter((result) => keepsAll(result, goals)).length;
      // The 95 % interval of what was seen has the promised probability in it.
      expect(shareInterval(kept, 6).high).toBeGreaterThanOrEqual(goals.probability);
      const lost = runs!.results.reduce((sum, result) => sum + lostWorkSeconds(result) / 6, 0);
      expect(lost).toBeLessThan(1.3 * outcome.lostSeconds + 0.5);
    }
  });

  test('the first loses least among those of its price, and none before it costs less', async () => {
    const { remedies } = await adviceFor();
    const [first] = remedies;
    for (const { price, outcome } of remedies) {
      if (price === first!.price)
        expect(outcome.lostSeconds).toBeGreaterThanOrEqual(first!.outcome.lostSeconds);
    }
    expect(remedies.findIndex(({ price }) => price === 'risk')).not.toBe(0);
    for (const { names, risks } of remedies) if (names.includes('post-copy')) expect(risks).toHaveLength(1);
  });

  test('a remedy of a later rank comes after, even where it takes less, and the objective says so', async () => {
    const { remedies, objective } = await adviceFor();
    const ranks = remedies.map(({ price }) => objective.prices.indexOf(price));
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    for (const price of objective.prices.slice(1)) expect(objective.text).toContain(orderOf([price]));
  });

  test('what is in force is not made worse: no limit below its own is tried, and none of it is printed', async () => {
    const { remedies, others } = await adviceFor();
    const limits = [...remedies, ...others].flatMap(({ change }) => change.downtimeLimitMs ?? []);
    expect(limits.length).toBeGreaterThan(0);
    expect(Math.min(...limits)).toBeGreaterThan(200);
  });
});

test('multifd is said to exceed a max-bandwidth that is below the link, and none else', () => {
  const riskOf = (set: readonly string[]) => {
    const scenario = guest(set);
    return remediesFor(scenario, goalsFor(scenario, wanted)).find(({ name }) => name === 'multifd')?.risk;
  };
  expect(riskOf(CAPPED)).toMatch(/more than max-bandwidth/);
  expect([riskOf(['migration.max-bandwidth=unlimited']), riskOf(['migration.max-bandwidth=1GiB/s'])]).toEqual(
    [null, null],
  );
});

test('a guest that finishes as it is needs no remedy', async () => {
  const { verdict, remedies } = await advise(guest([SLOW_WRITER]), wanted);
  expect([verdict, remedies]).toEqual(['finishes', []]);
});

test('a deadline that sending alone does not keep has no remedy', async () => {
  const { verdict, others } = await advise(guest(), { ...wanted, deadlineMs: 500, runs: 1 });
  expect(verdict).toBe('none');
  for (const { misses } of others) expect(misses[0]).toMatch(/^(does not finish within 500 ms|takes up to)/);
});

// Nothing ends within 500 ms, which sending alone takes ten times over: what is lost until then is the noise of the last digit.
test('of a remedy with which no value ends, the strongest value is named: no weaker one needs to be tried', async () => {
  const { others } = await advise(guest(), { ...wanted, deadlineMs: 500, runs: 1 });
  const named = (key: keyof Advised['change']) =>
    others.flatMap(({ names: { length }, change }) => (length === 1 ? (change[key] ?? []) : []));
  expect(named('downtimeLimitMs')).toEqual([wanted.maxDowntimeMs]);
  expect(named('multifdChannels')).toEqual([16, 16]);
  expect(named('xbzrleCacheMib')).toEqual([512]);
  expect(named('dirtyLimitMib')).toEqual([1]);
});

// At 50 MiB/s the last 128 MiB take 2.6 s: stopped at 42 s of 45, some runs end in time and others do not.
test('a time-out so late that its neighbours do not end is not named, where an earlier one ends', async () => {
  const tight = { ...wanted, deadlineMs: 45_000, maxDowntimeMs: 300, runs: 1, program: 'virsh' } as const;
  const { others } = await advise(guest(['migration.max-bandwidth=50MiB/s']), tight);
  const [stop] = others.filter(({ change: { pause } }) => pause !== undefined);
  expect(stop?.outcome.converged).toBe(1);
  expect(stop?.misses).toEqual([expect.stringContaining('stops the guest for')]);
});

test.each([
  [null, false],
  [0.05, false],
  [0.3, true],
])(
  'a learned guest that misses the passes of its log by %p: said to be unsure is %p',
  async (misfit, isSaid) => {
    const subject = {
      heading: 'guest',
      seen: 'cancelled after 45 s',
      isGuestUnknown: false,
      misfit,
      isOnePoint: false,
      assumptions: [],
    };
    const text = adviceText(await adviceFor(), subject, { width: 80, style: plain }).replaceAll(/\s+/g, ' ');
    expect(text.includes("misses the log's passes by 30 % (median)")).toBe(isSaid);
  },
);

test('what rests on one point of a dirty curve begins with that, and values that nothing has are not explained', async () => {
  const subject = { heading: 'guest', seen: null, isGuestUnknown: false, misfit: null, assumptions: [] };
  const textOf = async (isOnePoint: boolean, deadlineMs: number): Promise<string> =>
    adviceText(
      await advise(guest(), { ...wanted, deadlineMs, runs: 1 }),
      { ...subject, isOnePoint },
      { width: 80, style: plain },
    );
  const [sure, unsure] = [await textOf(false, 60_000), await textOf(true, 500)];
  expect([sure, unsure].map((text) => text.indexOf('Caution: the log gives one point'))).toEqual([-1, 6]);
  expect([sure, unsure].map((text) => text.includes('Each value is the one'))).toEqual([true, false]);
});

test.each(['nova', 'kubevirt'] as const)(
  '%s cannot set the steps of auto-converge: none is tuned',
  (program) => {
    const remedy = remediesFor(guest(), goalsFor(guest(), {}), program).find(
      ({ name }) => name === 'auto-converge',
    )!;
    expect(remedy.tunes).toEqual([]);
    expect(linesFor(program, { change: remedy.change([], []), ramBytes: 2 ** 29 })).not.toBeNull();
  },
);

test.each([
  ['proxmox', ['auto-converge', 'xbzrle'], 'proxmox.log'],
  ['ovirt', ['auto-converge'], 'vdsm.log'],
] as const)(
  'what %s turns on itself is no remedy, is said to be on, and learn does not list it',
  (program, on, log) => {
    const names = remediesFor(guest(), goalsFor(guest(), {}), program).map(({ name }) => name);
    for (const name of on) {
      expect(ALWAYS_ON[program]!.map((one) => one.name)).toContain(name);
      expect(names).not.toContain(name);
    }
    const { scenario, outlook } = learnFromLog(
      readFileSync(`test/recording/fixtures/logs/${log}`, 'utf8'),
      log,
    );
    expect(scenario).toMatch(/strategies:\n {2}- none\n$/);
    expect(outlook!.remedies.join()).not.toContain('auto-converge');
  },
);

const STUCK = Array.from(
  { length: 60 },
  (_, second) =>
    `2025-01-01 10:00:${String(second).padStart(2, '0')} migration active, transferred ${second}.5 GiB of 8.0 GiB VM-state, ` +
    '1.0 GiB/s, VM dirties lots of memory: 1.2 GiB/s',
).join('\n');

test.each([
  ['a stuck Proxmox VE log', STUCK],
  ['vdsm.log', readFileSync('test/recording/fixtures/logs/vdsm.log', 'utf8')],
])(
  '%s: learn predicts nothing of auto-converge, which was on, and shows no length of a pass that is drawn',
  async (_, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'migsim-always-on-'));
    const [log, out] = [join(folder, 'a.log'), join(folder, 'guest.yaml')];
    writeFileSync(log, text);
    const { status, stdout } = await inProcess(['learn', log, '--out', out]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Passes +(not in the log|2 bitmap syncs)$/m);
    expect(stdout).not.toContain('auto-converge');
    expect(readFileSync(out, 'utf8')).toContain('The middle of what the log leaves open');
  },
);

describe('with one run of the advice and draws of its own', () => {
  test.each([
    ['a fast writer', []],
    ['a cap on a fast link', CAPPED],
  ])('%s: no other remedy of the first rank takes 10 %% less than the first', async (_, set) => {
    const { remedies, goals } = await adviceFor(set);
    const [first, ...others] = remedies.map((remedy) => ({
      ...remedy,
      ...drawn([...set, ...remedy.set], goals),
    }));
    expect(first!.kept).toBe(DRAWS);
    for (const { price, kept, lost } of others)
      if (price === first!.price && kept === DRAWS) expect(lost).toBeGreaterThan(0.9 * first!.lost);
  });
});

/** One remedy, tuned and tried by itself: what a program's own time-out needs no other for. */
async function triedAlone(name: string, scenario: Scenario, program: Program): Promise<Advised> {
  const goals = goalsFor(scenario, wanted);
  const remedy = remediesFor(scenario, goals, program).find((one) => one.name === name)!;
  const how = { goals, goalReasons: {}, program, strategy: null, runs: 1, seed: 1, memory: 'fluid' } as const;
  const batches = openBatches(1);
  const trial = new Trial(scenario, how, { run: runColumns, vcpu: vcpuColumns }, batches);
  const { advised } = await trial.tried(remedy, [name]);
  await batches.close();
  return advised;
}

const DRAWS = 3;

function drawn(set: readonly string[], goals: Goals): { readonly kept: number; readonly lost: number } {
  const scenario = guest(set);
  const strategies = scenario.strategies.slice(0, 1);
  const [{ results }] = compare(scenario, { runs: DRAWS, seed: 313, memory: 'page', strategies })
    .strategies as [StrategyResults];
  return {
    kept: results.filter((result) => keepsAll(result, goals)).length,
    lost: results.reduce((sum, result) => sum + lostWorkSeconds(result) / DRAWS, 0),
  };
}

describe('what a scenario has is what is changed', () => {
  const tls = [
    'link.bandwidth=10Gbit/s',
    'migration.max-bandwidth=unlimited',
    'migration.stream={plain: {tls: 100MiB/s}}',
  ];

  test('TLS that limits the channel: the rate that it needs comes before going without, which shows the memory', async () => {
    const how = { ...wanted, runs: 1, keepReaders: 0.5, program: 'proxmox' } as const;
    const { remedies, others } = await advise(guest(tls), how);
    const faster = remedies.findIndex(({ names }) => names[0] === 'faster TLS');
    const without = remedies.findIndex(({ names }) => names[0] === 'tls');
    expect(faster).toBeGreaterThanOrEqual(0);
    expect(without).toBeGreaterThan(faster);
    expect(remedies[faster]!.lines).toEqual([expect.stringMatching(/^# TLS has to encrypt \d+ MiB\/s/)]);
    expect(remedies[without]!.risks).toHaveLength(1);
    // What a program has no setting for is not advised to it: Proxmox VE has no multifd.
    expect(remedies.every(({ lines }) => lines !== null)).toBe(true);
    expect(others.some(({ lines, misses }) => lines === null && misses.length === 0)).toBe(true);
  });

  test('a cap is lifted, or raised to no more than what it takes', async () => {
    const { remedies, others } = await adviceFor(CAPPED);
    const least = remedies.find(({ names }) => names[0] === 'least bandwidth');
    const lifted = [...remedies, ...others].find(({ names }) => names.join() === 'bandwidth');
    expect(lifted!.change).toEqual({ maxBandwidth: 0 });
    // The writer dirties 400 MiB/s of a set that the link carries in 100 ms: less than that rate does.
    expect(least!.change.maxBandwidth! / 2 ** 20).toBeGreaterThan(100);
    expect(least!.change.maxBandwidth! / 2 ** 20).toBeLessThan(1122);
  });

  test('the end that a policy makes is moved to a time that the log of the runs gives', async () => {
    const policy = ['policy=timeout', 'policy.timeout.after=2s', SLOW_WRITER];
    const time = await triedAlone('time', guest(policy), 'kubevirt');
    // 512 MiB at 1 Gbit/s take 4.5 s; a fifth more is left.
    expect(time.change.timeoutS).toBeGreaterThan(4);
    expect(time.lines!.join('\n')).toMatch(/completionTimeoutPerGiB: \d+/);
  });

  /** 512 MiB at 1 Gbit/s take 4.5 s or more; KubeVirt counts one unit of 10^9 bytes, Nova two GiB at least. */
  test.each([
    ['kubevirt-timeout', 'kubevirt', 'completion-timeout-per-gib', /completionTimeoutPerGiB: (\d+)/, 1],
    ['nova', 'nova', 'completion-timeout', /live_migration_completion_timeout = (\d+)/, 2],
  ] as const)(
    '%s: its own timeout per GiB is searched, from the one in force upwards',
    async (name, program, key, line, gib) => {
      const policy = [`policy=${name}`, `policy.${name}.${key}=1s`, SLOW_WRITER];
      const time = await triedAlone('time', guest(policy), program);
      const perGib = Number(line.exec(time.lines!.join('\n'))![1]);
      expect(perGib * gib).toBeGreaterThan(4.5);
      // No longer than what the runs needed, a fifth of it and a second a GiB to round.
      expect(perGib * gib).toBeLessThan(1.5 * 5 + gib);
      expect(time.change.timeoutS).toBe(perGib * gib);
    },
  );

  test.each([
    ['nova', 'live_migration_timeout_action = force_complete'],
    ['kubevirt', '  allowWorkloadDisruption: true'],
  ] as const)(
    '%s stops the guest or goes post-copy by its timeout, not by passes it does not see',
    (program, line) => {
      const scenario = guest();
      const goals = goalsFor(scenario, wanted);
      const ends = remediesFor(scenario, goals, program).filter(({ name }) =>
        ['pause', 'post-copy'].includes(name),
      );
      expect(ends.map(({ tunes }) => tunes[0]!.key)).toEqual(['timeout.after', 'timeout.after']);
      for (const { change } of ends) {
        const made = change(['8s'], []);
        expect(linesFor(program, { change: made, ramBytes: 512 * 2 ** 20 })).toContain(line);
      }
    },
  );

  test('compression is a setting where the content of memory is stated', () => {
    const priceIn = (set: readonly string[]): string | undefined => {
      const scenario = guest(set);
      return remediesFor(scenario, goalsFor(scenario, {})).find(({ name }) => name === 'compression')?.price;
    };
    expect([priceIn(['guest.compressibility=3']), priceIn([])]).toEqual(['settings', 'content']);
  });
});
