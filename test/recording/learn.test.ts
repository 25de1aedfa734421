import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { dirtyPagesIn } from '../../src/guest/dirty-curve.js';
import { fitLoop, loadPagesIn } from '../../src/recording/learn/curve.js';
import { learnFromLog } from '../../src/recording/learn/learn-from-log.js';
import { learn } from '../../src/recording/learn/learn.js';
import type { Learned, LearnOptions } from '../../src/recording/learn/learned.js';
import type { MigrationLog } from '../../src/formats/migration-log.js';
import { readLogs } from '../../src/formats/readers/read-logs.js';
import { postcopyPhase } from '../../src/recording/learn/answer/self-check.js';
import { guestSpecOf } from '../../src/recording/validate/replay.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { KNOWN, simulatedLog, type SimulatedLog } from './logs.js';

function logOf(text: string, file: string): MigrationLog {
  const read = readLogs([{ file, text }]);
  if (read.kind !== 'migration') throw new Error('expected a log of a migration');
  return read.log;
}

function learned(log: SimulatedLog): Learned {
  return learn(logOf(log.text, 'known.json'));
}

describe('a log of a migration whose guest is known', () => {
  let log: SimulatedLog;
  let found: Learned;
  beforeAll(() => {
    log = simulatedLog(KNOWN);
    found = learned(log);
  });

  test('each pass brings back exactly what the sync found: remaining plus sent jumps by the newly dirty pages', () => {
    const alone = found.passes.filter((pass) => pass.shared === 1);
    expect(alone.length).toBeGreaterThan(2);
    for (const pass of alone) {
      const sync = log.result.syncs.find((candidate) => candidate.n === pass.n);
      expect(pass.newPages).toBe(sync?.newDirtyPages);
    }
  });

  test('a sync is placed to within a window and a half of 100 ms, whatever the polls missed', () => {
    for (const pass of found.passes.filter(({ shared }) => shared === 1)) {
      const sync = log.result.syncs.find((candidate) => candidate.n === pass.n);
      expect(Math.abs(pass.startUs + pass.durationUs - (sync?.timeMs ?? 0) * 1000)).toBeLessThan(150_000);
    }
  });

  test('dirty-pages-rate times the syncs that it was refreshed at to some ms', () => {
    // Pages since the last such sync over a whole number of pages a second: here off by 2 ms at most, and clocks are in ms.
    const timed = found.passes.filter((pass) => pass.timed);
    expect(timed.length).toBeGreaterThan(1);
    for (const pass of timed) {
      const sync = log.result.syncs.find((candidate) => candidate.n === pass.n);
      expect(Math.abs(pass.startUs + pass.durationUs - (sync?.timeMs ?? 0) * 1000)).toBeLessThan(10_000);
    }
  });

  test('memory, zero pages, max-bandwidth and downtime-limit are read off', () => {
    expect(found.guest.ramPages).toBe(KNOWN.ramPages);
    expect(found.guest.hiddenPages).toBe(KNOWN.hiddenPages);
    expect(found.guest.zeroPages).toBe(KNOWN.zeroPages + KNOWN.hiddenPages);
    expect(found.migration.maxBandwidth).toBe(128 * 2 ** 20);
    expect(found.migration.downtimeLimitMs).toBe(300);
  });

  test('the zero pages are found where they are: behind all others', () => {
    const behind = KNOWN.ramPages - KNOWN.zeroPages;
    // Of the stretch between the two samples around the border it is only known how many of its pages are zero.
    const grain = 8000;
    for (const extent of found.guest.zeroExtents) expect(extent.firstPage).toBeGreaterThan(behind - grain);
  });

  test('what cannot be read off is said', () => {
    const said = found.assumptions.join('; ');
    expect(said).toContain('ROMs and video memory');
    expect(said).toContain('4 vCPUs');
    expect(said).toContain('bitmap log');
  });
});

