/** Reports of guestperf as inputs: the run comes back as it was, whatever year the report is of. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chooseStrategy, choosePolicy } from '../../src/experiment/choice.js';
import { learnFromGuestperf, type LearnedGuestperfRun } from '../../src/experiment/learn-guestperf.js';
import { presetRuns, presets, PRESET_TEXT } from '../../src/experiment/presets.js';
import { simulate } from '../../src/experiment/simulate.js';
import { type GuestperfFile, guestperfScenario, readGuestperf } from '../../src/formats/guestperf/read.js';
import { guestperfInWords } from '../../src/formats/guestperf/words.js';
import { guestperfReport } from '../../src/formats/guestperf/write.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { Scenario } from '../../src/scenario/scenario.js';
import { inProcess } from '../cli/migsim.js';

type Switches = Omit<GuestperfFile['scenario'], 'name'>;

/** What guestperf would have written of a run with these switches. */
function run(switches: Switches, ...set: string[]): { scenario: Scenario; text: string } {
  const words = guestperfInWords(guestperfScenario({ name: 'own', ...switches }), 1);
  const own = Object.entries(words.migration).map(([key, value]) => `migration.${key}=${value}`);
  const scenario = parseScenario(PRESET_TEXT, 'own', { set: [...own, ...set] });
  const strategy = chooseStrategy(...words.strategy);
  const policy = choosePolicy(...words.policy);
  const result = simulate(scenario, strategy, { policy, memory: 'fluid', timelineMs: 100 });
  return { scenario, text: guestperfReport({ setup: scenario.setup, strategy, policy, result }) };
}

function learned(text: string): LearnedGuestperfRun {
  return learnFromGuestperf(text, 'made.json');
}

/** As JSON, after a change. */
function changed(text: string, change: (report: Loose) => void): string {
  const report = JSON.parse(text) as Loose;
  change(report);
  return JSON.stringify(report);
}

interface Loose {
  [key: string]: unknown;
  hardware: Record<string, unknown>;
  scenario: Record<string, unknown>;
  progress_history: Record<string, unknown>[];
  guest_timings: { tid: number; timestamp: number; value: number }[];
}

/** Nothing keeps this guest up but what is switched on: it rewrites 2 GiB/s, of which 400 MiB/s can be sent. */
const NARROW = { bandwidth: 400 };
const RING = 'guest.dirty-ring-size=4096';

const ROUND: readonly (readonly [name: string, switches: Switches, set?: readonly string[]])[] = [
  ['nothing', NARROW],
  ['fewer passes and less time', { ...NARROW, max_iters: 7, max_time: 120, downtime: 300 }],
  ['auto-converge', { ...NARROW, auto_converge: true, auto_converge_step: 20 }],
  [
    'dirty-limit',
    { ...NARROW, dirty_limit: true, vcpu_dirty_limit: 50, x_vcpu_dirty_limit_period: 800 },
    [RING],
  ],
  ['pause', { ...NARROW, pause: true, pause_iters: 4 }],
  ['post-copy', { ...NARROW, post_copy: true, post_copy_iters: 3 }],
  ['xbzrle', { ...NARROW, compression_xbzrle: true, compression_xbzrle_cache: 12.5 }],
  ['multifd', { ...NARROW, multifd: true, multifd_channels: 8 }],
  ['multifd with zstd', { ...NARROW, multifd: true, multifd_compression: 'zstd' }],
  ...(['qatzip', 'qpl', 'uadk'] as const).map((word): [string, object] => [
    `multifd with ${word}`,
    { ...NARROW, multifd: true, multifd_compression: word },
  ]),
];

describe.each(ROUND)('written and learned back: %s', (_, switches, set = []) => {
  let scenario: Scenario;
  let back: Scenario;
  let text = '';
  let learnt: LearnedGuestperfRun;

  beforeAll(() => {
    ({ scenario, text } = run(switches, ...set));
    learnt = learned(text);
    back = parseScenario(learnt.scenario, 'back.yaml');
  });

  test('the guest and the parameters are the same', () => {
    const { guest, migration } = scenario.setup;
    // A speed is written in whole ms a GiB, here exactly 500.
    expect(back.setup.guest).toEqual(guest);
    expect(back.setup.migration).toEqual(migration);
  });

  test('so are the strategy and the policy, with their options', () => {
    const words = guestperfInWords(guestperfScenario({ name: 'own', ...switches }), 1);
    expect(back.strategies.map(({ label }) => label)).toEqual([chooseStrategy(...words.strategy).label]);
    expect(back.policy.label).toBe(choosePolicy(...words.policy).label);
  });

  test('and it goes the same way', () => {
    const { check } = learnt;
    // guestperf cancels what takes too long, migsim gives it up.
    const ended = check.status.simulated === 'gave-up' ? 'cancelled' : check.status.simulated;
    expect(ended).toBe(check.status.reported);
    expect(check.syncs.simulated).toBe(check.syncs.reported);
    expect(check.passes.length).toBeGreaterThan(0);
    // The link is known only where it was the limit, from windows with a sync in them: a hundredth.
    const total = check.totalTimeMs;
    expect(Math.abs(total.simulated! / total.reported! - 1)).toBeLessThan(0.01);
    // Passes are written in whole ms, so that two ends are off by 1 ms in a second.
    expect(check.largestDeviation ?? 0).toBeLessThan(0.01);
  });
});

