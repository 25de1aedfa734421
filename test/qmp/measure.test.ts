import { afterEach, describe, expect, test } from '@jest/globals';
import { compare } from '../../src/experiment/compare.js';
import { advise } from '../../src/api/advise.js';
import { PAGE_BYTES } from '../../src/guest/spec.js';
import { connectQmp } from '../../src/qmp/client.js';
import { dangerOf, dangers, type DirtyRateMode } from '../../src/qmp/measure/dangers.js';
import { measureGuest, type GuestMeasurement, type MeasureOptions } from '../../src/qmp/measure/measure.js';
import { curveOf } from '../../src/qmp/measure/curve.js';
import { parseRamBlocks } from '../../src/qmp/measure/ram-blocks.js';
import { measuredScenario } from '../../src/qmp/measure/scenario.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { FakeQemu, Refusal, type Answers, type Args } from './fake.js';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

const BLOCKS = `              Block Name    PSize              Offset               Used              Total                HVA  RO
                  pc.ram    2 MiB  0x0000000000000000 0x0000000100000000 0x0000000100000000 0x00007f5d40000000  rw
   0000:00:02.0/vga.vram    4 KiB  0x0000000004080000 0x0000000001000000 0x0000000001000000 0x00007f5d3e000000  rw
    /rom@etc/acpi/tables    4 KiB  0x00000000050c0000 0x0000000000020000 0x0000000000200000 0x00007f5d3d000000  ro
`;
const HIDDEN = 16 * MIB + 128 * 1024;

const PARAMETERS = {
  'max-bandwidth': 0,
  'downtime-limit': 500,
  'cpu-throttle-initial': 30,
  'cpu-throttle-increment': 10,
  'max-cpu-throttle': 99,
  'throttle-trigger-threshold': 50,
  'multifd-channels': 4,
  'xbzrle-cache-size': 67108864,
};

/** Of a guest whose N pages are written uniformly at w writes/s: N (1 - e^(-wt/N)) pages in t. */
const SET_MIB = 512;
const WRITES_MIB = 200;
function dirtiedMib(seconds: number): number {
  return SET_MIB * (1 - Math.exp((-WRITES_MIB * seconds) / SET_MIB));
}

interface Situation {
  readonly version?: readonly [number, number, number];
  readonly kvm?: boolean;
  readonly ring?: boolean;
  readonly vfio?: boolean;
  readonly status?: string;
  readonly migration?: string;
  readonly capabilities?: readonly string[];
  readonly more?: Answers;
}

const running: FakeQemu[] = [];
afterEach(async () => {
  for (const qemu of running.splice(0)) await qemu.stop();
});

/** A QEMU whose `calc-dirty-rate` obeys dirtyrate.c: which modes it refuses, its units, whole MiB/s. */
async function qemu(situation: Situation): Promise<FakeQemu> {
  const { version = [10, 0, 2], kvm = true, ring = false, vfio = false, capabilities = [] } = situation;
  const inMs = version[0] > 8 || (version[0] === 8 && version[1] >= 2);
  let last: Args = {};
  const rate = (): number => {
    const seconds = Number(last['calc-time']) / (last['calc-time-unit'] === 'millisecond' ? 1000 : 1);
    return Math.floor(dirtiedMib(seconds) / seconds);
  };
  const fake = new FakeQemu(version, {
    'query-kvm': { enabled: kvm, present: true },
    'query-status': { status: situation.status ?? 'running', running: true },
    'query-memory-size-summary': { 'base-memory': 4 * GIB, 'plugged-memory': 0 },
    'human-monitor-command': BLOCKS,
    'query-cpus-fast': [{ 'cpu-index': 0 }, { 'cpu-index': 1 }],
    'query-migrate': situation.migration === undefined ? {} : { status: situation.migration },
    'query-migrate-parameters': PARAMETERS,
    'query-migrate-capabilities': [
      ...capabilities.map((capability) => ({ capability, state: true })),
      { capability: 'colo', state: false },
    ],
    'qom-get': 'pc-q35-10.0-machine',
    'qom-list': ({ path }: Args) =>
      vfio && path === '/machine/peripheral' ? [{ name: 'gpu', type: 'child<vfio-pci>' }] : [],
    'calc-dirty-rate': (args: Args) => {
      const mode = args['mode'] ?? 'page-sampling';
      if ((mode === 'dirty-ring' && !ring) || (mode === 'dirty-bitmap' && ring))
        throw new Refusal(`mode ${String(mode)} is not enabled, use other method instead.`);
      if ('calc-time-unit' in args && !inMs) throw new Refusal("Parameter 'calc-time-unit' is unexpected");
      if (!('calc-time-unit' in args) && !Number.isInteger(args['calc-time']))
        throw new Refusal('Invalid parameter type for calc-time, expected: integer');
      last = args;
      return {};
    },
    'query-dirty-rate': () => ({
      status: 'measured',
      mode: last['mode'],
      'calc-time': last['calc-time'],
      'dirty-rate': rate(),
      ...(last['mode'] === 'dirty-ring'
        ? {
            'vcpu-dirty-rate': [
              { id: 0, 'dirty-rate': rate() },
              { id: 1, 'dirty-rate': 0 },
            ],
          }
        : {}),
    }),
    ...situation.more,
  });
  running.push(fake);
  return fake.ready();
}

