/**
 * What holds for every migration, whatever the guest, the strategy and the memory: laws over random small scenarios, and
 * closed forms for simple ones.
 */
import { parseOptions } from '../src/options/read.js';
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { bareMetal } from '../src/guest/host-profiles/default.js';
import type { AccessClass, GuestSpec, VcpuSpec } from '../src/guest/spec.js';
import type { Controls, MigrationStats } from '../src/migration/controls.js';
import type { MigrationResult } from '../src/migration/result.js';
import type { MigrationSetup } from '../src/migration/setup.js';
import { QEMU_VERSIONS } from '../src/migration/rules/versions.js';
import { Generator } from '../src/random/generator.js';
import type { StrategyDefinition } from '../src/strategies/define.js';
import { type StrategyName, strategies } from '../src/strategies/index.js';
import {
  MIB,
  NORMAL_RECORD,
  PAGE,
  ZERO_RECORD,
  freeHost,
  migrate,
  setupOf,
  writer,
} from './migration/setups.js';

const { abs, exp, floor, max, min } = Math;

const MEMORIES = ['page', 'fluid'] as const;

type Options = Readonly<Record<string, unknown>>;

/** Every strategy as it is, and from the start where it would else wait for the detector. */
const CASES = (Object.keys(strategies) as StrategyName[]).flatMap(
  (name): [string, StrategyName, Options][] => {
    const plain: [string, StrategyName, Options] = [name, name, {}];
    return 'when' in strategies[name].options
      ? [plain, [`${name} from the start`, name, { when: 'start' }]]
      : [plain];
  },
);

const GIVE_UP_US = 6_000_000;

// ---------------------------------------------------------------------------------------------- random scenarios

const accessClass = fc.record({
  pages: fc.integer({ min: 1, max: 6 * MIB }),
  pattern: fc.constantFrom<AccessClass['pattern']>('uniform', 'sequential'),
  writesPerSecond: fc.constantFrom(0, 300, 5_000, 60_000, 250_000),
  readsPerSecond: fc.constantFrom(0, 0, 100_000),
});

const vcpu = fc.record({
  classes: fc.array(accessClass, { minLength: 1, maxLength: 2 }),
  busy: fc.constantFrom(1, 1, 0.5),
});

/** vCPUs with their classes one after the other from page 0 on; zero pages and others behind them. */
const guest = fc
  .record({
    vcpus: fc.array(vcpu, { minLength: 1, maxLength: 3 }),
    otherMib: fc.integer({ min: 1, max: 24 }),
    zeroMib: fc.integer({ min: 0, max: 24 }),
    hiddenPages: fc.constantFrom(0, 130),
    dirtyRingSize: fc.constantFrom(0, 0, 1024, 4096),
  })
  .map(({ vcpus, otherMib, zeroMib, hiddenPages, dirtyRingSize }): GuestSpec => {
    let used = 0;
    const placed = vcpus.map(({ classes, busy }, i): VcpuSpec => {
      const own = classes.map((c): AccessClass => ({ ...c, firstPage: (used += c.pages) - c.pages }));
      return { group: `vcpu ${i}`, classes: own, busy, phases: [], phasePeriodUs: 0 };
    });
    const firstZero = (floor(used / MIB) + 1) * MIB;
    return {
      ramPages: firstZero + (zeroMib + otherMib) * MIB,
      hiddenPages,
      zeroExtents: zeroMib > 0 ? [{ firstPage: firstZero, pages: zeroMib * MIB }] : [],
      dirtyRingSize,
      hostPagePages: 1,
      vcpus: placed,
    };
  });