test('every scenario of the presets comes back within a twentieth, though its link was not limited', () => {
  for (const [name, preset] of Object.entries(presets)) {
    for (const [index, { scenario, policy }] of presetRuns(name, preset, []).entries()) {
      const words = guestperfInWords(guestperfScenario(preset.entries[index]!), 1);
      const strategy = chooseStrategy(...words.strategy);
      const result = simulate(scenario, strategy, { policy, memory: 'fluid', timelineMs: 100 });
      const { check } = learned(guestperfReport({ setup: scenario.setup, strategy, policy, result }));
      const { reported, simulated } = check.totalTimeMs;
      expect([name, check.syncs.simulated]).toEqual([name, check.syncs.reported]);
      expect(Math.abs(simulated! / reported! - 1)).toBeLessThan(0.05);
    }
  }
});

describe('what a report leaves open', () => {
  let text = '';
  beforeAll(() => {
    ({ text } = run({ ...NARROW, auto_converge: true }));
  });
  const write = (report: string): number => learned(report).learned.guest.writeBytesPerSecond / 2 ** 20;

  test('is how fast the load goes: the median before the migration, else after it, else the fastest', () => {
    // guestperf watches for 14 s; 500 ms a GiB are 2 GiB/s.
    expect(write(text)).toBe(2048);
    const startS = (JSON.parse(text) as GuestperfFile).qemu_timings![0]!.timestamp;
    const before = (timing: { timestamp: number }): boolean => timing.timestamp <= startS + 14;
    const slowed = changed(text, (report) => {
      report.guest_timings = report.guest_timings.filter((one) => !before(one));
    });
    expect(write(slowed)).toBe(2048);
    expect(learned(slowed).learned.assumptions[0]).toMatch(/from after the migration|during the migration/);
    const odd = changed(text, (report) => {
      report.guest_timings = [
        { tid: 1, timestamp: startS + 5, value: 1000 },
        { tid: 1, timestamp: startS + 6, value: 1024 },
        { tid: 1, timestamp: startS + 8, value: 4096 },
        { tid: 1, timestamp: startS + 20, value: 256 },
      ];
    });
    expect(write(odd)).toBe(1000);
    const none = changed(text, (report) => {
      report.guest_timings = [];
    });
    expect(write(none)).toBe(2048);
    expect(learned(none).learned.assumptions[0]).toBe(
      'the load rewrites 2 GiB/s a CPU: the report has no readings of it',
    );
  });

  test('is the link: what was carried where nothing else limited it, else a wide one', () => {
    expect(learned(text).learned.linkBytesPerSecond).toBe(10e9);
    const slow = run({ auto_converge: true }, 'link.bandwidth=2Gbit/s');
    // 2 Gbit/s are 250 MB/s of pages and of their headers.
    expect(learned(slow.text).learned.linkBytesPerSecond / 250e6).toBeCloseTo(1, 1);
  });

  test('is what guestperf asks for and migsim cannot do', () => {
    const odd = changed(text, (report) => {
      Object.assign(report, { transport: 'rdma' });
      Object.assign(report.hardware, { huge_pages: true });
      Object.assign(report.scenario, { compression_mt: true, compression_mt_threads: 2 });
    });
    const { assumptions } = learned(odd).learned;
    for (const said of [
      /^RDMA is not simulated/,
      /^huge_pages: not simulated/,
      /^compression-mt .*multifd/,
    ]) {
      expect(assumptions.some((one) => said.test(one))).toBe(true);
    }
    expect(learned(odd).scenario).toContain('stream: { multifd: { channels: 2, compression: zlib } }');
  });
});

