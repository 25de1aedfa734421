import { beforeAll, describe, expect, test } from '@jest/globals';
import { choosePolicy } from '../../src/experiment/choice.js';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import {
  type GuestperfReport,
  type GuestperfTiming,
  readGuestperf,
} from '../../src/formats/guestperf/read.js';
import { drawAll, figures } from '../../src/report/figures/index.js';
import { NOTHING } from '../../src/report/figures/data/results.js';
import { SHEETS } from '../../src/report/figures/kit/sheet.js';
import { guestperfReport } from '../../src/formats/guestperf/write.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { SCENARIO } from './small-results.js';

const GIB_OF_PAGES = 2 ** 18;
/** 2000-01-01, where the clock of a report starts, seconds. */
const EPOCH_S = 946_684_800;
/** guestperf polls query-migrate this often. */
const POLL_MS = 50;
/** guestperf watches the guest for sleep - 1 seconds before and after. */
const BEFORE_S = 14;

/** What report.py, scenario.py, hardware.py, progress.py and timings.py of QEMU 10 write, and read back. */
const KEYS = {
  report:
    'hardware scenario progress_history guest_timings qemu_timings vcpu_timings binary dst_host kernel initrd transport sleep result',
  hardware:
    'cpus mem src_mem_bind dst_mem_bind src_cpu_bind dst_cpu_bind prealloc_pages huge_pages locked_pages dirty_ring_size',
  scenario:
    'name downtime bandwidth max_iters max_time pause pause_iters post_copy post_copy_iters auto_converge auto_converge_step compression_mt compression_mt_threads compression_xbzrle compression_xbzrle_cache multifd multifd_channels multifd_compression dirty_limit x_vcpu_dirty_limit_period vcpu_dirty_limit',
  progress:
    'status ram now duration downtime downtime_expected setup_time throttle_pcent dirty_limit_throttle_time_per_round dirty_limit_ring_full_time',
  ram: 'transferred_bytes remaining_bytes total_bytes duplicate_pages skipped_pages normal_pages normal_bytes dirty_rate_pps transfer_rate_mbs iterations',
  timing: 'tid timestamp value',
};

let scenario: Scenario;
const texts = new Map<string, string>();
const reports = new Map<string, GuestperfReport>();
const results = new Map<string, MigrationResult>();

beforeAll(() => {
  scenario = parseScenario(SCENARIO, 'small.yaml');
  for (const strategy of scenario.strategies) {
    const result = simulate(scenario, strategy, { timelineMs: 100 });
    const text = guestperfReport({ setup: scenario.setup, strategy, policy: scenario.policy, result });
    texts.set(strategy.label, text);
    results.set(strategy.label, result);
    reports.set(strategy.label, readGuestperf(text, 'made.json'));
  }
});

const LABELS = [
  'none',
  'auto-converge',
  'auto-converge(cpu-throttle-initial=50)',
  'dirty-limit(vcpu-dirty-limit=50MiB/s)',
];

function keysOf(value: unknown): string[] {
  return Object.keys(value as object).sort();
}