const scenario = fc
  .record({
    guest,
    host: fc.constantFrom(freeHost, bareMetal),
    bandwidth: fc.constantFrom(10e6, 40e6, 120e6),
    latencyUs: fc.constantFrom(0, 500),
    maxBandwidth: fc.constantFrom(0, 0, 20e6),
    downtimeLimitMs: fc.constantFrom(0, 20, 300),
    qemu: fc.constantFrom(...QEMU_VERSIONS),
    returnPath: fc.boolean(),
    manualDirtyLogProtect: fc.boolean(),
    clearBitmapShift: fc.constantFrom(10, 18),
    seed: fc.nat(1000),
  })
  .map(({ guest: spec, host, bandwidth, latencyUs, seed, ...migration }): MigrationSetup => {
    const link = { bandwidthBytesPerSecond: bandwidth, latencyUs };
    const setup = setupOf({
      guest: spec,
      host,
      link,
      migration: { ...migration, giveUpAfterUs: GIVE_UP_US },
    });
    return { ...setup, seed, timelineMs: 50 };
  });

/** The run, or null where the strategy refuses the scenario. */
function run(
  setup: MigrationSetup,
  name: StrategyName,
  options: Options = {},
  watch?: (controls: Controls) => void,
): MigrationResult | null {
  const definition: StrategyDefinition = strategies[name];
  if ((definition.refuses?.(parseOptions(definition.options, options), setup) ?? null) !== null) return null;
  return migrate(setup, name, options, watch);
}

describe.each(MEMORIES)('with the %s memory', (memory) => {
  describe.each(CASES)('%s', (_, name, options) => {
    property.prop([scenario], { seed: 1, numRuns: 7 })('keeps the laws', (given) => {
      const setup = { ...given, memory };
      const result = run(setup, name, options);
      if (result === null) return;
      checkPages(result);
      checkSyncs(result);
      checkPause(result);
      checkWork(result, setup);
    });

    property.prop([scenario], { seed: 2, numRuns: 2 })('gives the same bytes for the same seed', (given) => {
      const setup = { ...given, memory };
      expect(JSON.stringify(run(setup, name, options))).toBe(JSON.stringify(run(setup, name, options)));
    });

    // A timeline makes nothing stop: neither a long pass, which is one step, nor the guest, whose writes would be drawn and
    // whose time would be summed in other portions.
    property.prop([scenario], { seed: 3, numRuns: 4 })(
      'gives the same bytes with and without a timeline',
      (given) => {
        const bytes = (timelineMs: number): string =>
          JSON.stringify(run({ ...given, memory, timelineMs }, name, options), (key, value: unknown) =>
            key === 'timeline' ? undefined : value,
          );
        const unwatched = bytes(0);
        expect(bytes(100)).toBe(unwatched);
        expect(bytes(7)).toBe(unwatched);
      },
    );

    // The work of all stretches is the work of the run, as far as no share had to be cut to 1.
    property.prop([scenario], { seed: 4, numRuns: 4 })('has a timeline that adds up to its work', (given) => {
      const result = run({ ...given, memory }, name, options);
      if (result === null) return;
      checkTimeline(result, given);
    });
  });

  // Somebody who polls 500 times a second makes the engine stop at every turn, where it else passes thousands in one step.
  property.prop([scenario], { seed: 3, numRuns: 12 })('nothing changes because somebody looks', (given) => {
    const setup = { ...given, memory, timelineMs: 0 };
    const migrated = (watch: (controls: Controls) => void): unknown => {
      const stats: MigrationStats[] = [];
      const result = run(setup, 'auto-converge', {}, (controls) => {
        controls.onSync(() => stats.push(controls.stats()));
        watch(controls);
      });
      return { result, stats };
    };
    let looks = 0;
    const seen = migrated((controls) => {
      controls.every(2, () => {
        looks += controls.stats().dirtySyncCount > 0 ? 1 : 0;
      });
    });
    expect(looks).toBeGreaterThan(10);
    expectAlike(
      seen,
      migrated(() => {}),
    );
  });
});

/** Ways to hold vCPUs up, from the start and once more on the way. */
const restraint = fc.record({
  atMs: fc.integer({ min: 1, max: 1_500 }),
  all: fc.constantFrom(0, 20, 70, 99),
  first: fc.constantFrom(null, 0, 50, 95),
  ringSleepUs: fc.constantFrom(0, 5_000, 60_000),
});

