import { parseOptions, readOptions } from '../../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/errors.js';
import { findPolicy } from '../../src/policies/index.js';
import { OVIRT_SCHEDULES } from '../../src/policies/kit/ovirt-schedule.js';
import { readPolicyFile, type ImportedPolicy } from '../../src/scenario/policy-files.js';

const MIB = 2 ** 20;

/** Reads the text and has the policy's own schema check what comes out. */
function read(text: string, which?: string): ImportedPolicy {
  const policy = readPolicyFile(text, 'policy', which);
  expect(readOptions(findPolicy(policy.name).options, policy.options)).toHaveProperty('value');
  return policy;
}

function complaint(text: string, which?: string): string {
  try {
    readPolicyFile(text, 'p.yaml', which);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message;
  }
  throw new Error('accepted');
}

function migrationPolicy(spec: string): string {
  const lines = spec.split('\n').map((line) => `  ${line}`);
  return [
    'apiVersion: migrations.kubevirt.io/v1alpha1',
    'kind: MigrationPolicy',
    'metadata: {name: mine}',
    'spec:',
  ]
    .concat(lines)
    .join('\n');
}

describe('a KubeVirt MigrationPolicy', () => {
  // The example of the proposal.
  test('with downtimeTuning is the downtime ramp', () => {
    const text = migrationPolicy(`selectors: {namespaceSelector: {workload-type: memory-intensive}}
maxDowntimeMs: 1050
experimental: {downtimeTuning: {}}`);
    expect(read(text)).toEqual({
      name: 'kubevirt-downtime-ramp',
      options: { 'max-downtime': '1050ms' },
      title: 'mine',
      migration: { maxBandwidth: 0, postcopy: false },
      strategy: 'none',
      unused: [],
    });
  });

  test('with all of downtimeTuning', () => {
    const text = migrationPolicy(`maxDowntimeMs: 1500
completionTimeoutPerGiB: 20
experimental:
  downtimeTuning: {initialMs: 200, steps: 5, startAfterIteration: 2, cooldownSeconds: 15}`);
    expect(read(text).options).toEqual({
      'max-downtime': '1500ms',
      initial: '200ms',
      steps: 5,
      'start-after-iteration': 2,
      cooldown: '15s',
      'completion-timeout-per-gib': '20s',
    });
  });

  test.each(['stallDetector', 'stallDetection'])(
    'with %s is the stall detection; factors may be quantities',
    (key) => {
      const text = migrationPolicy(`experimental:
  ${key}:
    stallMargin: 5
    stallProgressTimeout: 60
    switchoverTimeout: 30
    ewmaAlpha: "400m"
    precopyPossibleFactor: "1.5"
    patienceWindowDecayFactor: 0.5
    searchLocalMinima: false
    completionTimeoutFactor: "2"`);
      expect(read(text)).toMatchObject({
        name: 'kubevirt-stall-detection',
        options: {
          'stall-margin': 5,
          'stall-progress-timeout': '60s',
          'switchover-timeout': '30s',
          'ewma-alpha': 0.4,
          'precopy-possible-factor': 1.5,
          'patience-window-decay-factor': 0.5,
          'search-local-minima': false,
          'completion-timeout-factor': 2,
        },
      });
    },
  );

  test('with neither is the plain monitor, under the default limit of QEMU', () => {
    expect(read(migrationPolicy('completionTimeoutPerGiB: 0\nmaxDowntimeMs: 500'))).toEqual({
      name: 'kubevirt-timeout',
      options: { 'completion-timeout-per-gib': 'none' },
      title: 'mine',
      migration: { maxBandwidth: 0, postcopy: false, downtimeLimitMs: 300 },
      strategy: 'none',
      unused: ['maxDowntimeMs'],
    });
  });

  test('allowPostCopy turns the capability on, and brings allowWorkloadDisruption with it', () => {
    const policy = read(migrationPolicy('allowPostCopy: true'));
    expect(policy.options).toEqual({ 'allow-post-copy': true, 'allow-workload-disruption': true });
    expect(policy.migration.postcopy).toBe(true);
  });

  test('allowAutoConverge is a strategy', () => {
    expect(read(migrationPolicy('allowAutoConverge: true')).strategy).toBe('auto-converge');
  });

  // libvirt takes whole MiB/s: 100M are 95.37 MiB, 1500k are 1.43, 500k are less than one.
  test.each([
    ['64Mi', 64],
    ['1Gi', 1024],
    ['100M', 95],
    ['1500k', 1],
    ['500k', 1],
    ['0', 0],
    ['67108864', 64],
    ['1e9', 954],
  ])('bandwidthPerMigration %s is a rate of %d MiB/s', (quantity, mib) => {
    const policy = read(migrationPolicy(`bandwidthPerMigration: ${quantity}`));
    expect(policy.migration.maxBandwidth).toBe(mib * MIB);
  });

  test.each([
    [
      'bandwidthPerMigration: 64MiB',
      'p.yaml:5:26: bandwidthPerMigration: expected bytes a second',
      'did you mean 64Mi?',
    ],
    ['bandwidthPerMigration: 1Gbps', 'p.yaml:5:26: ', 'did you mean 1G?'],
    ['bandwidthPerMigration: 64m', 'less than a byte', 'did you mean 64M?'],
    ['completionTimeoutPerGiB: 150s', 'expected whole seconds from 0, got "150s"', ''],
    ['maxDowntimeMs: 0', 'expected whole ms from 1 to 2000000, got 0', ''],
    ['allowPostcopy: true', 'p.yaml:5:3: unknown key "allowPostcopy"', 'did you mean allowPostCopy?'],
    [
      'allowPostCopy: true\nallowWorkloadDisruption: false',
      'p.yaml:6:28: allowWorkloadDisruption: expected true',
      '',
    ],
    [
      'experimental: {downtimeTuning: {cooldownSecs: 5}}',
      'unknown key "cooldownSecs"',
      'did you mean cooldownSeconds?',
    ],
    [
      'experimental:\n  compresion: zstd',
      'p.yaml:6:5: experimental: unknown key "compresion"',
      'did you mean compression?',
    ],
    ['experimental: {stallDetector: {ewmaAlpha: "1.5"}}', 'expected a number from 0.001 to 1', ''],
  ])('%j is refused at its place', (spec, start, end) => {
    const message = complaint(migrationPolicy(spec));
    expect(message).toContain(start);
    expect(message).toContain(end);
    expect(message).not.toContain('\n');
  });
});