async function measure(
  situation: Situation,
  options: MeasureOptions = {},
): Promise<[GuestMeasurement, FakeQemu]> {
  const fake = await qemu(situation);
  const client = await connectQmp(fake.socket);
  try {
    return [await measureGuest(client, { wait: () => Promise.resolve(), ...options }), fake];
  } finally {
    client.close();
  }
}

function textOf(measurement: GuestMeasurement): string {
  return measuredScenario(measurement, { from: 'unix:/run/vm.sock', at: '2026-01-01' });
}

const SITUATIONS: readonly (readonly [string, Situation, DirtyRateMode])[] = [
  ['KVM with a dirty ring', { ring: true }, 'dirty-ring'],
  ['KVM without one', {}, 'dirty-bitmap'],
  ['whole seconds', { version: [7, 2, 22] }, 'dirty-bitmap'],
  ['TCG of 7.2, which would end', { version: [7, 2, 22], kvm: false }, 'page-sampling'],
  ['TCG of 10.0, which would answer 0', { kvm: false }, 'page-sampling'],
  ['a VFIO device', { vfio: true }, 'page-sampling'],
  ['a version with page-sampling alone', { version: [5, 2, 0] }, 'page-sampling'],
  [
    'multifd and post-copy',
    { version: [10, 1, 0], capabilities: ['multifd', 'postcopy-ram', 'return-path'] },
    'dirty-bitmap',
  ],
  ['XBZRLE under auto-converge', { capabilities: ['xbzrle', 'auto-converge', 'events'] }, 'dirty-bitmap'],
  ['dirty-limit', { ring: true, capabilities: ['dirty-limit'] }, 'dirty-ring'],
  [
    'a balloon, and memory that KVM never mapped',
    {
      more: {
        'query-balloon': { actual: 3 * GIB },
        'query-stats': ({ target }: Args) =>
          target === 'vm'
            ? [
                {
                  provider: 'kvm',
                  stats: [
                    { name: 'pages_2m', value: 1024 },
                    { name: 'pages_4k', value: 5 },
                  ],
                },
              ]
            : [{ provider: 'kvm', stats: [{ name: 'halt_wait_ns', value: 7 }] }],
      },
    },
    'dirty-bitmap',
  ],
  [
    'a guest that writes nothing',
    { more: { 'query-dirty-rate': { status: 'measured', 'dirty-rate': 0, 'calc-time': 1 } } },
    'dirty-bitmap',
  ],
  [
    'a QEMU that knows half of the questions',
    {
      more: {
        'query-kvm': undefined,
        'human-monitor-command': undefined,
        'query-cpus-fast': undefined,
        'query-migrate-parameters': undefined,
        'qom-list': undefined,
      },
    },
    'page-sampling',
  ],
];