describe.each(MEMORIES)('the time of a vCPU with the %s memory', (memory) => {
  /**
   * Every us is spent once: on progress (n accesses at a rate of r take n/r), on noticed writes, throttled, asleep at a full
   * ring, in the exit. Nothing completes here, so that there is no pause; left over are an access in the making, a fault
   * that is not paid for yet, and a sleep that is not over and was counted whole.
   */
  property.prop([fc.constantFrom(0, 1024), fc.array(restraint, { minLength: 1, maxLength: 4 })], {
    seed: 4,
    numRuns: 40,
  })('adds up, however it is held up', (dirtyRingSize, restraints) => {
    const rates = [40_000, 300_000];
    const vcpus = rates.map((writesPerSecond, i) =>
      writer({ firstPage: i * 8 * MIB, pages: 8 * MIB, writesPerSecond }),
    );
    const untilMs = 2_000;
    const setup = setupOf({
      guest: { dirtyRingSize, vcpus },
      host: { writeFaultNs: 800, ringExitUs: 60, ringEntryNs: 10 },
      link: { bandwidthBytesPerSecond: 20e6 },
      migration: { downtimeLimitMs: 1, giveUpAfterUs: untilMs * 1000 },
    });
    const result = run({ ...setup, memory }, 'none', {}, (controls) => {
      for (const { atMs, all, first, ringSleepUs } of restraints) {
        controls.after(atMs, () => {
          controls.throttle('all', all);
          if (first !== null) controls.throttle([0], first);
          if (dirtyRingSize === 0) return;
          controls.dirtyLimitInService(true);
          controls.ringFullSleep(1, ringSleepUs);
        });
      }
    })!;
    expect(result.status).toBe('gave-up');
    for (const { id, writes, faultMs, throttledMs, ringSleepMs, ringExitMs } of result.vcpus) {
      const spentMs = (writes / rates[id]!) * 1000 + faultMs + throttledMs + ringSleepMs + ringExitMs;
      const unfinishedMs = max(...restraints.map(({ ringSleepUs }) => ringSleepUs)) / 1000;
      // It is given up at the next turn of the loop.
      expect(spentMs).toBeGreaterThan(result.totalTimeMs - 0.1);
      expect(spentMs).toBeLessThan(result.totalTimeMs + 1.1 + unfinishedMs);
    }
  });
});

/** The same but for the last digits, in which sums differ that were taken in another order. */
function expectAlike(a: unknown, b: unknown): void {
  const numbersOf = (result: unknown, into: number[]): string =>
    JSON.stringify(result, (_, value: unknown) => {
      if (typeof value !== 'number') return value;
      into.push(value);
      return '#';
    });
  const [as, bs]: [number[], number[]] = [[], []];
  expect(numbersOf(a, as)).toBe(numbersOf(b, bs));
  const unlike = as.filter((value, i) => abs(value - bs[i]!) > 1e-9 * max(1, abs(value)));
  expect(unlike).toEqual([]);
}

/** Every page is sent once, and once more for every time that a sync found it dirty anew; or it waits to be sent. */
function checkPages(result: MigrationResult): void {
  const total = result.totalRamBytes / PAGE;
  const anew = result.syncs.reduce((sum, sync) => sum + sync.newDirtyPages, 0);
  const sent = result.normalPages + result.zeroPages;
  const left = result.remainingBytes / PAGE;
  // The fluid memory's counts are real numbers, rounded where they are reported.
  expect(abs(sent + left - (total + anew))).toBeLessThanOrEqual(2);
  expect(abs(result.resentPages - anew)).toBeLessThanOrEqual(2);
  if (result.converged) expect(result.remainingBytes).toBe(0);
  const records = result.normalPages * NORMAL_RECORD + result.zeroPages * ZERO_RECORD;
  expect(result.sentBytes).toBeGreaterThanOrEqual(records - NORMAL_RECORD);
}

