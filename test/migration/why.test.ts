import { describe, expect, test } from '@jest/globals';
import { chooseStrategy } from '../../src/experiment/choice.js';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { parseScenario } from '../../src/scenario/parse.js';

const GUEST = `
guest:
  memory: 2GiB
  dirty-ring-size: 1024
  vcpus:
    - { count: 1, name: writer, workload: { write: 200MiB/s, working-set: 512MiB } }
    - { count: 1, name: reader, workload: { read: 200MiB/s, working-set: 64MiB } }
link: { bandwidth: 1Gbit/s }
migration: { give-up-after: 2min, max-bandwidth: unlimited }
`;

function run(
  set: readonly string[],
  strategy = 'none',
  options = {},
  memory: 'page' | 'fluid' = 'fluid',
): MigrationResult {
  return simulate(parseScenario(GUEST, 'why.yaml', { set }), chooseStrategy(strategy, options), { memory });
}

/** The figures of the sentence, MiB. */
function figures(text: string): number[] {
  return [...text.matchAll(/([\d.]+) MiB\b(?!\/s)/g)].map(([, amount]) => Number(amount));
}

// Guests of several shapes whose dirty rate is above what is sent.
const STALLING: readonly (readonly [string, readonly string[]])[] = [
  ['a uniform working set', []],
  ['a small one', ['guest.vcpus.writer.workload.working-set=128MiB', 'migration.downtime-limit=200ms']],
  ['a hot one, hardly faster than the link', ['guest.vcpus.writer.workload.write=130MiB/s']],
  ['a sequential one', ['guest.vcpus.writer.workload.pattern=sequential']],
  ['two writers', ['guest.vcpus.writer.count=2']],
  ['the dirty bitmap', ['guest.dirty-ring-size=0']],
  ['a capped stream', ['migration.max-bandwidth=64MiB/s']],
];

describe('a run that stalls', () => {
  test.each(STALLING)('converges with the sufficient pause as its downtime-limit: %s', (_, set) => {
    // Both memories, where the page memory is quick.
    const memories =
      set.length === 0 || set[0]!.startsWith('migration.max-bandwidth')
        ? (['fluid', 'page'] as const)
        : (['fluid'] as const);
    for (const memory of memories) {
      const stalled = run(set, 'none', {}, memory);
      expect([memory, stalled.converged]).toEqual([memory, false]);
      const enough = stalled.why!.sufficientPauseMs;
      expect(enough).not.toBeNull();
      const limited = run([...set, `migration.downtime-limit=${enough}ms`], 'none', {}, memory);
      expect([memory, enough, limited.converged]).toEqual([memory, enough, true]);
    }
  });

  test.each(STALLING)('says why in figures that add up and are more than may be left: %s', (_, set) => {
    const { why } = run(set);
    const [left, dirtied, ...rest] = figures(why!.text);
    const [together, limit] = rest.slice(-2);
    expect(left! + dirtied!).toBeCloseTo(together!, 1);
    expect(together).toBeGreaterThan(limit!);
    // What a pass leaves is what QEMU syncs at: below the threshold.
    expect(left).toBeLessThanOrEqual(limit!);
    expect(together! * 2 ** 20).toBeGreaterThan(0.6 * why!.stallsAtBytes!);
  });
});

describe('what binds', () => {
  test.each([
    ['the link', [], 'link', 'the link of'],
    [
      'a cap',
      ['migration.max-bandwidth=64MiB/s'],
      'max-bandwidth',
      'max-bandwidth of 64 MiB/s, not the link',
    ],
    [
      "QEMU's own cap on a wide link",
      ['migration.max-bandwidth=128MiB/s', 'link.bandwidth=10Gbit/s'],
      'max-bandwidth',
      "max-bandwidth of 128 MiB/s (QEMU's default), not the link of 9.415 Gbit/s",
    ],
    [
      'the CPU that encrypts',
      ['link.bandwidth=100Gbit/s', 'migration.stream={plain: {tls: 100MB/s}}'],
      'sender-cpu',
      'the CPU of the sending side',
    ],
  ])('%s', (_, set, binds, words) => {
    const { why } = run(set);
    expect(why?.binds).toBe(binds);
    expect(why?.text).toContain(words);
  });

  test('of a strategy at its end is its own brake', () => {
    const quota = run(['migration.downtime-limit=1ms'], 'dirty-limit', { 'vcpu-dirty-limit': '100MiB/s' });
    expect(['quota', 'ring']).toContain(quota.why?.binds);
    const throttled = run(
      ['migration.downtime-limit=1ms', 'guest.vcpus.writer.workload.write=20GiB/s'],
      'auto-converge',
      {
        'max-cpu-throttle': 20,
      },
    );
    expect(throttled.why?.binds).toBe('throttle');
    expect(throttled.why?.text).toContain('throttle of up to 20 %');
  });

  test('no plateau is made up where pass 1 did not end: that it did not is what is said', () => {
    const { why, dirtySyncCount } = run(['migration.give-up-after=5s', 'migration.max-bandwidth=32MiB/s']);
    expect(dirtySyncCount).toBe(1);
    expect(why).toMatchObject({ stallsAtBytes: null, sufficientPauseMs: null, binds: 'max-bandwidth' });
    expect(why?.text).toMatch(
      /^after 5 s pass 1 had not ended, with .* of .* sent; what binds is max-bandwidth/,
    );
  });

  test('is the end itself where what is left still changes', () => {
    const { why } = run(['migration.give-up-after=22s']);
    expect(why).toMatchObject({ stallsAtBytes: null, sufficientPauseMs: null, binds: 'give-up-after' });
  });
});

describe('work while held back', () => {
  test('a run that is never held back has none', () => {
    expect(run([])).toMatchObject({ heldTimeMs: 0, writersWorkHeld: null, readersWorkHeld: null });
  });

  test('is that between the first step and the switchover: the same as the timeline shows', () => {
    const scenario = parseScenario(GUEST, 'why.yaml');
    const result = simulate(scenario, chooseStrategy('auto-converge'), { memory: 'fluid', timelineMs: 10 });
    expect(result.converged).toBe(true);
    const fromMs = result.firstThrottleMs!;
    const toMs = fromMs + result.heldTimeMs;
    expect(toMs).toBeLessThanOrEqual(result.totalTimeMs);
    expect(toMs).toBeGreaterThan(result.totalTimeMs - 1000);
    let work = 0;
    let lengthMs = 0;
    for (const [index, { timeMs, vcpuWorkShare }] of result.timeline.entries()) {
      const beforeMs = result.timeline[index - 1]?.timeMs ?? 0;
      if (beforeMs < fromMs || timeMs > toMs) continue;
      work += vcpuWorkShare[0]! * (timeMs - beforeMs);
      lengthMs += timeMs - beforeMs;
    }
    expect(work / lengthMs).toBeCloseTo(result.writersWorkHeld!, 2);
    // Held back, it does less than on the whole of the way.
    expect(result.writersWorkHeld!).toBeLessThan(result.vcpus[0]!.workDone!);
  });

  test('a dirty limit holds writers alone', () => {
    const { writersWorkHeld, readersWorkHeld, heldTimeMs } = run([], 'dirty-limit', {
      'vcpu-dirty-limit': '50MiB/s',
    });
    expect(heldTimeMs).toBeGreaterThan(0);
    expect(writersWorkHeld!).toBeLessThan(0.7);
    expect(readersWorkHeld!).toBeGreaterThan(0.98);
  });
});
