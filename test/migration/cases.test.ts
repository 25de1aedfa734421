/** Whole scenarios at which a rule decides the outcome, with what QEMU's rules give for them, worked out by hand. */
import { describe, expect, test } from '@jest/globals';
import { simulate } from '../../src/experiment/simulate.js';
import type { MigrationResult } from '../../src/migration/result.js';
import { loadScenario } from '../../src/scenario/load.js';

const { abs, round } = Math;
const MEMORIES = ['page', 'fluid'] as const;

function run(name: string, memory: 'page' | 'fluid', set: readonly string[] = []): MigrationResult {
  const scenario = loadScenario(new URL(`cases/${name}.yaml`, import.meta.url).pathname, { set });
  return simulate(scenario, scenario.strategies[0]!, { memory });
}

/** `value` lies within `share` of `wanted`. */
function expectNear(value: number, wanted: number, share: number): void {
  expect([value, abs(value - wanted) <= share * abs(wanted)]).toEqual([value, true]);
}

describe.each(MEMORIES)('a cap of 512 KiB/s, %s memory', (memory) => {
  const outcome = (qemu: string): MigrationResult =>
    run('lowbw', memory, [`migration.qemu='${qemu}'`, 'migration.give-up-after=100s']);

  /**
   * The quota is 52,428 B a window. Up to 8.1 bytes count page by page: 13 normal pages pass it, 0.53 MB/s, and the
   * threshold of 160 KB lies below the 256 pages (1 MiB) that the idle vCPU has written when a pass ends. From 8.2 on they count
   * when 32 pages, 131,328 B, are flushed: two and a half times as much goes out, and as much more may be left.
   */
  test('holds where bytes count page by page', () => {
    const bandwidth = 13 * 4104 * 10;
    for (const qemu of ['7.2', '8.0', '8.1']) {
      const { status, bandwidthBytesPerSecond } = outcome(qemu);
      expect([qemu, status]).toEqual([qemu, 'gave-up']);
      expectNear(bandwidthBytesPerSecond, bandwidth, 0.05);
    }
  });

  test('is passed where they count by flushes', () => {
    for (const qemu of ['8.2', '10.2']) expect([qemu, outcome(qemu).status]).toEqual([qemu, 'completed']);
  });
});

describe.each(MEMORIES)('post-copy on pages of 2 MiB, %s memory', (memory) => {
  const HUGE_BYTES = 2 ** 21;

  /**
   * 20 MiB/s anywhere in 6 GiB: the 10,000 pages that are left of a pass lie at random in its last part, a few in each host
   * page. Each host page goes whole: GiB where 42 MiB were dirty, and seconds at 10 Gbit/s where 37 ms would do.
   */
  test('host pages that are dirty in part go whole', () => {
    const result = run('huge', memory);
    const left = result.syncs.at(-1)!.remainingBytes / 4096;
    const pages = result.postcopyBytes / 4104;
    expect(left).toBeLessThan(11_000);
    expect(pages / 512).toBeGreaterThan(1500);
    if (memory === 'page') expect(pages % 512).toBe(0);
    expectNear(result.postcopyTimeMs, ((pages * 4104) / ((10e9 / 8) * (1448 / 1538))) * 1000, 0.02);
    expect(result.remainingBytes).toBe(0);
  });

  test('pages of 4 KiB go as they are', () => {
    const { syncs, postcopyBytes } = run('huge', memory, ['guest.host-page=4KiB']);
    expectNear(postcopyBytes, (syncs.at(-1)!.remainingBytes / 4096) * 4104, 1e-3);
  });

  /** A sequential writer leaves an arc: only its two ends lie in host pages that are dirty in part. */
  test('an arc grows by less than two host pages', () => {
    const { syncs, postcopyBytes } = run('huge', memory, [
      'guest.vcpus.0.workload.pattern=sequential',
      'migration.max-bandwidth=2GiB/s',
    ]);
    const dirty = syncs.at(-1)!.remainingBytes;
    const sent = (postcopyBytes / 4104) * 4096;
    expect(sent).toBeGreaterThanOrEqual(dirty - 4096);
    expect(sent).toBeLessThan(dirty + 2 * HUGE_BYTES);
    expect(sent / HUGE_BYTES).toBeCloseTo(round(sent / HUGE_BYTES), 2);
  });
});

test('both memories send as many host pages and ask for as many', () => {
  const [page, fluid] = MEMORIES.map((memory) => run('huge', memory));
  expectNear(fluid!.postcopyBytes, page!.postcopyBytes, 0.01);
  expectNear(fluid!.postcopyRequests, page!.postcopyRequests, 0.1);
});