function checkSyncs(result: MigrationResult): void {
  const total = result.totalRamBytes;
  result.syncs.forEach((sync, i) => {
    const before = result.syncs[i - 1];
    expect(sync.n).toBe(i + 1);
    expect(sync.remainingBytes).toBeLessThanOrEqual(total + 1);
    expect(sync.remainingBeforeBytes).toBeGreaterThanOrEqual(-1);
    expect(sync.remainingBytes).toBeCloseTo(sync.remainingBeforeBytes + sync.newDirtyPages * PAGE, -1);
    expect(sync.throttlePercent).toBeLessThanOrEqual(99);
    if (before === undefined) return;
    expect(sync.timeMs).toBeGreaterThanOrEqual(before.timeMs);
    expect(sync.sentBytes).toBeGreaterThanOrEqual(before.sentBytes);
    // Only a page that was sent can become dirty anew.
    const sentBytes = before.remainingBytes - sync.remainingBeforeBytes;
    expect(sync.remainingBytes - sync.remainingBeforeBytes).toBeLessThanOrEqual(
      total - before.remainingBytes + sentBytes + 1,
    );
  });
  for (const point of result.timeline) expect(point.remainingBytes).toBeLessThanOrEqual(total + 1);
}

function checkTimeline(
  { timeline, vcpus, totalTimeMs, sentBytes }: MigrationResult,
  setup: MigrationSetup,
): void {
  expect(floor(timeline.at(-1)!.timeMs)).toBe(totalTimeMs);
  expect(timeline.at(-1)!.sentBytes).toBe(sentBytes);
  timeline.forEach(({ timeMs, sentBytes: sent, remainingBytes }, i) => {
    const before = timeline[i - 1];
    expect(remainingBytes).toBeGreaterThanOrEqual(0);
    if (before === undefined) return;
    expect(timeMs).toBeGreaterThan(before.timeMs);
    expect(sent).toBeGreaterThanOrEqual(before.sentBytes);
  });
  for (const { id, writes, reads } of vcpus) {
    const perMs = setup.guest.vcpus[id]!.classes.reduce(
      (sum, c) => sum + (c.writesPerSecond + c.readsPerSecond) / 1000,
      0,
    );
    let done = 0;
    let cut = 0;
    timeline.forEach(({ timeMs, vcpuWorkShare }, i) => {
      const undisturbed = perMs * (timeMs - (timeline[i - 1]?.timeMs ?? 0));
      done += vcpuWorkShare[id]! * undisturbed;
      // An access in the making may be done in the next stretch.
      if (vcpuWorkShare[id]! > 1 - 1e-9) cut += 1 + undisturbed * 1e-3;
    });
    if (perMs === 0) continue;
    expect(done).toBeLessThanOrEqual(writes + reads + 1e-6 * (writes + reads));
    expect(done).toBeGreaterThanOrEqual((writes + reads) * (1 - 1e-6) - cut);
  }
}

function checkPause(result: MigrationResult): void {
  expect(result.downtimeMs === null).toBe(!result.converged);
  expect(result.blackoutMs === null).toBe(!result.converged);
  if (!result.converged) {
    expect(result.why).not.toBeNull();
    return;
  }
  expect(result.why).toBeNull();
  expect(result.blackoutMs!).toBeGreaterThanOrEqual(result.downtimeMs! - 2);
  expect(result.totalTimeMs).toBeGreaterThanOrEqual(result.downtimeMs!);
  for (const { longestStallMs } of result.vcpus) {
    expect(longestStallMs).toBeGreaterThanOrEqual(result.blackoutMs! - 0.001);
  }
}

/**
 * Nobody does more than undisturbed, and every us of a vCPU is spent once: the work that is missing is the time lost to
 * faults, throttle, full rings and the pause. A host that wakes vCPUs late costs more, and a paced vCPU waits some of it
 * away; so that the balance is struck where neither is the case.
 */