describe('the guest learned from it', () => {
  test('dirties as much as the known one in any time between the readings, within 15 %', () => {
    const { learned: guest } = learnFromLog(simulatedLog(KNOWN).text, 'known.json');
    const truth = KNOWN.sets.map(([pages, writesPerSecond]) => ({ pages, writesPerSecond }));
    for (const durationUs of [500_000, 1_000_000, 3_000_000, 8_000_000]) {
      const ratio = dirtyPagesIn(guest.guest.classes, durationUs) / dirtyPagesIn(truth, durationUs);
      expect(ratio).toBeGreaterThan(0.85);
      expect(ratio).toBeLessThan(1.15);
    }
  });

  test('migrates like the log: pass lengths and what remains, 10 % in the median', () => {
    const { check } = learnFromLog(simulatedLog(KNOWN).text, 'known.json');
    expect(check?.passes.length).toBeGreaterThan(1);
    expect(check?.medianDeviation).toBeLessThan(0.1);
  });

  test('is what its scenario file says', () => {
    const { learned: guest, scenario } = learnFromLog(simulatedLog(KNOWN).text, 'known.json', { cpu: 0.4 });
    const { setup, strategies } = parseScenario(scenario, 'learned.yaml');
    const spec = guestSpecOf(guest.guest);
    expect(setup.guest.ramPages).toBe(spec.ramPages);
    expect(setup.guest.hiddenPages).toBe(spec.hiddenPages);
    expect(setup.guest.vcpus.map(({ busy }) => busy)).toEqual([0.4, 0.4, 0.4, 0.4]);
    expect(setup.migration.maxBandwidth).toBe(128 * 2 ** 20);
    // Plain pre-copy, as in the log, comes first: it is what `run` takes.
    expect(strategies.map(({ label }) => label)).toEqual(['none', 'auto-converge']);
    // The file has the curve, not the sets: the scenario fits sets of its own, which must dirty the same.
    for (const durationUs of [400_000, 2_000_000, 10_000_000]) {
      const asked = dirtyPagesIn(spec.vcpus[1]!.classes, durationUs);
      expect(dirtyPagesIn(setup.guest.vcpus[1]!.classes, durationUs) / asked).toBeCloseTo(1, 1);
    }
    expect(setup.guest.vcpus[1]!.classes[0]!.firstPage).toBe(spec.vcpus[1]!.classes[0]!.firstPage);
  });

  test('the comments of the file tell passes, deviations and assumptions', () => {
    const { scenario } = learnFromLog(simulatedLog(KNOWN).text, 'known.json');
    expect(scenario).toMatch(/# Learned from \d+ passes/);
    expect(scenario).toMatch(/# Assumed:\n#   - /);
    expect(scenario).toContain('# cpu: an assumption');
    for (const line of scenario.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });
});

/** The largest figure of the self-check: what `learn` prints last. */
function largest(log: SimulatedLog, options: LearnOptions = {}): number {
  return learnFromLog(log.text, 'known.json', options).check?.largestDeviation ?? NaN;
}

describe('round trip: every figure of the self-check within 10 %', () => {
  // Growing: the longer a pass, the more it brings back. Saturating: a hot set that any pass writes all of.
  const growing = KNOWN;
  const saturating = { ...KNOWN, sets: [[46_000, 400_000]] as const };

  test('for a growing and for a saturating curve', () => {
    expect(largest(simulatedLog(growing))).toBeLessThan(0.1);
    expect(largest(simulatedLog(saturating, { giveUpAfterUs: 40_000_000 }))).toBeLessThan(0.1);
  });

  test('for a log that auto-converge throttled further and further, with the timer of 5 s between', () => {
    const throttled = simulatedLog(saturating, { strategy: 'auto-converge' });
    const found = learned(throttled);
    const { strategies } = parseScenario(learnFromLog(throttled.text, 'throttled.json').scenario, 's.yaml');
    expect(strategies.map(({ definition }) => definition.name)).toEqual(['auto-converge', 'none']);
    expect(found.migration.throttleSteps[0]?.percent).toBe(20);
    expect(found.migration.throttleSteps.length).toBeGreaterThan(3);
    expect(largest(throttled, { cpu: 1 })).toBeLessThan(0.1);
  });

  test('under a throttle that climbs there is no plateau to compare', () => {
    expect(learned(simulatedLog(saturating, { strategy: 'auto-converge' })).plateau).toBeNull();
  });
});

describe('when pages were armed', () => {
  // 4 GiB of load over four 1 GiB chunks: armed when sent, the last chunk is armed for a quarter of the first pass only.
  const wide = { ...KNOWN, ramPages: 1_048_576, zeroPages: 0, sets: [[1_000_000, 12_000]] as const };
  const of = (manualDirtyLogProtect: boolean) =>
    learnFromLog(simulatedLog(wide, { manualDirtyLogProtect }).text, 'wide.json');

  test('at syncs: the log shows it, and it is said', () => {
    const { learned: found, scenario } = of(false);
    expect(found.migration.manualDirtyLogProtect).toBe(false);
    expect(found.assumptions.join('; ')).toContain('armed at syncs');
    expect(parseScenario(scenario, 'learned.yaml').setup.migration.manualDirtyLogProtect).toBe(false);
  });

  test('when sent, as is usual: nothing else is read into it', () => {
    expect(of(true).learned.migration.manualDirtyLogProtect).toBe(true);
  });
});

test('zero pages cost what the log shows they cost', () => {
  // Three quarters of 4 GiB: at 3 us each the stretch takes 2.4 s, at 150 ns it hides in one rate window.
  const empty = { ...KNOWN, ramPages: 1_048_576, zeroPages: 786_432 };
  const cost = (zeroNsPerPage: number): number =>
    learned(simulatedLog(empty, { zeroNsPerPage })).migration.zeroNsPerPage;
  expect(cost(3000)).toBeGreaterThan(2000);
  expect(cost(3000)).toBeLessThan(4000);
  expect(cost(150)).toBeLessThan(450);
});

describe('logs that are not whole', () => {
  const whole = simulatedLog({ ...KNOWN, sets: [[46_000, 400_000]] as const }, { giveUpAfterUs: 40_000_000 });
  const seconds = (reply: object): number => (reply as { 'total-time': number })['total-time'] / 1000;

  test('one that begins after the first pass has no zero pages, and only its plateau is compared', () => {
    const late = whole.replies.filter((reply) => seconds(reply) > 20);
    const { learned: found, check } = learnFromLog(JSON.stringify(late), 'late.json');
    expect(found.assumptions.join('; ')).toContain('begins after the first pass');
    expect(check?.passes).toHaveLength(0);
    expect(check?.plateau).not.toBeNull();
    expect(check?.largestDeviation).toBeLessThan(0.1);
  });

  test('one that is cut off at its end is compared as far as it goes', () => {
    const early = whole.replies.filter((reply) => seconds(reply) < 20);
    expect(learnFromLog(JSON.stringify(early), 'early.json').check?.largestDeviation).toBeLessThan(0.1);
  });

  test('what came back under dirty-limit is left out, and the ring is known of', () => {
    const limited = whole.replies.map((reply) =>
      seconds(reply) < 25 ? reply : { ...reply, 'dirty-limit-throttle-time-per-round': 1500 },
    );
    const found = learn(logOf(JSON.stringify(limited), 'limited.json'));
    expect(Math.max(...found.passes.map((pass) => pass.startUs + pass.durationUs))).toBeLessThan(25.2e6);
    expect(found.guest.dirtyRingSize).toBe(4096);
    expect(found.assumptions.join('; ')).toMatch(/after 25.* is left out: dirty-limit/);
  });
});

test('the share of CPU time is said to be assumed, unless it was given', () => {
  const { text } = simulatedLog(KNOWN);
  expect(learnFromLog(text, 'known.json').scenario.replaceAll(/\n# +/g, ' ')).toContain(
    'the load needs 83 % of its vCPUs',
  );
  const given = learnFromLog(text, 'known.json', { cpu: 0.3 });
  expect(given.learned.assumptions.join('; ')).not.toContain('the load needs');
  expect(given.scenario).toContain('cpu: 30%');
});

describe('a guest that does not converge', () => {
  // At 128 MiB/s a pass over a hot set of 180 MiB takes 1.4 s, long enough to write all of it again.
  const hot = { ...KNOWN, sets: [[46_000, 400_000]] as const };

  test('settles on a plateau: all of its hot set waits after a sync, and a pass sends what came back', () => {
    const { plateau, migration } = learned(simulatedLog(hot, { giveUpAfterUs: 40_000_000 }));
    // New is what does not wait already, so that new and left over are the set.
    expect(plateau!.remainingPages / 46_000).toBeCloseTo(1, 1);
    const seconds = (plateau!.newPages * 4104) / migration.bytesPerSecond;
    expect(plateau!.passUs / 1e6 / seconds).toBeCloseTo(1, 1);
  });

  test('a throttle is taken off the time in which its vCPUs ran', () => {
    const found = learned(
      simulatedLog(hot, { giveUpAfterUs: 40_000_000, throttle: { atMs: 25_000, percent: 80 } }),
    );
    expect(found.migration.throttleSteps.map(({ percent }) => percent)).toEqual([80]);
    const late = found.passes.filter((pass) => pass.startUs > 26_000_000);
    expect(late.length).toBeGreaterThan(0);
    // A load that needs 0.83 of its time does 0.2 / 0.83 of its work under a throttle of 80 %.
    for (const pass of late) expect(pass.runUs / pass.durationUs).toBeCloseTo(0.2 / 0.83, 5);
  });

  test('a load that needs all its time is said to, and loses what the throttle takes', () => {
    const log = simulatedLog(hot, { giveUpAfterUs: 40_000_000, throttle: { atMs: 25_000, percent: 80 } });
    const late = learn(logOf(log.text, 'known.json'), { cpu: 1 }).passes.at(-1)!;
    expect(late.runUs / late.durationUs).toBeCloseTo(0.2, 5);
  });
});

test('where the link was the limit, no max-bandwidth is read into it, and the guest is learned all the same', () => {
  const { learned: found, check } = learnFromLog(
    simulatedLog(KNOWN, { maxBandwidth: 0, linkBytesPerSecond: 140e6 }).text,
    'link.json',
  );
  // Between two polls lie three or four whole iterations, each of 52.5 ms: 28 times 64 pages of 29.3 us.
  expect(found.migration.bytesPerSecond).toBeGreaterThan((140e6 * 3 * 52.5) / 200);
  expect(found.migration.bytesPerSecond).toBeLessThan((140e6 * 4 * 52.6) / 200);
  expect(check?.medianDeviation).toBeLessThan(0.1);
});

test('where the link was the limit of a migration that was given up, it still is when it is run again', () => {
  // 1 Gbit/s, of which TCP leaves 941 Mbit/s: 118 MB/s.
  const file = 'examples/stuck-migration.log';
  const { scenario, check } = learnFromLog(readFileSync(file, 'utf8'), file);
  const { link, migration } = parseScenario(scenario, 'link.yaml').setup;
  expect(migration.maxBandwidth).toBe(0);
  expect(link.bandwidthBytesPerSecond / 118e6).toBeCloseTo(1, 1);
  expect(check?.completed).toEqual({ logged: false, simulated: false });
  expect(check?.medianDeviation).toBeLessThan(0.1);
});

test('polls ten times as rare still give the pages of each pass, shared where they cannot be told apart', () => {
  const rare = learned(simulatedLog(KNOWN, { pollMs: 2000 }));
  const often = learned(simulatedLog(KNOWN));
  const pagesOf = (found: Learned, until: number): number =>
    found.passes.filter((pass) => pass.n <= until).reduce((sum, pass) => sum + pass.newPages, 0);
  const until = Math.min(rare.passes.at(-1)!.n, often.passes.at(-1)!.n);
  expect(Math.abs(pagesOf(rare, until) / pagesOf(often, until) - 1)).toBeLessThan(0.02);
});

describe('where passes say too little, totals are learned from', () => {
  test('a log that ends in the first pass knows no load: it is idle, and that is said', () => {
    const { replies } = simulatedLog(KNOWN);
    const early = learnFromLog(JSON.stringify(replies.slice(0, 20)), 'early.json');
    expect(early.learned.from).toBe('totals');
    expect(early.learned.guest.classes).toEqual([]);
    expect(early.outlook?.verdict).toBe('unknown');
    expect(early.learned.assumptions.join()).toContain('no sync has yet looked');
  });

  test('one reading of a guest that does not converge: it never will, and a longer downtime would end it', () => {
    const hot = { ...KNOWN, sets: [[20_000, 400_000]] as const };
    const { replies } = simulatedLog(hot, { giveUpAfterUs: 40_000_000 });
    const { outlook, learned: found } = learnFromLog(JSON.stringify(replies.at(-1)), 'one.json');
    expect(found.assumptions.join()).toContain('one point of the dirty curve');
    expect(outlook?.verdict).toBe('never');
    expect(outlook?.remedies.join()).toContain('downtime-limit');
  });

  test('every page sent once: the guest is idle', () => {
    const idle = simulatedLog({ ...KNOWN, sets: [[100, 0.001]] });
    const one = learnFromLog(JSON.stringify(idle.replies.at(-1)), 'idle.json');
    expect(one.learned.guest.classes).toEqual([]);
    expect(one.outlook?.verdict).toBe('completed');
  });
});

describe('readings of a dirty curve', () => {
  const csv = 'period,pages\n125ms,3300\n1s,16000\n10s,90000\n';

  test('become a guest whose curve goes through them', () => {
    const { learned: found, scenario, check } = learnFromLog(csv, 'dirty.csv', { memoryBytes: 16 * 2 ** 30 });
    expect(check).toBeNull();
    expect(dirtyPagesIn(found.guest.classes, 1_000_000) / 16_000).toBeCloseTo(1, 1);
    expect(parseScenario(scenario, 'learned.yaml').setup.guest.ramPages).toBe(16 * 262_144);
  });

  test('do not say how much memory there is: it must be given', () => {
    expect(() => learnFromLog(csv, 'dirty.csv')).toThrow(/dirty.csv: readings do not show how much memory/);
  });

  test('must fit into it', () => {
    expect(() => learnFromLog(csv, 'dirty.csv', { memoryBytes: 2 ** 20 })).toThrow(
      /90000 pages in one period are more/,
    );
  });
});

describe('a load that writes its memory in order', () => {
  const points = [200, 400, 800, 1600, 3200].map((ms) => ({
    durationUs: ms * 1000,
    pages: Math.min(30_000, 25 * ms),
    weight: 1,
  }));

  test('D(τ) = min(W, w·τ) is found exactly, whatever the readings weigh', () => {
    for (const weight of [1, 7]) {
      const weighted = points.map((point, at) => ({ ...point, weight: at % 2 === 0 ? weight : 1 }));
      const fit = fitLoop(weighted, 100_000);
      expect(fit.classes).toHaveLength(1);
      expect(fit.classes[0]!.pages).toBe(30_000);
      expect(fit.classes[0]!.writesPerSecond).toBeCloseTo(25_000, 6);
      expect(fit.residual).toBeCloseTo(0, 9);
      for (const { durationUs, pages } of points) expect(loadPagesIn(fit, durationUs)).toBeCloseTo(pages, 6);
    }
  });

  test('it never has more pages than there is room', () => {
    expect(fitLoop(points, 20_000).classes[0]!.pages).toBe(20_000);
  });

  test('a throttled log of one is learned as one, and its throttled passes are met', () => {
    const text = readFileSync(path.join(import.meta.dirname, 'fixtures', 'loop-throttled.jsonl'), 'utf8');
    const { learned, check, scenario } = learnFromLog(text, 'loop.jsonl');
    // The guest program: 120 MiB again and again, at 24,892 pages a second when nothing throttles it.
    expect(learned.guest.pattern).toBe('sequential');
    expect(learned.guest.classes[0]!.pages / 30_720).toBeCloseTo(1, 1);
    expect(check!.medianDeviation).toBeLessThan(0.1);
    expect(scenario).toContain('pattern: sequential');
    expect(parseScenario(scenario, 'learned.yaml').setup.guest.vcpus[0]!.classes[0]!.pattern).toBe(
      'sequential',
    );
  });
});

describe('a log that ends in post-copy', () => {
  const total = 512 * 2 ** 20;
  const reply = (status: string, ms: number, sentMib: number, postMib: number, syncs: number): string =>
    JSON.stringify({
      status,
      'total-time': ms,
      'setup-time': 2,
      ...(status === 'completed' ? { downtime: 9 } : { 'expected-downtime': 300 }),
      ram: {
        total,
        remaining: status === 'completed' ? 0 : total / 2,
        transferred: sentMib * 2 ** 20,
        duplicate: 0,
        normal: (sentMib * 2 ** 20) / 4096,
        'normal-bytes': sentMib * 2 ** 20,
        'dirty-sync-count': syncs,
        'dirty-pages-rate': 0,
        'postcopy-bytes': postMib * 2 ** 20,
        mbps: status === 'active' ? (50 * 8 * 2 ** 20) / 1e6 : 0,
      },
    });
  /** 50 MiB/s for 5 s, then 280 MiB in post-copy at `rate` MiB/s. */
  const log = (rate: number): string =>
    [
      ...[1, 2, 3, 4, 5].map((second) => reply('active', second * 1000, second * 50, 0, 1)),
      reply('postcopy-active', 5200, 250 + 0.1 * rate, 0.1 * rate, 2),
      reply('postcopy-active', 5600, 250 + 0.5 * rate, 0.5 * rate, 2),
      reply('completed', Math.round(5100 + 280_000 / rate), 530, 280, 2),
    ].join('\n');

  test('the scenario switches when the log did, and what was faster in post-copy was held back before', () => {
    const { learned: found, scenario, understood } = learnFromLog(log(400), 'post.json');
    expect(found.migration.postcopy).toMatchObject({ atUs: 5_100_000, bytes: 280 * 2 ** 20 });
    expect(found.migration.postcopy!.lengthMs).toBeCloseTo(700, 6);
    expect(found.migration.maxBandwidth).toBe(50 * 2 ** 20);
    const { migration } = parseScenario(scenario, 'post.yaml').setup;
    expect(migration.postcopy).toBe(true);
    expect(migration.schedule).toEqual([{ afterUs: 5_100_000, do: 'start-postcopy' }]);
    expect(migration.maxPostcopyBandwidth ?? 0).toBe(0);
    expect(understood.lines.find(([label]) => label === 'Post-copy')?.[1]).toMatch(
      /^from 5\.1 s: 700 ms and 280 MiB in the log; simulated /,
    );
  });

  test('what was slower there was limited, and the simulated phase keeps to it', () => {
    const { learned: found, scenario } = learnFromLog(log(30), 'slow.json');
    const limit = parseScenario(scenario, 'slow.yaml').setup.migration.maxPostcopyBandwidth!;
    expect(limit / (30 * 2 ** 20)).toBeCloseTo(1, 3);
    const phase = postcopyPhase(found)!;
    // Windows carry what the limit lets through, requests go past it.
    expect(phase.bytes / phase.lengthMs / (limit / 1000)).toBeGreaterThan(0.9);
    expect(phase.bytes / phase.lengthMs / (limit / 1000)).toBeLessThan(1.5);
  });
});