describe.each(SITUATIONS)('a guest with %s', (_what, situation, mode) => {
  test('is measured in the safest mode that says most, and only asked', async () => {
    const [measurement, fake] = await measure(situation);
    expect(measurement.mode).toBe(mode);
    const commands = new Set(fake.asked.map(({ execute }) => execute));
    // `qom-get`, `qom-list` and `info` only read; `calc-dirty-rate` ends by itself.
    for (const command of commands)
      expect(command).toMatch(
        /^(query-|x-query-|qom-get$|qom-list$|human-monitor-command$|calc-dirty-rate$|qmp_cap)/,
      );
    for (const { execute, arguments: args } of fake.asked)
      if (execute === 'human-monitor-command') expect(args).toEqual({ 'command-line': 'info ramblock' });
    const used = fake.asked
      .filter(({ execute }) => execute === 'calc-dirty-rate')
      .map(({ arguments: args }) => (args?.['mode'] ?? 'page-sampling') as DirtyRateMode);
    const { facts } = measurement;
    for (const one of used)
      expect(dangerOf(one, { ...facts, isRunning: true, hasVfio: facts.vfio.length > 0 })).toBeNull();
  });

  test('becomes a scenario that loads, and runs in compare and advise', async () => {
    const [measurement] = await measure(situation, { repeats: 2 });
    // So that the guests converge, and advice is quick.
    const set = ['migration.give-up-after=10s', 'migration.max-bandwidth=unlimited'];
    const scenario = parseScenario(textOf(measurement), 'guest.yaml', { set });
    const { strategies } = compare(scenario, { memory: 'fluid', runs: 2 });
    expect(strategies.length).toBeGreaterThanOrEqual(2);
    for (const { results } of strategies)
      for (const one of results) expect(one.totalTimeMs).toBeGreaterThan(0);
    expect(advise(scenario, { runs: 2 })).toBeDefined();
  });
});

describe('the measured curve', () => {
  // An answer is cut off to whole MiB/s, and half a MiB/s is put on: each point is at most that far off, whatever the mode.
  test.each([
    ['by bitmap', {}],
    ['by ring, and sampled beyond its reaper', { ring: true }],
    ['in whole seconds', { version: [7, 2, 22] as const }],
  ])('is that of the guest, to half a MiB/s: %s', async (_how, situation) => {
    const [{ readings }] = await measure(situation);
    const [group] = curveOf(readings).groups;
    expect(group?.points.length).toBeGreaterThanOrEqual(3);
    for (const { durationUs, pages } of group?.points ?? []) {
      const seconds = durationUs / 1e6;
      const off = Math.abs((pages * PAGE_BYTES) / MIB - dirtiedMib(seconds));
      expect(off).toBeLessThanOrEqual(0.5 * seconds + PAGE_BYTES / MIB);
    }
  });

  test('rises where noise would have it fall, and keeps the mean', () => {
    const readings = [40, 10].map((mibPerSecond, at) => ({
      mode: 'page-sampling' as const,
      periodMs: [1000, 3000][at]!,
      mibPerSecond,
      vcpuMibPerSecond: [],
    }));
    const [first, second] = curveOf(readings).groups[0]!.points;
    // (40.5 * 1 s + 10.5 * 3 s) / 2 = 36 MiB in both.
    expect([first?.pages, second?.pages]).toEqual([9216, 9216]);
  });

  test('has as spread what repetitions differ by, and no less than what is cut off', () => {
    const reading = (mibPerSecond: number) => ({
      mode: 'dirty-bitmap' as const,
      periodMs: 1000,
      mibPerSecond,
      vcpuMibPerSecond: [],
    });
    expect(curveOf([reading(100), reading(100)]).spread).toBeCloseTo(1 / Math.sqrt(12) / 100.5, 6);
    // 90 and 110: standard deviation sqrt(200) of a mean of 100.5.
    const spread = curveOf([reading(90), reading(110)]).spread;
    expect(spread).toBeCloseTo(Math.hypot(Math.sqrt(200) / 100.5, 1 / Math.sqrt(12) / 100.5), 6);
  });
});