describe.each(MEMORIES)('post-copy after multifd, %s memory', (memory) => {
  const LINK = (1e9 / 8) * (1448 / 1538);
  const SMALLER = [
    'guest.memory=1GiB',
    'guest.vcpus.0.workload.write=50MiB/s',
    'guest.vcpus.0.workload.working-set=300MiB',
    'migration.downtime-limit=100ms',
  ];
  /** ROMs and video memory, which are zero too. */
  const HIDDEN_BYTES = 17 * 2 ** 20;

  /** What multifd compressed by 3 goes plain after the switch: 4104 B a page at the link's rate, for each page that is left. */
  test('goes uncompressed over one channel', () => {
    const result = run('pc', memory, SMALLER);
    const pages = result.syncs.at(-1)!.remainingBytes / 4096;
    expectNear(result.postcopyBytes, pages * 4104, 0.001);
    expectNear(result.postcopyTimeMs, ((pages * 4104) / LINK) * 1000, 0.01);
    expect(result.multifdBytes).toBeLessThan((result.sentBytes - result.postcopyBytes) * 1.001);
  });

  /** A quarter is zero. Where the channels look for zero pages nobody does after the switch, and they go whole. */
  test.each([
    ['multifd', false],
    ['none', false],
    ['legacy', true],
  ] as const)('with zero-page-detection %s zero pages are found: %s', (detection, found) => {
    const result = run('pc', memory, [
      ...SMALLER,
      'guest.zero-pages=25%',
      `migration.stream.multifd.zero-page-detection=${detection}`,
      'policy={timeout: {after: 50ms, action: postcopy}}',
    ]);
    const pages = result.syncs.at(-1)!.remainingBytes / 4096;
    const zero = found ? (2 ** 28 + HIDDEN_BYTES) / 4096 : 0;
    expectNear(result.postcopyBytes, (pages - zero) * 4104 + zero * 9, 0.001);
  });
});

/**
 * 4 vCPUs at 99 % throttle sleep 990 ms of each second, in phase, and a timer's sync has to wait for them before it can reap
 * their rings. Meanwhile the migration thread sends: the ring loses no more of the link than the dirty bitmap does, whose
 * syncs take a millisecond.
 */
test("a timer's sync of a dirty ring stops no sending", () => {
  const ring = run('acring', 'fluid');
  const bitmap = run('acring', 'fluid', ['guest.dirty-ring-size=0']);
  const waits = ring.syncs.filter(({ cause, durationMs }) => cause === 'timer' && durationMs > 500);
  expect(waits.length).toBeGreaterThan(50);
  expectNear(ring.sentBytes, bitmap.sentBytes, 0.005);
  for (const sync of waits) expectNear(sync.bandwidthBytesPerSecond, (1e9 / 8) * (1448 / 1538), 0.02);
});

/**
 * A report of QEMU with its old default of 32 MiB/s: a set of 20 MiB rewritten at 60 MiB/s. 0.3 s of the cap, 9.6 MiB, may be
 * left. After a sync 14 MiB are; the 4 MiB above the limit take 0.13 s to send, in which another 6.3 MiB of the set become dirty.
 * So it never ends: in 10,545 s 30,466 syncs were made, and 11.3 MB dirtied in each pass of 0.35 s, where a longer
 * downtime, no cap or auto-converge ended it.
 */
describe.each(MEMORIES)('a small hot set under a cap of 32 MiB/s, %s memory', (memory) => {
  const MIB = 2 ** 20;

  test('never ends, with several syncs a second', () => {
    const { status, syncs, why } = run('small-hot-set', memory);
    expect(status).toBe('gave-up');
    expect(why?.binds).toBe('max-bandwidth');
    const last = syncs.slice(-500);
    const seconds = (last.at(-1)!.timeMs - last[0]!.timeMs) / 1000;
    expect(last.length / seconds).toBeGreaterThan(10_545 / 30_466);
    for (const { remainingBytes, thresholdBytes } of last) {
      expect(remainingBytes).toBeGreaterThan(thresholdBytes);
      expect(remainingBytes).toBeLessThan(20 * MIB);
    }
    // What is dirtied in a pass of t s: all of the set but what its 15,360 t uniform writes missed.
    const passMs = (seconds * 1000) / (last.length - 1);
    const dirtied = last.reduce((sum, { newDirtyPages }) => sum + newDirtyPages, 0) / last.length;
    expectNear(dirtied, (20 * MIB * (1 - Math.exp((-passMs * 60) / 20 / 1000))) / 4096, 0.35);
  });

  test.each([
    ['a downtime limit of 1 s', 'migration.downtime-limit=1s', 350],
    ['no cap', 'migration.max-bandwidth=unlimited', 350],
  ])('%s ends it', (_name, set, mostDowntimeMs) => {
    const result = run('small-hot-set', memory, [set]);
    expect(result.status).toBe('completed');
    expect(result.downtimeMs).toBeLessThan(mostDowntimeMs);
  });

  test('auto-converge ends it at its first step', () => {
    const path = new URL('cases/small-hot-set.yaml', import.meta.url).pathname;
    const scenario = loadScenario(path);
    const result = simulate(scenario, scenario.strategies[1]!, { memory });
    expect([result.status, result.maxThrottlePercent]).toEqual(['completed', 20]);
  });
});

/**
 * 13 times 128 MB in bursts of a second: in the second of rest what a burst dirtied, less what may be left, has to be
 * sent. 1,664 MiB take 2.1 s at 6.5 Gbit/s. A second's worth may be left: 0.97 s do for the rest. Of 0.3 s they do not. A report
 * has it fail with QEMU's default and work with 1,000 ms, over a link of which it does not state the speed.
 */
test.each(MEMORIES)('bursts of stress need a downtime limit of 1 s, %s memory', (memory) => {
  expect(run('stress-hang', memory).status).toBe('gave-up');
  expect(run('stress-hang', memory, ['migration.downtime-limit=1s']).status).toBe('completed');
  expect(run('stress-hang', memory, ['link.bandwidth=10Gbit/s']).status).toBe('completed');
  const slow = run('stress-hang', memory, ['link.bandwidth=1Gbit/s', 'migration.downtime-limit=1s']);
  expect(slow.status).toBe('gave-up');
});
