import { describe, expect, test } from '@jest/globals';
import { choosePolicy, chooseStrategy, type WrittenOptions } from '../../src/experiment/choice.js';
import { compare } from '../../src/experiment/compare.js';
import { policies } from '../../src/policies/index.js';
import { comparisonTable } from '../../src/report/terminal/table.js';
import { parseScenario } from '../../src/scenario/parse.js';

/** Dirties more than the link carries, so that only a policy or give-up-after ends it. */
const GUEST = `
guest:
  memory: 256MiB
  dirty-ring-size: 1024
  vcpus: [{ name: writer, workload: { write: 400MiB/s, working-set: 128MiB } }]
link: { bandwidth: 1Gbit/s }
migration: { max-bandwidth: unlimited, downtime-limit: 1ms, postcopy-ram: true }
`;

function told(
  policy: string,
  options: WrittenOptions = {},
  ...set: string[]
): { head: string; text: string; status: string; totalTimeMs: number } {
  const scenario = parseScenario(GUEST, 'heading.yaml', { set });
  const strategies = [chooseStrategy('none')];
  const comparison = compare(scenario, {
    strategies,
    policy: choosePolicy(policy, options),
    memory: 'fluid',
  });
  const text = comparisonTable(comparison).replaceAll(/\s+/g, ' ');
  const { status, totalTimeMs } = comparison.strategies[0]!.results[0]!;
  return { head: text.split('none')[0]!, text, status, totalTimeMs };
}

describe('the heading shows what is in force', () => {
  test('the limit that an orchestrator sets, not that of the file', () => {
    // A limit that was raised on the way is shown from its first value to its last.
    const { head } = told('nova', {
      downtime: 200,
      'downtime-steps': 4,
      'downtime-delay': '5s',
      'completion-timeout': '30s',
    });
    expect(head).toMatch(/downtime-limit 50 ms to 200 ms/);
    expect(told('proxmox', { downtime: 70 }, 'migration.give-up-after=2s').head).toContain(
      'downtime-limit 70 ms,',
    );
  });

  test.each([
    [['migration.stream=plain'], ''],
    [['migration.stream.multifd.channels=4'], 'stream multifd (4 channels)'],
    [
      [
        'migration.stream.multifd={channels: 2, compression: zstd, compression-ratio: 2.5, compression-speed: 1GiB/s}',
      ],
      'stream multifd (2 channels, zstd 2.5:1 at 1 GiB/s)',
    ],
    [['migration.stream.plain.tls=1GiB/s'], 'stream plain with TLS at 1 GiB/s'],
  ])('the stream with its options: %j', (set, words) => {
    const { head } = told('wait', {}, 'migration.give-up-after=2s', 'migration.postcopy-ram=false', ...set);
    if (words === '') expect(head).not.toContain('stream');
    else expect(head).toContain(words);
  });

  test('who ends the run', () => {
    expect(told('wait', {}, 'migration.give-up-after=2s').head).toContain('policy wait, given up after 2 s');
    const own = told('timeout', { after: '3s', action: 'pause' });
    expect(own.head).toContain('(stops the guest after 3 s)');
    expect(own.head).not.toContain('given up');
  });
});

describe('a policy with an end of its own', () => {
  const SHORT: Readonly<Record<string, WrittenOptions>> = {
    timeout: { after: '660s' },
    libvirt: { timeout: '660s' },
    nova: { 'completion-timeout': '400s' },
    'kubevirt-timeout': { 'completion-timeout-per-gib': '700s' },
    'kubevirt-downtime-ramp': { 'completion-timeout-per-gib': '700s', 'max-downtime': 1, initial: 1 },
    'kubevirt-stall-detection': { 'completion-timeout-per-gib': '700s' },
    // A pass takes 1.1 s: 128 MiB at the 112 MiB/s that TCP leaves.
    'abort-after-passes': { passes: 650 },
    'pause-after-passes': { passes: 650 },
    'postcopy-after-passes': { passes: 650 },
    // One item of its schedule at each look, and six of them.
    ovirt: { 'monitor-interval': '120s' },
  };

  test('is every policy that says so, and those are these', () => {
    const scenario = parseScenario(GUEST, 'heading.yaml');
    const ending = Object.keys(policies).filter((name) => {
      const { definition, options } = choosePolicy(name, SHORT[name] ?? {});
      return (definition.ends?.(options, scenario.setup) ?? null) !== null;
    });
    expect(ending.sort()).toEqual(Object.keys(SHORT).sort());
  });

  test.each(Object.keys(SHORT))(
    'ends the migration, and the default give-up-after of 10 min does not: %s',
    (name) => {
      const { status, totalTimeMs } = told(name, SHORT[name]);
      expect(status).not.toBe('gave-up');
      // Stall detection ends what stalls long before its time-out.
      if (name !== 'kubevirt-stall-detection') expect(totalTimeMs).toBeGreaterThan(600_000);
    },
  );

  test('is overruled by a give-up-after that was asked for, and the report says so', () => {
    const { status, text } = told('nova', SHORT['nova'], 'migration.give-up-after=5s');
    expect(status).toBe('gave-up');
    expect(text).toMatch(/give-up-after ended it after 5\S* s, where policy nova/);
    expect(text).toContain('would have gone on');
  });
});