function checkWork(result: MigrationResult, setup: MigrationSetup): void {
  // Till the destination runs, where that is later than QEMU's end.
  const endMs = max(result.totalTimeMs, result.converged ? lastSync(result) + result.blackoutMs! : 0);
  for (const vcpu of result.vcpus) {
    const spec = setup.guest.vcpus[vcpu.id]!;
    for (const share of [vcpu.workDone, vcpu.writeWorkDone, vcpu.readWorkDone]) {
      if (share === null) continue;
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    const lostMs = vcpu.faultMs + vcpu.throttledMs + vcpu.ringSleepMs + vcpu.ringExitMs + vcpu.blackoutMs;
    if (vcpu.workDone === null || spec.busy < 1 || setup.host !== freeHost) continue;
    const accesses = spec.classes.reduce((sum, c) => sum + c.writesPerSecond + c.readsPerSecond, 0);
    const slackMs = 3 + result.maxRingFullSleepUs / 1000 + 3000 / accesses;
    expect(abs((1 - vcpu.workDone) * endMs - lostMs)).toBeLessThanOrEqual(slackMs);
  }
}

/** When the pause began, ms: no later than the last sync. */
function lastSync(result: MigrationResult): number {
  return result.syncs.at(-1)!.timeMs - result.syncs.at(-1)!.durationMs;
}

// ---------------------------------------------------------------------------------------------- more of something

/**
 * Writers that are slower than any link here (3,655 pages a second). A loop as fast as the sender is another matter: where
 * it runs just ahead of the cursor or just behind, chance decides, and a little more bandwidth can cost many seconds.
 */
const steady = fc
  .record({
    pages: fc.integer({ min: 4 * MIB, max: 12 * MIB }),
    pattern: fc.constantFrom<AccessClass['pattern']>('uniform', 'sequential'),
    writesPerSecond: fc.integer({ min: 100, max: 2_500 }),
    otherMib: fc.integer({ min: 4, max: 20 }),
    bandwidth: fc.constantFrom(15e6, 30e6, 60e6),
    downtimeLimitMs: fc.integer({ min: 5, max: 300 }),
  })
  .map(({ pages, pattern, writesPerSecond, otherMib, bandwidth, downtimeLimitMs }) =>
    setupOf({
      guest: {
        ramPages: 12 * MIB + otherMib * MIB,
        vcpus: [writer({ pages, writesPerSecond, pattern })],
      },
      link: { bandwidthBytesPerSecond: bandwidth },
      migration: { downtimeLimitMs, giveUpAfterUs: 20_000_000 },
    }),
  );

/**
 * Whether a pass ends is asked between iterations of 51 ms, against a window of two of them: either run may come an
 * iteration late to the end of its last pass but one and to that of the last, and a window late to its threshold.
 */
const GRAIN_MS = 205;

describe.each(MEMORIES)('plain pre-copy with the %s memory', (memory) => {
  // Passes are shorter, so less is dirtied in each, and more may be left.
  property.prop([steady, fc.constantFrom(1.25, 2, 4)], { seed: 1, numRuns: 60 })(
    'is not hurt by more bandwidth',
    (given, factor) => {
      const { link } = given;
      const faster = { ...link, bandwidthBytesPerSecond: link.bandwidthBytesPerSecond * factor };
      const slow = run({ ...given, memory }, 'none')!;
      const fast = run({ ...given, memory, link: faster }, 'none')!;
      expect([slow.converged, fast.converged]).toEqual([true, true]);
      expect(fast.totalTimeMs).toBeLessThanOrEqual(slow.totalTimeMs + GRAIN_MS);
    },
  );

  property.prop([steady, fc.constantFrom(1.25, 2, 4)], { seed: 2, numRuns: 60 })(
    'never takes longer when it may pause for longer',
    (given, factor) => {
      const { migration } = given;
      const patient = { ...migration, downtimeLimitMs: floor(migration.downtimeLimitMs * factor) };
      const strict = run({ ...given, memory }, 'none')!;
      const lenient = run({ ...given, memory, migration: patient }, 'none')!;
      expect([strict.converged, lenient.converged]).toEqual([true, true]);
      expect(lenient.totalTimeMs).toBeLessThanOrEqual(strict.totalTimeMs + GRAIN_MS);
    },
  );
});

describe('chance', () => {
  /** All pages that were drawn, by the size of the class that they were drawn from. */
  function drawsOf(name: StrategyName, options: Options): Map<number, number[]> {
    const draws = new Map<number, number[]>();
    const note = (n: number, drawn: number): void => {
      const list = draws.get(n);
      if (list === undefined) draws.set(n, [drawn]);
      else list.push(drawn);
    };
    const { nextBelow, fillRange } = Generator.prototype;
    Generator.prototype.nextBelow = function (this: Generator, n): number {
      const drawn = nextBelow.call(this, n);
      note(n, drawn);
      return drawn;
    };
    Generator.prototype.fillRange = function (this: Generator, first, n, into, count): void {
      fillRange.call(this, first, n, into, count);
      for (let i = 0; i < count; i += 1) note(n, into[i]! - first);
    };
    try {
      const vcpus = [
        writer({ pages: 1_500, writesPerSecond: 8_000 }),
        writer({ firstPage: 1_500, pages: 2_500, writesPerSecond: 5_000 }),
      ];
      run(
        setupOf({
          guest: { ramPages: 16 * MIB, dirtyRingSize: 1024, vcpus },
          link: { bandwidthBytesPerSecond: 15e6 },
          migration: { downtimeLimitMs: 5, giveUpAfterUs: GIVE_UP_US },
        }),
        name,
        options,
      );
    } finally {
      Object.assign(Generator.prototype, { nextBelow, fillRange });
    }
    return draws;
  }

  /**
   * A vCPU's nth write goes to the same page under every strategy, though not at the same time: of two runs the one with
   * fewer writes made the beginning of the other's.
   */
  test('is the same for every strategy: none changes what a vCPU writes, only when', () => {
    const plain = drawsOf('none', {});
    expect([...plain.keys()].sort()).toEqual([1_500, 2_500]);
    let compared = 0;
    for (const [, name, options] of CASES.slice(1)) {
      const other = drawsOf(name, options);
      for (const [pages, draws] of plain) {
        // A guest that is stopped at once draws nothing.
        const drawn = other.get(pages) ?? [];
        const length = min(draws.length, drawn.length);
        expect(drawn.findIndex((page, i) => i < length && page !== draws[i])).toBe(-1);
        compared += length;
      }
    }
    expect(compared).toBeGreaterThan(CASES.length * 10_000);
  });

  test('changes with the seed and with the run, and only with them', () => {
    const setup = setupOf({
      guest: { vcpus: [writer({ pages: 8 * MIB, writesPerSecond: 20_000 })] },
      link: { bandwidthBytesPerSecond: 20e6 },
      migration: { downtimeLimitMs: 20, giveUpAfterUs: GIVE_UP_US },
    });
    const texts = [setup, { ...setup, seed: 2 }, { ...setup, run: 2 }, setup].map((given) =>
      JSON.stringify(run(given, 'none')!.syncs.map(({ newDirtyPages }) => newDirtyPages)),
    );
    expect(texts[3]).toBe(texts[0]);
    expect(new Set(texts).size).toBe(3);
  });
});

// ---------------------------------------------------------------------------------------------- closed forms

describe.each(MEMORIES)('with the %s memory, in closed form', (memory) => {
  /** Seconds that a page takes at this bandwidth. */
  const perPage = (bandwidth: number): number => NORMAL_RECORD / bandwidth;

  /** No chunks: what a sync reports is armed from then on. Nearly nothing may be left at the end. */
  const migration = { downtimeLimitMs: 20, giveUpAfterUs: 0, manualDirtyLogProtect: false };
  const bandwidth = 20e6;

  /**
   * A guest that never writes a page twice in a pass dirties d pages a second, and so r = d*c pages for each page sent, which
   * takes c. Passes shrink by r each time: the whole takes T/(1 - r), where T is the first.
   */
  test.each([0.3, 0.5, 0.8])('passes shrink like a geometric series of ratio %d', (ratio) => {
    const pages = 400 * MIB;
    const vcpus = [writer({ pages, writesPerSecond: ratio / perPage(bandwidth), pattern: 'sequential' })];
    const link = { bandwidthBytesPerSecond: bandwidth };
    const result = run(
      { ...setupOf({ guest: { ramPages: pages, vcpus }, link, migration }), memory },
      'none',
    )!;
    expect(result.converged).toBe(true);
    const whole = (pages * perPage(bandwidth)) / (1 - ratio);
    expect(abs(result.totalTimeMs / 1000 / whole - 1)).toBeLessThan(0.01);
    for (const [i, { newDirtyPages }] of result.syncs.slice(1, 4).entries()) {
      expect(abs(newDirtyPages / (pages * ratio ** (i + 1)) - 1)).toBeLessThan(0.05);
    }
  });

  // Of m pages n uniform draws hit m(1 - e^(-n/m)) distinct ones.
  test('a uniform writer dirties the distinct pages of its draws', () => {
    const pages = 64 * MIB;
    const rate = 0.9 / perPage(bandwidth);
    const vcpus = [writer({ pages, writesPerSecond: rate })];
    const link = { bandwidthBytesPerSecond: bandwidth };
    const { syncs } = run(
      { ...setupOf({ guest: { ramPages: pages, vcpus }, link, migration }), memory },
      'none',
    )!;
    for (let i = 1; i < 5; i += 1) {
      const passSeconds = (syncs[i]!.timeMs - syncs[i - 1]!.timeMs) / 1000;
      const distinct = pages * (1 - exp((-rate * passSeconds) / pages));
      expect(abs(syncs[i]!.newDirtyPages / distinct - 1)).toBeLessThan(0.05);
    }
  });

  /**
   * What a pass of R pages dirties is D(R*c), distinct pages of a concave curve: where that is R again, passes stop
   * shrinking. For a uniform writer D(t) = W(1 - e^(-rate*t/W)).
   */
  test.each([1.2, 2, 5])(
    'a guest that writes %d times what is sent settles where its curve meets the line',
    (excess) => {
      const bandwidth = 20e6;
      const set = 32 * MIB;
      const rate = excess / perPage(bandwidth);
      const curve = (seconds: number): number => set * (1 - exp((-rate * seconds) / set));
      let [low, plateau] = [1, set];
      for (let i = 0; i < 60; i += 1) {
        const middle = (low + plateau) / 2;
        if (curve(middle * perPage(bandwidth)) > middle) low = middle;
        else plateau = middle;
      }
      const setup = setupOf({
        guest: { ramPages: 40 * MIB, vcpus: [writer({ pages: set, writesPerSecond: rate })] },
        link: { bandwidthBytesPerSecond: bandwidth },
        migration: { ...migration, downtimeLimitMs: 1, giveUpAfterUs: 60_000_000 },
      });
      const result = run({ ...setup, memory }, 'none')!;
      expect(result.converged).toBe(false);
      const settled = result.syncs.slice(-6).map((sync) => sync.remainingBytes / PAGE);
      const mean = settled.reduce((sum, left) => sum + left, 0) / settled.length;
      expect(abs(mean / plateau - 1)).toBeLessThan(0.03);
      expect(abs(result.why!.stallsAtBytes! / PAGE / plateau - 1)).toBeLessThan(0.05);
    },
  );
});