describe('a report of every year', () => {
  const OF_2025 = ['multifd_compression'];
  const OF_2023 = ['dirty_limit', 'x_vcpu_dirty_limit_period', 'vcpu_dirty_limit'];
  const OF_2021 = ['multifd', 'multifd_channels'];

  test.each([
    ['2025', [], '10.0', '500ms'],
    ['2023', OF_2025, '8.2', '500ms'],
    ['2021', [...OF_2025, ...OF_2023], '7.2', '500ms'],
    // downtime / 1024 was taken for seconds: 0.48828 s, in whole ms.
    ['2016', [...OF_2025, ...OF_2023, ...OF_2021], '7.2', '488ms'],
  ])('%s', (year, missing, qemu, downtime) => {
    const { text } = run({ ...NARROW, auto_converge: true });
    const old = changed(text, (report) => {
      if (missing.length > 0) delete report['result'];
      for (const key of missing) delete report.scenario[key];
      if (year < '2023') {
        delete report.hardware['dirty_ring_size'];
        for (const progress of report.progress_history) {
          delete progress['dirty_limit_throttle_time_per_round'];
          delete progress['dirty_limit_ring_full_time'];
          progress['throttle_pcent'] = 0;
        }
      }
    });
    const { scenario, check } = learned(old);
    expect(scenario).toContain(`  qemu: '${qemu}'\n`);
    expect(scenario).toContain(`  downtime-limit: ${downtime}\n`);
    expect(scenario).toContain("guestperf's form of " + year);
    expect(parseScenario(scenario, 'old.yaml').setup.guest.dirtyRingSize).toBe(0);
    // A throttle that the simulation has and the report never shows was not asked for by its name.
    const shown = check.passes.map(({ throttlePercent }) => throttlePercent.reported);
    if (year < '2023') expect(new Set(shown)).toEqual(new Set([null]));
    else expect(Math.max(...shown.map(Number))).toBeGreaterThan(0);
  });
});

describe('what cannot be is refused in one line, with its field', () => {
  let text = '';
  beforeAll(() => {
    ({ text } = run(NARROW));
  });

  test.each<[string, (report: Loose) => unknown]>([
    ['hardware.dirty_ring_size: 0, but dirty_limit needs a ring', (r) => (r.scenario['dirty_limit'] = true)],
    [
      'hardware.dirty_ring_size: expected 0 or a power of two from 1024 to 65536, got 1000',
      (r) => (r.hardware['dirty_ring_size'] = 1000),
    ],
    ['ram.total_bytes: 1.517 GiB, but mem 4 makes a guest of 4.5 GiB', (r) => (r.hardware['mem'] = 4)],
    ['hardware.mem: less than 1 MiB for each of 2000 CPUs', (r) => (r.hardware['cpus'] = 2000)],
    ['progress_history: no record with RAM statistics', (r) => (r.progress_history = [])],
    [
      'scenario.post_copy: expected false together with pause, got true',
      (r) => Object.assign(r.scenario, { pause: true, post_copy: true }),
    ],
    [
      'scenario.auto_converge_step: expected a whole number from 1 to 99, got 0',
      (r) => Object.assign(r.scenario, { auto_converge: true, auto_converge_step: 0 }),
    ],
    [
      'scenario.multifd_compression: expected none, zlib, zstd, qatzip, qpl, uadk or nothing, got "lz4"',
      (r) => Object.assign(r.scenario, { multifd: true, multifd_compression: 'lz4' }),
    ],
  ])('%s', (message, change) => {
    expect(() => learned(changed(text, change))).toThrow(`made.json: ${message}`);
  });
});

describe('migsim', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'migsim-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const report = path.join(folder, 'reports', 'real.json');
  const scenario = path.join(folder, 'run.yaml');

  test('learn, run and plot put the simulated run beside the one that was reported', async () => {
    mkdirSync(path.dirname(report));
    writeFileSync(report, run({ ...NARROW, auto_converge: true }).text);
    const { status, stdout } = await inProcess(['learn', report, '--out', scenario]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^pass +length:[^]*total time[^]*off by 0\.0 % \(median\)/);
    for (const line of stdout.replaceAll(scenario, '').split('\n')) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
    const simulated = path.join(folder, 'reports', 'simulated.json');
    const again = await inProcess(['run', scenario, '--memory', 'fluid', '--guestperf', simulated]);
    expect([again.status, again.stderr]).toEqual([0, '']);
    const [first, second] = [report, simulated].map((file) =>
      readGuestperf(readFileSync(file, 'utf8'), file),
    );
    expect(second!.progress_history).toEqual(first!.progress_history);
    expect(second!.guest_timings).toEqual(first!.guest_timings);

    const figures = path.join(folder, 'figures');
    const plotted = await inProcess(['plot', path.dirname(report), '--out', figures]);
    expect(plotted.stdout).toBe(`1 figure in ${figures}: guestperf.svg\n`);
    const svg = readFileSync(path.join(figures, 'guestperf.svg'), 'utf8');
    expect(svg.match(/aria-description="thread 1"/g)).toHaveLength(2);
    expect(svg.match(/>completed</g)).toHaveLength(2);
  });

  test('learn has no use for what the report says', async () => {
    const { status, stderr } = await inProcess(['learn', report, '--memory', '4GiB']);
    expect([status, stderr]).toEqual([
      2,
      `${report}: --memory is for logs: a guestperf report already contains it\n`,
    ]);
    const cut = path.join(folder, 'cut.json');
    writeFileSync(cut, readFileSync(report, 'utf8').slice(0, 3000));
    expect((await inProcess(['learn', cut])).stderr).toMatch(
      /cut\.json:\d+:\d+: the JSON ends in the middle/,
    );
  });
});