describe('a KubeVirt resource', () => {
  const text = `apiVersion: kubevirt.io/v1
kind: KubeVirt
metadata: {name: kubevirt, namespace: kubevirt}
spec:
  certificateRotateStrategy: {}
  configuration:
    developerConfiguration: {featureGates: [GATES]}
    migrations:
      progressTimeout: 60
      parallelMigrationsPerCluster: 5
      bandwidthPerMigration: 64Mi
      allowAutoConverge: true`;

  test('gives its migrations, and says what they hold besides', () => {
    expect(read(text.replace('GATES', 'Snapshot'))).toEqual({
      name: 'kubevirt-timeout',
      options: { 'progress-timeout': '60s' },
      title: 'kubevirt',
      migration: { maxBandwidth: 64 * MIB, postcopy: false, downtimeLimitMs: 300 },
      strategy: 'auto-converge',
      unused: ['parallelMigrationsPerCluster'],
    });
  });

  test('with the feature gate is the stall detection, which has no progressTimeout', () => {
    const policy = read(text.replace('GATES', 'MigrationStallDetection'));
    expect(policy.name).toBe('kubevirt-stall-detection');
    expect(policy.options).toEqual({});
    expect(policy.unused).toEqual(['parallelMigrationsPerCluster', 'progressTimeout']);
  });

  test('tells a wrong value at its place', () => {
    expect(complaint(text.replace('progressTimeout: 60', 'progressTimeout: 1m'))).toMatch(
      /^p\.yaml:9:24: progressTimeout: expected whole seconds from 0, got "1m"/,
    );
  });
});

