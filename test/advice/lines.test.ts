import { describe, expect, test } from '@jest/globals';
import { type Change, PROGRAMS } from '../../src/advice/change.js';
import { linesFor } from '../../src/advice/lines.js';

const ramBytes = 16 * 2 ** 30;
const CHANGES: readonly Change[] = [
  { downtimeLimitMs: 650, maxBandwidth: 0 },
  { multifdChannels: 4, compression: 'zstd' },
  { xbzrleCacheMib: 64 },
  { throttle: { initial: 40, increment: 10 } },
  { dirtyLimitMib: 100 },
  { postcopy: { passes: 2, afterS: 20 } },
  { stopFirst: true },
];

describe('QMP', () => {
  test('takes every change: each line but notes and options of the command line is a command', () => {
    const commands = CHANGES.flatMap((change) => {
      const lines = linesFor('qmp', { change, ramBytes })!;
      return lines
        .filter((line) => !line.startsWith('#'))
        .map((line) => JSON.parse(line) as { execute: string });
    });
    expect(new Set(commands.map(({ execute }) => execute))).toEqual(
      new Set(['migrate-set-parameters', 'migrate-set-capabilities', 'migrate-start-postcopy', 'stop']),
    );
    expect(commands[0]).toEqual({
      execute: 'migrate-set-parameters',
      arguments: { 'downtime-limit': 650, 'max-bandwidth': 0 },
    });
  });
});

test("QEMU's monitor takes every change by its own commands, under the names that QMP has", () => {
  const changes: Change[] = [...CHANGES, { withoutTls: true }];
  const lines = changes.flatMap((change) => linesFor('hmp', { change, ramBytes })!);
  for (const line of lines)
    expect(line).toMatch(
      /^(migrate_set_capability [a-z-]+ on|migrate_set_parameter [a-z-]+ \S+|migrate_start_postcopy|stop|# .*)$/,
    );
  expect(lines.slice(0, 2)).toEqual([
    'migrate_set_parameter downtime-limit 650',
    'migrate_set_parameter max-bandwidth 0',
  ]);
  expect(linesFor('hmp', { change: { maxBandwidth: 300 * 2 ** 20 }, ramBytes })).toEqual([
    'migrate_set_parameter max-bandwidth 300',
  ]);
});

describe('the same change for each program', () => {
  const limit: Change = { downtimeLimitMs: 650, maxBandwidth: 0 };
  test.each([
    ['virsh', ['virsh migrate-setspeed DOMAIN 8796093022207', 'virsh migrate-setmaxdowntime DOMAIN 650']],
    ['nova', ['[libvirt]', 'live_migration_downtime = 650', 'live_migration_bandwidth = 0']],
    [
      'proxmox',
      ['qm set VMID --migrate_downtime 0.65 --migrate_speed 0', '# and no lower bwlimit in datacenter.cfg'],
    ],
  ] as const)('%s', (program, lines) => {
    expect(linesFor(program, { change: limit, ramBytes })).toEqual(lines);
  });

  test('KubeVirt gets a policy', () => {
    const lines = linesFor('kubevirt', { change: limit, ramBytes })!;
    expect(lines).toContain('  maxDowntimeMs: 650');
    expect(lines).toContain("  bandwidthPerMigration: '0'");
  });

  /** Nova switches over by force after completion-timeout for each GiB: 64 s in on 16 GiB is 4 s for each. */
  test('Nova goes post-copy by its timeout', () => {
    const lines = linesFor('nova', { change: { postcopy: { passes: 3, afterS: 64 } }, ramBytes });
    expect(lines).toEqual([
      '[libvirt]',
      'live_migration_permit_post_copy = true',
      'live_migration_timeout_action = force_complete',
      'live_migration_completion_timeout = 4',
    ]);
  });
});

test('what a program has no setting for is not written at all, rather than in part', () => {
  const change: Change = { downtimeLimitMs: 500, dirtyLimitMib: 100 };
  const written = PROGRAMS.filter((program) => linesFor(program, { change, ramBytes }) !== null);
  expect(written).toEqual(['virsh', 'qmp', 'hmp']);
});

test('steps of auto-converge go to programs that take them; to others only those of QEMU', () => {
  const written = (throttle: Change['throttle'] & object): string[] =>
    PROGRAMS.filter((program) => linesFor(program, { change: { throttle }, ramBytes }) !== null);
  expect(written({ initial: 90, increment: 10 })).toEqual(['virsh', 'qmp', 'hmp']);
  expect(written({ initial: 20, increment: 10 })).toEqual([
    'virsh',
    'qmp',
    'hmp',
    'nova',
    'kubevirt',
    'ovirt',
  ]);
});

describe('what a program takes in a way of its own', () => {
  test('libvirt has no dirty-limit: QEMU gets it before the migration, by commands that QEMU has', () => {
    const lines = linesFor('virsh', { change: { dirtyLimitMib: 100, dirtyRingSize: 4096 }, ramBytes })!;
    const sent = lines.filter((line) => line.startsWith('virsh qemu-monitor-command'));
    expect(sent.map((line) => JSON.parse(line.slice(line.indexOf("'") + 1, -1)) as unknown)).toEqual([
      {
        execute: 'migrate-set-capabilities',
        arguments: { capabilities: [{ capability: 'dirty-limit', state: true }] },
      },
      { execute: 'migrate-set-parameters', arguments: { 'vcpu-dirty-limit': 100 } },
    ]);
    expect(lines.at(-1)).toBe('virsh migrate --live DOMAIN DESTINATION');
  });

  test('virsh compresses with zlib and zstd alone', () => {
    const written = ['zlib', 'zstd', 'qatzip', 'qpl', 'uadk'].filter(
      (compression) => linesFor('virsh', { change: { multifdChannels: 4, compression }, ramBytes }) !== null,
    );
    expect(written).toEqual(['zlib', 'zstd']);
  });

  test('virsh switches by itself, after the first pass or by the clock', () => {
    const early = linesFor('virsh', { change: { postcopy: { passes: 2, afterS: 20 } }, ramBytes });
    const late = linesFor('virsh', { change: { postcopy: { passes: 4, afterS: 64 } }, ramBytes });
    expect([early, late]).toEqual([
      ['virsh migrate --live --postcopy --postcopy-after-precopy DOMAIN DESTINATION'],
      ['virsh migrate --live --postcopy --timeout 64 --timeout-postcopy DOMAIN DESTINATION'],
    ]);
  });

  test('KubeVirt refuses post-copy without the leave to disrupt', () => {
    const lines = linesFor('kubevirt', { change: { postcopy: { passes: 3, afterS: 64 } }, ramBytes })!;
    expect(lines).toEqual(
      expect.arrayContaining(['  allowPostCopy: true', '  allowWorkloadDisruption: true']),
    );
  });

  test('nothing is written as nothing: each change has a line, or none can be written', () => {
    const changes: Change[] = [
      { downtimeLimitMs: 650 },
      { maxBandwidth: 0 },
      { multifdChannels: 4 },
      { multifdChannels: 4, compression: 'zstd' },
      { xbzrleCacheMib: 64 },
      { withoutTls: true },
      { throttle: { initial: 40, increment: 10 } },
      { dirtyLimitMib: 100 },
      { postcopy: { passes: 3, afterS: 20 } },
      { pause: { passes: 3, afterS: 20 } },
      { timeoutS: 600 },
      { stopFirst: true },
    ];
    for (const program of PROGRAMS)
      for (const change of changes)
        expect([program, change, linesFor(program, { change, ramBytes })?.length]).not.toEqual([
          program,
          change,
          0,
        ]);
  });
});