test('settings in force, RAM blocks and what KVM counts are in the scenario with their sources', async () => {
  const [measurement] = await measure(
    {
      capabilities: ['auto-converge', 'return-path', 'colo-x'],
      more: {
        'query-stats': ({ target }: Args) =>
          target === 'vm'
            ? [{ provider: 'kvm', stats: [{ name: 'pages_1g', value: 3 }] }]
            : [{ provider: 'kvm', stats: [{ name: 'halt_wait_ns', value: 0 }] }],
      },
    },
    { now: clock(1000) },
  );
  const text = textOf(measurement);
  expect(text).toContain('  memory: 4GiB # query-memory-size-summary');
  expect(text).toContain(`  hidden: ${HIDDEN / 1024}KiB # info ramblock`);
  expect(text).toContain('  host-page: 2MiB # info ramblock');
  expect(text).toContain('  max-bandwidth: unlimited');
  expect(text).toContain('  downtime-limit: 500ms');
  expect(text).toContain('  return-path: true');
  expect(text).toContain('# In force, but not simulated: colo-x.');
  expect(text).toMatch(/strategies:\n  - auto-converge: \{ cpu-throttle-initial: 30,/);
  // 3 of 4 GiB are mapped: at most a quarter was never touched. No vCPU was halted: 100 %.
  expect(text).toContain('  zero-pages: 0..25%');
  expect(text).toContain('      cpu: 100%');
  const { setup } = parseScenario(text, 'guest.yaml');
  expect(setup.migration).toMatchObject({ maxBandwidth: 0, downtimeLimitMs: 500, returnPath: true });
});

function clock(stepMs: number): () => number {
  let ms = 0;
  return () => (ms += stepMs);
}

describe('nothing is measured', () => {
  test.each<readonly [string, Situation, RegExp]>([
    [
      'while the guest migrates',
      { migration: 'active' },
      /^the guest is being migrated \(active\); measure it before/,
    ],
    [
      'while the guest is paused',
      { status: 'paused' },
      /^the guest does not run \(paused\), so it writes no memory/,
    ],
    [
      'without its memory',
      { more: { 'query-memory-size-summary': undefined } },
      /^QEMU does not report how much memory/,
    ],
  ])('%s', async (_when, situation, message) => {
    const fake = await qemu(situation);
    const client = await connectQmp(fake.socket);
    await expect(measureGuest(client)).rejects.toThrow(message);
    client.close();
    expect(fake.asked.map(({ execute }) => execute)).not.toContain('calc-dirty-rate');
  });

  test('over periods that the version does not take', async () => {
    await expect(measure({ version: [7, 2, 0] }, { periodsMs: [500] })).rejects.toThrow(
      /whole seconds from 1s to 60s/,
    );
    await expect(measure({}, { periodsMs: [20] })).rejects.toThrow(/50ms to 60s/);
  });

  test('any more once a migration has started', async () => {
    let asked = 0;
    const more = { 'query-migrate': () => ((asked += 1) > 4 ? { status: 'setup' } : {}) };
    await expect(measure({ more })).rejects.toThrow(/is being migrated \(setup\)/);
  });

  test('any more once it is stopped', async () => {
    let count = 0;
    const [{ readings }] = await measure({}, { onReading: () => (count += 1), isStopped: () => count === 2 });
    expect(readings).toHaveLength(2);
  });
});

test('RAM blocks are read as every version prints them', () => {
  const old = BLOCKS.replace(/ +HVA.*/, '').replaceAll(/ 0x00007f\S+ +r[wo]/g, '');
  expect(parseRamBlocks(old)).toEqual(parseRamBlocks(BLOCKS));
  expect(parseRamBlocks(BLOCKS.replaceAll('\n', '\r\n'))).toEqual(parseRamBlocks(BLOCKS));
  expect(parseRamBlocks(BLOCKS)[0]).toEqual({ name: 'pc.ram', pageBytes: 2 * MIB, usedBytes: 4 * GIB });
});

test('each danger names its source, and what is done about it', () => {
  for (const { source, answer, what, short } of dangers) {
    expect(source).toMatch(/commit [0-9a-f]{10}|\.c, /);
    expect([answer, what, short].every((text) => text.length > 10)).toBe(true);
  }
});