describe('a file of several documents', () => {
  const two = [
    'kind: ConfigMap',
    '---',
    migrationPolicy('{}'),
    '---',
    migrationPolicy('{}').replace('mine', 'other'),
  ].join('\n');
  test('is searched for policies', () => {
    expect(read(`kind: ConfigMap\n---\n${migrationPolicy('allowPostCopy: true')}`).title).toBe('mine');
  });
  test('gives the one that is named', () => {
    expect(read(two, 'other').title).toBe('other');
    expect(complaint(two, 'othr')).toBe(
      'p.yaml: no policy "othr"; did you mean other? There are mine, other',
    );
  });
  test('with several policies wants a name', () => {
    expect(complaint(two)).toBe('p.yaml: holds 2 policies; expected one of them by name: mine, other');
  });
  test('as kubectl lists them is searched too', () => {
    const list = JSON.stringify({
      kind: 'List',
      items: [{ kind: 'MigrationPolicy', spec: { allowAutoConverge: 1 } }],
    });
    expect(complaint(list)).toMatch(/^p\.yaml:1:\d+: allowAutoConverge: expected true or false, got 1/);
  });
});

describe('nova.conf', () => {
  test('gives the policy its options, with the units that Nova means', () => {
    const text = `[DEFAULT]
live_migration_downtime = 1
# a comment

[libvirt]
virt_type = kvm
live_migration_bandwidth = 100
live_migration_downtime = 750
live_migration_downtime_steps=5
live_migration_downtime_delay: 10
live_migration_completion_timeout = 15
live_migration_timeout_action = force_complete
live_migration_permit_post_copy = True
live_migration_permit_auto_converge = true
live_migration_parallel_connections = 4
live_migration_uri = qemu+tcp://%s/system
[vnc]
live_migration_downtime = 2
`;
    expect(read(text)).toEqual({
      name: 'nova',
      options: {
        downtime: '750ms',
        'downtime-steps': 5,
        'downtime-delay': '10s',
        'completion-timeout': '15s',
        'timeout-action': 'force_complete',
        'permit-post-copy': true,
      },
      title: null,
      migration: { maxBandwidth: 100 * MIB, postcopy: true },
      strategy: 'none',
      unused: ['live_migration_parallel_connections', 'live_migration_permit_auto_converge'],
    });
  });

  test('auto-converge is used where post-copy is not permitted', () => {
    expect(read('[libvirt]\nlive_migration_permit_auto_converge = yes').strategy).toBe('auto-converge');
  });

  test('an empty section means the defaults', () => {
    expect(read('[libvirt]\n').options).toEqual({});
  });

  test('a completion timeout of 0 means none', () => {
    expect(read('live_migration_completion_timeout = 0').options).toEqual({ 'completion-timeout': 'none' });
  });

  test('of an option that stands twice the last counts', () => {
    expect(read('[libvirt]\nlive_migration_downtime=100\nlive_migration_downtime=200').options).toEqual({
      downtime: '200ms',
    });
  });

  test.each([
    [
      'live_migration_downtime = 50',
      'p.yaml:2: live_migration_downtime: expected ms as a whole number from 100, got "50"',
    ],
    ['live_migration_downtime = 500ms', 'p.yaml:2: live_migration_downtime: expected ms as a whole number'],
    [
      'live_migration_bandwidth = 1GiB',
      'p.yaml:2: live_migration_bandwidth: expected MiB/s as a whole number',
    ],
    ['live_migration_timeout_action = force', 'expected abort or force_complete, got "force"'],
    ['live_migration_permit_post_copy = maybe', 'expected True or False, got "maybe"'],
    ['live_migration_permit_postcopy = True', 'did you mean live_migration_permit_post_copy?'],
  ])('%j is refused at its line', (line, message) => {
    expect(complaint(`[libvirt]\n${line}`)).toContain(message);
  });
});