describe('a run as a report', () => {
  test.each(LABELS)('has every field, under its name: %s', (label) => {
    const raw = JSON.parse(texts.get(label)!) as Record<string, unknown>;
    const sorted = (names: string): string[] => names.split(' ').sort();
    expect(keysOf(raw)).toEqual(sorted(KEYS.report));
    expect(keysOf(raw['hardware'])).toEqual(sorted(KEYS.hardware));
    expect(keysOf(raw['scenario'])).toEqual(sorted(KEYS.scenario));
    for (const progress of raw['progress_history'] as { ram: unknown }[]) {
      expect(keysOf(progress)).toEqual(sorted(KEYS.progress));
      expect(keysOf(progress.ram)).toEqual(sorted(KEYS.ram));
    }
    for (const list of ['guest_timings', 'qemu_timings', 'vcpu_timings']) {
      for (const timing of raw[list] as unknown[]) expect(keysOf(timing)).toEqual(sorted(KEYS.timing));
    }
    // As json.dumps(…, indent=4) has it.
    expect(texts.get(label)).toMatch(/^\{\n {4}"hardware": \{\n {8}"cpus": 2,/);
  });

  test('says what was set', () => {
    const { hardware, scenario: auto } = reports.get('auto-converge')!;
    expect(hardware).toMatchObject({ cpus: 2, mem: 0.5, dirty_ring_size: 1024 });
    expect(auto).toMatchObject({
      downtime: 200,
      max_time: 40,
      auto_converge: true,
      auto_converge_step: 10,
      dirty_limit: false,
    });
    expect(reports.get(LABELS[3]!)!.scenario).toMatchObject({
      auto_converge: false,
      dirty_limit: true,
      vcpu_dirty_limit: 50,
    });
  });

  test.each(LABELS)('has a record per sync that a poll can see, and the end: %s', (label) => {
    const { progress_history: history } = reports.get(label)!;
    const result = results.get(label)!;
    const last = history.at(-1)!;
    const poll = (timeMs: number): number => Math.ceil(timeMs / POLL_MS);
    const seen = result.syncs.filter(({ timeMs }, i) => {
      const next = result.syncs[i + 1];
      return next === undefined || poll(next.timeMs) > poll(timeMs);
    });
    const before = result.setupTimeMs > POLL_MS ? [0] : [];
    expect(history.map(({ ram }) => ram.iterations)).toEqual([
      ...before,
      ...seen.map(({ n }) => n),
      result.dirtySyncCount,
    ]);
    // Two records of one poll cannot be.
    const polls = history.slice(0, -1).map(({ now }) => poll((now - EPOCH_S - BEFORE_S) * 1e3 - 0.001));
    expect(new Set(polls).size).toBe(polls.length);
    expect(last.status).toBe(result.status === 'completed' ? 'completed' : 'cancelled');
    expect(last.ram).toMatchObject({
      transferred_bytes: result.sentBytes,
      normal_pages: result.normalPages,
      duplicate_pages: result.zeroPages,
    });
    expect(last.downtime).toBe(result.downtimeMs ?? 0);
    // query-migrate of a completed migration has no dirty-pages-rate.
    if (result.status === 'completed') expect(last.ram.dirty_rate_pps).toBe(0);
    // Counters only grow, up to those of the end.
    for (const [index, { ram, now, duration }] of history.entries()) {
      const before = history[index - 1];
      if (before === undefined) continue;
      expect(now).toBeGreaterThanOrEqual(before.now);
      expect(duration).toBeGreaterThanOrEqual(before.duration);
      for (const key of ['transferred_bytes', 'normal_pages', 'duplicate_pages'] as const) {
        expect(ram[key]).toBeGreaterThanOrEqual(before.ram[key]);
      }
    }
  });

  test('shows the throttle of auto-converge, and the sleeps of a dirty limit in µs', () => {
    const throttles = reports
      .get('auto-converge')!
      .progress_history.map(({ throttle_pcent: percent }) => percent);
    expect(throttles).toContain(20);
    expect(throttles).toContain(30);
    const limited = reports.get(LABELS[3]!)!.progress_history;
    expect(Math.max(...limited.map((one) => one.dirty_limit_throttle_time_per_round))).toBe(
      results.get(LABELS[3]!)!.maxRingFullSleepUs,
    );
    expect(reports.get('none')!.progress_history.every((one) => one.dirty_limit_ring_full_time === 0)).toBe(
      true,
    );
  });

  test('has a record of the guest for each GiB: at 400 MiB/s one in 2.56 s, and longer while it is held back', () => {
    const undisturbed = Math.round((1000 * 1024) / 400);
    const first = of(reports.get('auto-converge')!.guest_timings, 1)[0]!;
    expect(first).toEqual({ tid: 1, timestamp: EPOCH_S + 2.56, value: undisturbed });
    const slowest = (label: string, tid: number): number =>
      Math.max(...of(reports.get(label)!.guest_timings, tid).map(({ value }) => value));
    expect(slowest('auto-converge', 2)).toBeGreaterThan(1.5 * undisturbed);
    // dirty-limit holds the writer back and leaves the reader alone but for the blackout.
    expect(slowest(LABELS[3]!, 1)).toBeGreaterThan(1.5 * undisturbed);
    expect(slowest(LABELS[3]!, 2)).toBeLessThan(1.2 * undisturbed);
  });

  test.each(LABELS)(
    'guestperf-plot walks all lists once, so they stand in the order of time: %s',
    (label) => {
      const report = reports.get(label)!;
      const lists = [report.guest_timings, report.qemu_timings, report.vcpu_timings];
      for (const times of lists.map((list) => list.map(({ timestamp }) => timestamp))) {
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(times[0]).toBeGreaterThanOrEqual(EPOCH_S);
      }
      const clock = report.progress_history.map(({ now }) => now);
      expect(clock).toEqual([...clock].sort((a, b) => a - b));
    },
  );

  test.each(LABELS)('once a migration is complete, nothing runs on the source any more: %s', (label) => {
    const { progress_history: history, qemu_timings: qemu, vcpu_timings: vcpus } = reports.get(label)!;
    if (results.get(label)!.status !== 'completed') return;
    const endS = history.at(-1)!.now;
    for (const tid of new Set([...qemu, ...vcpus].map((timing) => timing.tid))) {
      const after = of([...qemu, ...vcpus], tid).filter(({ timestamp }) => timestamp > endS);
      expect(after).toHaveLength(BEFORE_S);
      expect(new Set(after.map(({ value }) => value)).size).toBe(1);
    }
  });

  test('in post-copy the vCPUs run on the destination: on the source their CPU time stands still', () => {
    const [strategy] = scenario.strategies;
    const policy = choosePolicy('postcopy-after-passes', { passes: 2 });
    const own = parseScenario(SCENARIO, 'small.yaml', {
      set: [
        'migration.postcopy-ram=true',
        'migration.max-bandwidth=20MiB/s',
        'migration.max-postcopy-bandwidth=20MiB/s',
        'migration.give-up-after=5min',
      ],
    });
    const result = simulate(own, strategy!, { policy, memory: 'fluid', timelineMs: 100 });
    const text = guestperfReport({ setup: own.setup, strategy: strategy!, policy, result });
    const report = readGuestperf(text, 'post-copy.json');
    expect(result.postcopyTimeMs).toBeGreaterThan(2000);
    const from = EPOCH_S + BEFORE_S + (result.totalTimeMs - result.postcopyTimeMs) / 1e3;
    const values = of(report.vcpu_timings, 1001).filter(({ timestamp }) => timestamp >= from);
    expect(values.length).toBeGreaterThan(BEFORE_S);
    expect(new Set(values.map(({ value }) => value)).size).toBe(1);
    // Runs that differ only in their policy have names that differ.
    expect(report.scenario.name).toBe(`${own.name}: none, ${policy.label}`);
    expect(reports.get('none')!.scenario.name).toBe(`${own.name}: none`);
  });

  test('a setup that lasts longer than a poll is the first record, without RAM statistics', () => {
    const [strategy] = scenario.strategies;
    const own = parseScenario(SCENARIO, 'small.yaml', { set: ['host.setup=300ms'] });
    const result = simulate(own, strategy!, { memory: 'fluid', timelineMs: 100 });
    const text = guestperfReport({ setup: own.setup, strategy: strategy!, policy: own.policy, result });
    const [setup, active] = readGuestperf(text, 'setup.json').progress_history;
    expect(setup).toMatchObject({ status: 'setup', ram: { total_bytes: 0, iterations: 0 } });
    expect(active).toMatchObject({ status: 'active', ram: { iterations: 1 } });
  });

  test.each([
    ['1GiB', 0.5],
    ['2GiB', 1],
    ['16GiB', 15],
    ['16896MiB', 16],
  ])('a guest of %s has a load of %d GiB', (memory, mem) => {
    const [strategy] = scenario.strategies;
    const own = parseScenario(SCENARIO, 'small.yaml', { set: [`guest.memory=${memory}`] });
    const result = simulate(own, strategy!, { memory: 'fluid', timelineMs: 100 });
    const text = guestperfReport({ setup: own.setup, strategy: strategy!, policy: own.policy, result });
    expect(readGuestperf(text, 'mem.json').hardware.mem).toBe(mem);
  });

  test.each(LABELS)('the records of a thread add up to the accesses that it did: %s', (label) => {
    const result = results.get(label)!;
    const perSecond = (400 * 2 ** 20) / 4096;
    result.vcpus.forEach((vcpu, id) => {
      const timings = of(reports.get(label)!.guest_timings, id + 1);
      const after = result.status === 'completed' ? BEFORE_S : 0;
      const accesses = vcpu.writes + vcpu.reads + perSecond * (BEFORE_S + after);
      expect(Math.abs(timings.length - accesses / GIB_OF_PAGES)).toBeLessThanOrEqual(1.02);
      // Each began where the one before ended.
      const sum = timings.reduce((total, { value }) => total + value, 0);
      expect(Math.abs(sum / 1000 - (timings.at(-1)!.timestamp - EPOCH_S))).toBeLessThan(
        0.001 * timings.length,
      );
    });
  });

  test.each(LABELS)('CPU times only grow, and no vCPU runs more than all the time: %s', (label) => {
    const { vcpu_timings: vcpus, qemu_timings: qemu, guest_timings: guest } = reports.get(label)!;
    // guestperf-plot cannot draw a report whose guest speaks before the first CPU time.
    expect(qemu[0]!.timestamp).toBeLessThan(guest[0]!.timestamp);
    for (const tid of new Set([...vcpus, ...qemu].map((timing) => timing.tid))) {
      const own = of([...vcpus, ...qemu], tid);
      for (const [index, { timestamp, value }] of own.entries()) {
        const before = own[index - 1];
        if (before === undefined) continue;
        expect(timestamp).toBe(before.timestamp + 1);
        expect(value).toBeGreaterThanOrEqual(before.value);
        if (tid !== qemu[0]!.tid) expect(value - before.value).toBeLessThanOrEqual(1010);
      }
    }
  });

  test('is the same for the same run', () => {
    const strategy = scenario.strategies[1]!;
    const result = simulate(scenario, strategy, { timelineMs: 100 });
    const again = guestperfReport({ setup: scenario.setup, strategy, policy: scenario.policy, result });
    expect(again).toBe(texts.get('auto-converge'));
  });

  test('is drawn: a line a thread, a tick a pass', () => {
    const report = reports.get('auto-converge')!;
    const [drawing, ...others] = drawAll(figures, { ...NOTHING, guestperf: [report] }, SHEETS.one);
    expect(others).toEqual([]);
    expect(drawing!.svg.match(/aria-description="thread \d"/g)).toHaveLength(2);
    expect(drawing!.svg).toContain('>completed<');
    expect(drawing!.svg).not.toMatch(/NaN|undefined/);
  });
});

describe('a report as input', () => {
  const OLD = {
    hardware: {
      cpus: 1,
      mem: 1,
      src_cpu_bind: ['0', '1'],
      src_mem_bind: [],
      dst_cpu_bind: [2],
      dst_mem_bind: null,
      prealloc_pages: false,
      huge_pages: false,
      locked_pages: false,
    },
    scenario: {
      name: 'auto-converge-iters/5',
      downtime: 500,
      bandwidth: 125000,
      max_iters: 30,
      max_time: 300,
      pause: false,
      pause_iters: 5,
      post_copy: false,
      post_copy_iters: 5,
      auto_converge: true,
      auto_converge_step: 5,
      compression_mt: false,
      compression_mt_threads: 1,
      compression_xbzrle: false,
      compression_xbzrle_cache: 10,
    },
    progress_history: [
      {
        status: 'setup',
        ram: zeros(),
        now: 1500000000.5,
        duration: 0,
        downtime: 0,
        downtime_expected: 0,
        setup_time: 0,
        throttle_pcent: 0,
      },
      {
        status: 'active',
        ram: {
          ...zeros(),
          transferred_bytes: 1000,
          remaining_bytes: 4096,
          total_bytes: 8192,
          normal_bytes: 8192,
          transfer_rate_mbs: 12.5,
          iterations: 1,
        },
        now: 1500000001.5,
        duration: 1000,
        downtime: 0,
        downtime_expected: 300,
        setup_time: 2,
        throttle_pcent: 20,
      },
      {
        status: 'completed',
        ram: { ...zeros(), transferred_bytes: 2000, total_bytes: 8192, normal_pages: 3, iterations: 2 },
        now: 1500000002.5,
        duration: 2000,
        downtime: 40,
        downtime_expected: 0,
        setup_time: 2,
        throttle_pcent: 0,
      },
    ],
    guest_timings: [{ tid: 17, timestamp: 1500000001.1, value: 463 }],
    qemu_timings: [],
    vcpu_timings: null,
    binary: '/usr/bin/qemu-system-x86_64',
    dst_host: 'localhost',
    kernel: '/boot/vmlinuz',
    initrd: 'initrd-stress.img',
    transport: 'unix',
    sleep: 15,
  };

  function zeros(): Record<string, number> {
    return Object.fromEntries(KEYS.ram.split(' ').map((key) => [key, 0]));
  }

  const read = (value: unknown): GuestperfReport => readGuestperf(JSON.stringify(value), 'old.json');

  test('of before 2021 is read with the defaults of what came later', () => {
    const report = read(OLD);
    expect(report.hardware).toMatchObject({
      dirty_ring_size: 0,
      src_cpu_bind: ['0', '1'],
      dst_cpu_bind: ['2'],
      dst_mem_bind: [],
    });
    expect(report.scenario).toMatchObject({
      auto_converge_step: 5,
      multifd: false,
      dirty_limit: false,
      multifd_compression: '',
    });
    expect(report.result.success).toBeNull();
    expect(report.vcpu_timings).toEqual([]);
    expect(report.progress_history[1]!.dirty_limit_throttle_time_per_round).toBe(0);
  });

  test('of every year is read: fields that a year did not have yet take their defaults', () => {
    const since2021 = { multifd: true, multifd_channels: 4 };
    const since2023 = { dirty_limit: true, x_vcpu_dirty_limit_period: 800, vcpu_dirty_limit: 20 };
    const of2021 = { ...OLD, scenario: { ...OLD.scenario, ...since2021 } };
    const of2023 = {
      ...of2021,
      hardware: { ...OLD.hardware, dirty_ring_size: 4096 },
      scenario: { ...of2021.scenario, ...since2023 },
      progress_history: OLD.progress_history.map((one) => ({
        ...one,
        dirty_limit_throttle_time_per_round: 1500,
        dirty_limit_ring_full_time: 900,
      })),
    };
    const of2025 = {
      ...of2023,
      scenario: { ...of2023.scenario, multifd_compression: 'zstd' },
      result: { success: true },
    };
    expect(read(of2021).scenario).toMatchObject({ ...since2021, dirty_limit: false, vcpu_dirty_limit: 1 });
    expect(read(of2021).hardware.dirty_ring_size).toBe(0);
    expect(read(of2023).scenario).toMatchObject({ ...since2021, ...since2023, multifd_compression: '' });
    expect(read(of2023).samples[0]!.dirtyLimitSleepUs).toBe(1500);
    expect(read(of2023).result.success).toBeNull();
    expect(read(of2025).scenario.multifd_compression).toBe('zstd');
    expect(read(of2025).result.success).toBe(true);
  });

  test('that was cancelled ends in a reply without figures, which guestperf writes as zeros', () => {
    const [, active] = OLD.progress_history;
    const end = { ...active!, status: 'cancelled', ram: zeros(), duration: 0 };
    expect(read({ ...OLD, progress_history: [active, end] }).samples).toHaveLength(1);
  });

  test('becomes samples of query-migrate, without those before RAM was known', () => {
    const { samples } = read(OLD);
    expect(samples).toHaveLength(2);
    expect(samples[0]).toMatchObject({
      tUs: 1e6,
      dirtySyncCount: 1,
      normalPages: 2,
      mbps: 12.5,
      throttlePercent: 20,
      downtimeMs: null,
    });
    expect(samples[1]).toMatchObject({
      status: 'completed',
      downtimeMs: 40,
      normalPages: 3,
      dirtyLimitSleepUs: null,
    });
  });

  test('that cannot be is refused with its field', () => {
    const [setup, active, end] = OLD.progress_history;
    const refused = (value: unknown): string => {
      try {
        read(value);
      } catch (error) {
        return (error as Error).message;
      }
      return 'accepted';
    };
    expect(refused([])).toBe(
      'old.json: not a report of guestperf: expected an object with "progress_history"',
    );
    expect(refused({ ...OLD, hardware: { ...OLD.hardware, cpus: 'four' } })).toBe(
      'old.json: hardware.cpus: expected a number, got "four"',
    );
    expect(refused({ ...OLD, scenario: undefined })).toBe('old.json: scenario: missing; expected an object');
    expect(refused({ ...OLD, hardware: { ...OLD.hardware, mem: 0 } })).toBe(
      'old.json: hardware.mem: expected a number above 0, got 0',
    );
    expect(
      refused({ ...OLD, progress_history: [{ ...active, ram: { ...active!.ram, remaining_bytes: 9000 } }] }),
    ).toBe('old.json: progress_history.0.ram.remaining_bytes: more than total_bytes');
    expect(refused({ ...OLD, progress_history: [setup, end, active] })).toBe(
      'old.json: progress_history.2.duration: goes back; is this one migration?',
    );
    expect(() => readGuestperf('', 'e.json')).toThrow(
      'e.json: the file is empty; expected a report of guestperf',
    );
    expect(() => readGuestperf('{"progress_history": [', 'c.json')).toThrow(/truncated/);
  });
});

function of(timings: readonly GuestperfTiming[], tid: number): GuestperfTiming[] {
  return timings.filter((timing) => timing.tid === tid);
}