describe('oVirt MigrationPolicies', () => {
  const set = (ms: string) => ({ action: 'setDowntime', params: [ms] });
  const entry = (name: string, limits: readonly string[], last: readonly object[]) => ({
    id: { uuid: '80554327-0569-496b-bdeb-fcbbf52b827b' },
    maxMigrations: 2,
    autoConvergence: true,
    migrationCompression: name === 'Suspend workload if needed',
    enableGuestEvents: true,
    name,
    description: '',
    config: {
      convergenceItems: limits.map((ms, i) => ({
        stallingLimit: [1, 2, 3, 4, 6][i],
        convergenceItem: set(ms),
      })),
      initialItems: [set('100')],
      lastItems: last,
    },
  });
  const abort = { action: 'abort', params: [] };
  const short = ['150', '200', '300', '400', '500'];
  const shipped = JSON.stringify([
    entry('Minimal downtime', short, [abort]),
    entry('Suspend workload if needed', short, [set('5000'), abort]),
    entry('Post-copy migration', ['150', '200'], [{ action: 'postcopy', params: [] }, abort]),
  ]);

  test('a shipped policy is known by its word', () => {
    expect(read(shipped, 'Minimal downtime')).toEqual({
      name: 'ovirt',
      options: { schedule: 'minimal-downtime' },
      title: 'Minimal downtime',
      migration: { postcopy: false },
      strategy: 'auto-converge',
      unused: [],
    });
    expect(read(shipped, 'suspend-workload-if-needed').options).toEqual({ schedule: 'suspend-if-needed' });
    expect(read(shipped, 'suspend-workload-if-needed').unused).toEqual(['migrationCompression']);
    expect(read(shipped, 'post-copy migration').migration).toEqual({ postcopy: true });
  });

  test('a policy of one`s own keeps its schedule', () => {
    const own = read(JSON.stringify(entry('Mine', ['1000'], [abort])));
    const options = parseOptions(findPolicy('ovirt').options, own.options) as { schedule: unknown };
    expect(options.schedule).toMatchObject({ lastItems: [{ action: 'abort' }] });
    expect(Object.keys(OVIRT_SCHEDULES)).not.toContain(options.schedule);
  });

  test('a config alone will do', () => {
    expect(read('{"initialItems": [{"action": "setDowntime", "params": ["70"]}]}').title).toBeNull();
  });

  test.each([
    [
      '{"lastItems": [{"action": "setdowntime", "params": ["70"]}]}',
      'lastItems.0.action: expected ',
      'did you mean setDowntime?',
    ],
    ['{"lastItems": [{"action": "setDowntime", "params": ["70ms"]}]}', 'expected a downtime in ms', '"70ms"'],
    [
      '{"lastItems": [], "convergenceItem": []}',
      'unknown key "convergenceItem"',
      'did you mean convergenceItems?',
    ],
  ])('%s is refused', (text, start, end) => {
    expect(complaint(text)).toContain(start);
    expect(complaint(text)).toContain(end);
    expect(complaint(text)).toMatch(/^p\.yaml:1:\d+: /);
  });
});

describe('anything else', () => {
  test.each([
    ['kind: VirtualMachine', 'got kind "VirtualMachine"'],
    ['guest: {memory: 1GiB}', 'got a map without kind'],
    ['', 'expected a KubeVirt MigrationPolicy or KubeVirt resource, nova.conf with [libvirt], or oVirt'],
    ['42', 'expected a KubeVirt MigrationPolicy'],
    ['kind: [', 'p.yaml:1:8: not YAML or JSON'],
  ])('%j is refused', (text, message) => {
    expect(complaint(text)).toContain(message);
  });
});
