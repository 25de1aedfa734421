/** Counts against the closed forms that they stand for. Agreement with the page memory is test/guest/agreement.test.ts. */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { meanArmed } from '../../src/guest/memory/fluid/clears.js';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import type { Tracking } from '../../src/guest/memory/memory.js';
import { ringSoftLimit } from '../../src/guest/memory/ring.js';
import type { GuestSpec, HostProfile, VcpuSpec } from '../../src/guest/spec.js';
import { freeHost, reader, vcpuWith, writer } from '../migration/setups.js';

const { abs, exp, log, max, min, sqrt } = Math;

/** Writes a second at which a budget of n us is n writes. */
const A_WRITE_A_US = 1e6;
/** A tiny chunk, so that small guests have many: 64 pages. */
const SHIFT = 6;
const CHUNK = 64;

interface Fields extends Partial<GuestSpec> {
  readonly tracking?: Tracking;
  readonly host?: Partial<HostProfile>;
  readonly shift?: number;
  readonly vcpus: readonly VcpuSpec[];
}

/** With logging on and the first sync done, as a migration sets out. */
function memoryOf({ tracking = 'bitmap', host, shift = SHIFT, ...guest }: Fields): FluidMemory {
  const spec: GuestSpec = {
    ramPages: 10_000,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: tracking === 'ring' ? 1024 : 0,
    hostPagePages: 1,
    ...guest,
  };
  const memory = new FluidMemory(spec, { ...freeHost, ...host }, tracking, shift, 1, 1);
  memory.startLogging();
  memory.harvest();
  return memory;
}

/** Send up to `pages` pages from the cursor on, the guest standing still. Returns how many there were. */
function send(memory: FluidMemory, pages = Infinity): number {
  let sent = 0;
  while (sent < pages - 1e-6) {
    const run = memory.nextRun();
    if (run === 0) {
      if (!memory.clearNeeded) break;
      memory.clearChunk(0);
      continue;
    }
    const taken = min(run, pages - sent);
    memory.take(taken);
    sent += taken;
  }
  return sent;
}

/** All vCPUs run for so long. */
function runAll(memory: FluidMemory, vcpus: number, us: number): void {
  for (let i = 0; i < vcpus; i += 1) memory.run(i, us, 1, 1);
}

describe('uniform writes', () => {
  // Each of n writes misses a given page of W with probability 1 - 1/W: W (1 - e^(-n/W)) pages are touched.
  test.each(['bitmap', 'bitmap-manual', 'ring'] as const)(
    '%s: W (1 - e^(-n/W)) pages come back',
    (tracking) => {
      const memory = memoryOf({ tracking, vcpus: [writer({ pages: 4000, writesPerSecond: A_WRITE_A_US })] });
      expect(send(memory)).toBeCloseTo(10_000, 6);
      memory.run(0, 3000, 1, 1);
      expect(memory.outcome.writes).toBeCloseTo(3000, 9);
      expect(memory.harvest()).toBeCloseTo(4000 * (1 - exp(-3000 / 4000)), 6);
    },
  );

  test('vCPUs that share a range add up, and so do pieces of time', () => {
    const vcpus = [0, 1].map(() => writer({ pages: 4000, writesPerSecond: A_WRITE_A_US }));
    const memory = memoryOf({ vcpus });
    send(memory);
    for (let i = 0; i < 10; i += 1) runAll(memory, 2, 100);
    expect(memory.harvest()).toBeCloseTo(4000 * (1 - exp(-2000 / 4000)), 6);
  });

  test('a page dirtied again while it waits to be sent adds nothing', () => {
    const memory = memoryOf({ vcpus: [writer({ pages: 4000, writesPerSecond: A_WRITE_A_US })] });
    memory.run(0, 3000, 1, 1);
    expect(memory.harvest()).toBe(0);
    expect(memory.dirtyPages()).toBe(10_000);
  });
});

describe('sequential writes', () => {
  const loop = (pages: number, ring = false): FluidMemory =>
    memoryOf({
      tracking: ring ? 'ring' : 'bitmap',
      vcpus: [writer({ pages, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' })],
    });

  test.each([false, true])('n writes touch n pages, a whole round touches all (ring: %p)', (ring) => {
    const memory = loop(4000, ring);
    send(memory);
    memory.run(0, 2500, 1, 1);
    expect(memory.harvest()).toBeCloseTo(2500, 6);
    send(memory);
    memory.run(0, 9000, 1, 1);
    expect(memory.harvest()).toBeCloseTo(4000, 6);
  });

  // The second arc begins where the first ended, so it only adds what lies beyond.
  test.each([false, true])('arcs follow each other (ring: %p)', (ring) => {
    const memory = loop(4000, ring);
    send(memory);
    memory.run(0, 1500, 1, 1);
    expect(memory.harvest()).toBeCloseTo(1500, 6);
    memory.run(0, 1000, 1, 1);
    expect(memory.harvest()).toBeCloseTo(1000, 6);
    expect(memory.dirtyPages()).toBeCloseTo(2500, 6);
    memory.run(0, 4000, 1, 1);
    expect(memory.harvest()).toBeCloseTo(1500, 6);
  });

  test('two loops over one range touch the union of their arcs', () => {
    // They begin where two vCPUs of the page memory would; somewhere a full round must meet everything.
    const vcpus = [0, 1].map(() =>
      writer({ pages: 4000, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' }),
    );
    const memory = memoryOf({ vcpus });
    send(memory);
    runAll(memory, 2, 500);
    const touched = memory.harvest();
    expect(touched).toBeGreaterThan(500);
    expect(touched).toBeLessThanOrEqual(1000 + 1e-6);
    runAll(memory, 2, 4000);
    expect(memory.harvest()).toBeCloseTo(4000 - touched, 5);
  });
});

describe('what is sent and what comes back', () => {
  const anyTracking = fc.constantFrom<Tracking>('bitmap', 'bitmap-manual', 'ring');
  const anyClass = fc.record({
    pages: fc.integer({ min: 1, max: 700 }),
    writesPerSecond: fc.integer({ min: 0, max: 3e6 }),
    pattern: fc.constantFrom('uniform' as const, 'sequential' as const),
  });
  const anyStep = fc.oneof(
    fc.record({ do: fc.constant('run' as const), us: fc.integer({ min: 0, max: 2000 }) }),
    fc.record({ do: fc.constant('send' as const), pages: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({ do: fc.constant('sync' as const) }),
  );

  // Every page is to be sent once; after that only what a sync finds newly dirty. Nothing is lost or made up on the way,
  // and at no time are there more dirty pages than pages.
  property.prop([
    anyTracking,
    fc.array(anyClass, { minLength: 1, maxLength: 4 }),
    fc.array(anyStep, { maxLength: 60 }),
  ])('taken + remaining = RAM + newly dirty', (tracking, classes, steps) => {
    let at = 100;
    const vcpus = classes.map((c) => {
      const vcpu = writer({ firstPage: at, ...c });
      at += c.pages;
      return vcpu;
    });
    const memory = memoryOf({ tracking, ramPages: 4000, hiddenPages: 50, vcpus });
    let taken = 0;
    let fresh = 0;
    for (const step of steps) {
      if (step.do === 'run') runAll(memory, vcpus.length, step.us);
      else if (step.do === 'send') taken += send(memory, step.pages);
      else {
        const found = memory.harvest();
        expect(found).toBeGreaterThanOrEqual(0);
        fresh += found;
      }
      expect(memory.dirtyPages()).toBeLessThanOrEqual(4050 + 1e-6);
      expect(taken + memory.dirtyPages()).toBeCloseTo(4050 + fresh, 4);
    }
    taken += send(memory);
    expect(memory.dirtyPages()).toBe(0);
    expect(taken).toBeCloseTo(4050 + fresh, 4);
  });

  test('pages leave in address order, zero pages apart, and what nobody writes leaves once', () => {
    const memory = memoryOf({
      ramPages: 1000,
      hiddenPages: 10,
      zeroExtents: [{ firstPage: 300, pages: 200 }],
      vcpus: [writer({ firstPage: 600, pages: 100, writesPerSecond: A_WRITE_A_US })],
    });
    const runs: [number, number][] = [];
    for (let pages = memory.nextRun(); pages > 0; pages = memory.nextRun()) {
      runs.push([pages, memory.runZeroShare]);
      memory.take(pages);
    }
    expect(runs).toEqual([
      [300, 0],
      [200, 1],
      [510, 0],
    ]);
    memory.run(0, 1e6, 1, 1);
    expect(memory.harvest()).toBeCloseTo(100, 6);
  });

  test('the cursor goes on where it stood, not at the beginning', () => {
    const memory = memoryOf({
      ramPages: 1000,
      vcpus: [writer({ pages: 1000, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' })],
    });
    send(memory, 600);
    // A full round: all pages are dirty again, 400 of them still from before.
    memory.run(0, 1000, 1, 1);
    expect(memory.harvest()).toBeCloseTo(600, 6);
    send(memory, 400);
    // Only now does it wrap.
    expect(memory.rounds).toBe(1);
  });
});

describe('clears of the dirty log', () => {
  /** A pass over `chunks` chunks: while each is sent a few writes happen. Returns the share of them that was noticed. */
  function noticedShare(chunks: number): number {
    const pages = chunks * CHUNK;
    const memory = memoryOf({
      tracking: 'bitmap-manual',
      ramPages: pages,
      vcpus: [writer({ pages, writesPerSecond: A_WRITE_A_US })],
    });
    // So few writes that hardly a page is hit twice: what is noticed is in proportion to the time that pages are armed.
    const writesPerChunk = 1e-3;
    let sent = 0;
    for (;;) {
      const run = memory.nextRun();
      if (run > 0) {
        memory.take(run);
        memory.run(0, (run / CHUNK) * writesPerChunk, 1, 1);
        sent += run;
      } else if (memory.clearNeeded) memory.clearChunk(0);
      else break;
    }
    expect(sent).toBeCloseTo(pages, 6);
    return memory.harvest() / (chunks * writesPerChunk);
  }

  // The j-th of N chunks is cleared when j/N of the pass is over and armed for the rest: (N+1)/(2N) of it on average.
  test.each([1, 2, 5, 16, 17, 64, 300])('of %i chunks a page is armed for (N+1)/(2N) of a pass', (chunks) => {
    expect(noticedShare(chunks)).toBeCloseTo((chunks + 1) / (2 * chunks), 3);
  });

  test('a page that was clean at the sync is armed all the time', () => {
    const memory = memoryOf({
      tracking: 'bitmap-manual',
      ramPages: 2 * CHUNK,
      vcpus: [writer({ pages: CHUNK, writesPerSecond: A_WRITE_A_US })],
    });
    send(memory);
    memory.harvest();
    memory.run(0, 10, 1, 1);
    expect(memory.outcome.faults).toBeCloseTo(CHUNK * (1 - exp(-10 / CHUNK)), 9);
    expect(memory.harvest()).toBeCloseTo(CHUNK * (1 - exp(-10 / CHUNK)), 9);
    // Dirty and in the snapshot now: until its chunk is cleared, writes to it cost nothing and change nothing.
    memory.run(0, 1e5, 1, 1);
    expect(memory.outcome.faults).toBeCloseTo(CHUNK * exp(-10 / CHUNK), 6);
  });

  // Telling the memory how far the guest is behind must come to the same as bringing the guest up to each clear.
  test.each([2, 16])('%i chunks: accounted for later is accounted for at once', (chunks) => {
    const pages = chunks * CHUNK;
    const make = (): FluidMemory =>
      memoryOf({
        tracking: 'bitmap-manual',
        ramPages: pages,
        vcpus: [writer({ pages, writesPerSecond: A_WRITE_A_US })],
      });
    const results = [make(), make()].map((memory, later) => {
      let faults = 0;
      let fresh = 0;
      let behindUs = 0;
      const bringUp = (): void => {
        memory.beginSpan(behindUs);
        memory.run(0, behindUs, 1, 1);
        faults += memory.outcome.faults;
        behindUs = 0;
      };
      for (let pass = 0; pass < 4; pass += 1) {
        for (;;) {
          const run = memory.nextRun();
          if (run > 0) {
            memory.take(run);
            behindUs += run * 0.8;
          } else if (memory.clearNeeded) {
            if (later === 0) bringUp();
            memory.clearChunk(behindUs);
          } else break;
        }
        bringUp();
        fresh += memory.harvest();
      }
      return { faults, fresh, dirty: memory.dirtyPages() };
    });
    expect(results[1]!.fresh).toBeCloseTo(results[0]!.fresh, 6);
    expect(results[1]!.dirty).toBeCloseTo(results[0]!.dirty, 6);
    expect(results[1]!.faults).toBeCloseTo(results[0]!.faults, 6);
  });

  test('the mean over chunks that are armed one after the other is the sum over them', () => {
    for (const [written, steps] of [
      [0.5, 1],
      [0.5, 7],
      [3, 40],
      [1e-6, 5],
    ] as const) {
      let sum = 0;
      for (let j = 0; j < steps; j += 1) sum += exp(-written * (1 - j / steps));
      expect(meanArmed(written, steps)).toBeCloseTo(sum / steps, 9);
    }
    expect(meanArmed(0, 3)).toBe(1);
  });
});

describe('what tracking costs', () => {
  // n writes take n/rate; those noticed cost 1 us more each, and together they fill the budget.
  test.each(['uniform', 'sequential'] as const)('%s: progress and costs fill the budget', (pattern) => {
    const memory = memoryOf({
      host: { writeFaultNs: 1000 },
      vcpus: [writer({ pages: 5000, writesPerSecond: A_WRITE_A_US, pattern })],
    });
    memory.run(0, 6000, 1, 1);
    const { writes, faults, faultUs, ranUs } = memory.outcome;
    expect(ranUs).toBe(6000);
    expect(faultUs).toBeCloseTo(faults, 9);
    expect((writes + faults) / 6000).toBeCloseTo(1, 4);
    expect(faults).toBeCloseTo(
      pattern === 'uniform' ? 5000 * (1 - exp(-writes / 5000)) : min(writes, 5000),
      6,
    );
  });

  // A paced vCPU waits 1 us after each access: a cost of 0.4 us disappears in that, of 1.5 us a third remains.
  test.each([
    [400, 0],
    [1500, 0.5],
  ])('%i ns a noticed write cost a paced vCPU %f us', (writeFaultNs, remains) => {
    const vcpu = { ...writer({ pages: 5000, writesPerSecond: 500_000 }), busy: 0.5 };
    const memory = memoryOf({ host: { writeFaultNs }, vcpus: [vcpu] });
    memory.run(0, 1000, 1, 1);
    expect(memory.outcome.faultUs).toBeCloseTo(memory.outcome.faults * remains, 9);
  });

  test('huge pages are split once, by the first noticed write in each', () => {
    const blocks = 20;
    const vcpus = [writer({ pages: blocks * 512, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' })];
    const memory = memoryOf({ ramPages: blocks * 512, host: { splitUs: 50 }, vcpus });
    let cost = 0;
    for (let i = 0; i < 5; i += 1) {
      memory.run(0, 10_000, 1, 1);
      cost += memory.outcome.faultUs;
      memory.harvest();
    }
    expect(cost).toBeCloseTo(blocks * 50, 6);
  });

  test('reads cost nothing and dirty nothing', () => {
    const memory = memoryOf({ vcpus: [reader(0, 5000, 2e6)] });
    send(memory);
    memory.run(0, 1000, 1, 0.5);
    expect(memory.outcome).toMatchObject({ reads: 1000, writes: 0, faults: 0 });
    expect(memory.harvest()).toBe(0);
  });
});

describe('a ring that a dirty limit watches', () => {
  const soft = ringSoftLimit(1024, false);
  const limited = (vcpus: VcpuSpec[], host: Partial<HostProfile> = {}): FluidMemory => {
    const memory = memoryOf({ tracking: 'ring', vcpus, host });
    memory.setLimited(true);
    return memory;
  };

  // n writes put W (1 - e^(-n/W)) entries into the ring: it is full after n = -W ln(1 - soft/W) of them.
  test('is full when the closed form says', () => {
    const memory = limited([writer({ pages: 3000, writesPerSecond: A_WRITE_A_US })]);
    memory.run(0, 1e6, 1, 1);
    expect(memory.outcome.ringFull).toBe(true);
    expect(memory.outcome.faults).toBeCloseTo(soft, 6);
    expect(memory.outcome.ranUs).toBeCloseTo(-3000 * log(1 - soft / 3000), 6);
    for (let again = 0; again < 2; again += 1) {
      memory.run(0, 1e6, 1, 1);
      expect(memory.outcome).toMatchObject({ ringFull: true, ranUs: 0 });
    }
    expect(memory.reap(0)).toBeCloseTo(soft, 6);
    expect(memory.reapedPages(0)).toBeCloseTo(soft, 6);
  });

  // Chance decides how many writes hit a page twice. After n writes the pages touched vary by W e^-m (1 - (1+m) e^-m) with
  // m = n/W, and where they grow by e^-m a write, an entry more or less is e^m writes. Of 4000 fills the mean lies within
  // 4 standard errors, the variance within 4 of its own (2/4000)^(1/2).
  test('is full a little earlier or later by chance', () => {
    const memory = limited([writer({ pages: 3000, writesPerSecond: A_WRITE_A_US })]);
    const mean = -3000 * log(1 - soft / 3000);
    const untouched = exp(-mean / 3000);
    const variance = (3000 * untouched * (1 - (1 + mean / 3000) * untouched)) / untouched ** 2;
    const fills = 4000;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i <= fills; i += 1) {
      memory.run(0, 1e6, 1, 1);
      expect(memory.reap(0)).toBeCloseTo(soft, 6);
      // The first is the mean itself.
      if (i === 0) continue;
      sum += memory.outcome.ranUs - mean;
      squares += (memory.outcome.ranUs - mean) ** 2;
    }
    expect(abs(sum / fills)).toBeLessThan(4 * sqrt(variance / fills));
    expect(abs(squares / fills / variance - 1)).toBeLessThan(4 * sqrt(2 / fills));
  });

  test('fills in pieces as it does at once', () => {
    const memory = limited([writer({ pages: 3000, writesPerSecond: A_WRITE_A_US })]);
    let ranUs = 0;
    do {
      memory.run(0, 100, 1, 1);
      ranUs += memory.outcome.ranUs;
    } while (!memory.outcome.ringFull);
    expect(ranUs).toBeCloseTo(-3000 * log(1 - soft / 3000), 5);
  });

  test('fills with several classes when their sum is full', () => {
    const classes = [
      { firstPage: 0, pages: 500, pattern: 'uniform', writesPerSecond: 3e5, readsPerSecond: 0 },
      { firstPage: 600, pages: 4000, pattern: 'uniform', writesPerSecond: 5e5, readsPerSecond: 0 },
      { firstPage: 5000, pages: 4000, pattern: 'sequential', writesPerSecond: 1e5, readsPerSecond: 0 },
    ] as const;
    const memory = limited([vcpuWith(classes)]);
    memory.run(0, 1e6, 1, 1);
    const us = memory.outcome.ranUs;
    const entries = 500 * (1 - exp((-0.3 * us) / 500)) + 4000 * (1 - exp((-0.5 * us) / 4000)) + 0.1 * us;
    expect(entries).toBeCloseTo(soft, 4);
  });

  test('is never full when the working set is smaller', () => {
    const memory = limited([writer({ pages: soft - 1, writesPerSecond: A_WRITE_A_US })]);
    memory.run(0, 1e9, 1, 1);
    expect(memory.outcome.ringFull).toBe(false);
    expect(memory.reap(0)).toBeCloseTo(soft - 1, 3);
  });

  test("pages in another vCPU's ring are not armed", () => {
    const vcpus = [0, 1].map(() => writer({ pages: 2000, writesPerSecond: A_WRITE_A_US }));
    const memory = limited(vcpus);
    memory.run(0, 500, 1, 1);
    const first = 2000 * (1 - exp(-500 / 2000));
    memory.run(1, 500, 1, 1);
    expect(memory.outcome.faults).toBeCloseTo((2000 - first) * (1 - exp(-500 / 2000)), 6);
    expect(memory.reap(0)).toBeCloseTo(first, 6);
  });
});

describe('rings that every exit empties', () => {
  const soft = ringSoftLimit(1024, false);
  const SECOND = 1e6;

  // Sequential writers fill with every write. At 4 soft/s and 1 soft/s the faster is full 4 times a second and reaps both.
  test('the fastest exits for all', () => {
    const vcpus = [4.5, 1.1].map((rate, i) =>
      writer({ firstPage: i * 5000, pages: 5000, writesPerSecond: rate * soft, pattern: 'sequential' }),
    );
    const memory = memoryOf({ tracking: 'ring', vcpus });
    const exits = [0, 1].map((i) => {
      memory.run(i, 10 * SECOND, 1, 1);
      return memory.outcome.ringExits;
    });
    // The reaper empties rings every second, so that 4.5 fills are 4 exits.
    expect(exits[0]).toBeCloseTo(40, 6);
    expect(exits[1]).toBe(0);
    // Nothing is pushed twice between two reaps of so large a set: every write is an entry.
    expect(memory.reapedPages(0) + memory.reap(0)).toBeCloseTo(45 * soft, 4);
    expect(memory.reapedPages(1) + memory.reap(1)).toBeCloseTo(11 * soft, 4);
  });

  // A hot set is dirty over and over: once a reap, here once a second of the reaper.
  test('a small hot set pushes its pages once a second', () => {
    const memory = memoryOf({
      tracking: 'ring',
      vcpus: [writer({ pages: 100, writesPerSecond: A_WRITE_A_US })],
    });
    memory.run(0, 20 * SECOND, 1, 1);
    expect(memory.outcome).toMatchObject({ ringExits: 0 });
    expect(memory.outcome.faults).toBeCloseTo(20 * 100, 3);
    send(memory);
    expect(memory.harvest()).toBeCloseTo(100, 6);
  });

  test('a throttle slows exits as it slows writes', () => {
    const memory = memoryOf({
      tracking: 'ring',
      vcpus: [writer({ pages: 5000, writesPerSecond: 50 * soft, pattern: 'sequential' })],
    });
    memory.setRunShare(0, 0.1);
    // A second of run time is ten seconds of 5 fills each.
    memory.run(0, SECOND, 1, 1);
    expect(memory.outcome.ringExits).toBeCloseTo(50, 0);
  });

  test('exits take their time from the vCPU that leaves', () => {
    const memory = memoryOf({
      tracking: 'ring',
      host: { ringExitUs: 1000 },
      vcpus: [writer({ pages: 5000, writesPerSecond: 100 * soft, pattern: 'sequential' })],
    });
    memory.run(0, 100 * SECOND, 1, 1);
    const { writes, ringExits, ringExitUs } = memory.outcome;
    expect(ringExitUs).toBeCloseTo(ringExits * 1000, 3);
    // Time to write and time to leave fill the budget. Once a second the reaper saves an exit, which the plan settles to.
    expect((writes / (100 * soft) + ringExitUs / SECOND) / 100).toBeCloseTo(1, 3);
  });

  // While it writes nothing the reaper comes by: the next write finds all pages armed, none twice in the ring.
  test('a vCPU that pauses is reaped meanwhile', () => {
    const memory = memoryOf({
      tracking: 'ring',
      vcpus: [writer({ pages: 100, writesPerSecond: A_WRITE_A_US })],
    });
    memory.run(0, 0.5 * SECOND, 1, 1);
    memory.run(0, SECOND, 0, 1);
    memory.run(0, 0.1 * SECOND, 1, 1);
    expect(memory.outcome.faults).toBeCloseTo(100, 3);
  });

  // Halving every rate and doubling the time changes nothing but the rounds of the reaper: none of them here has room to act.
  test('a phase at half speed fills rings half as often', () => {
    const vcpus = [writer({ pages: 50_000, writesPerSecond: 64 * soft, pattern: 'sequential' })];
    const memory = memoryOf({ tracking: 'ring', ramPages: 60_000, vcpus });
    memory.run(0, SECOND, 1, 1);
    const full = memory.outcome.ringExits;
    memory.run(0, SECOND, 0.5, 1);
    expect(memory.outcome.ringExits).toBeCloseTo(full / 2, 6);
  });

  test('on hosts where every write is an entry the rate alone counts', () => {
    const memory = memoryOf({
      tracking: 'ring',
      host: { ringPushesEveryWrite: true },
      vcpus: [writer({ pages: 1, writesPerSecond: 10 * soft })],
    });
    memory.run(0, SECOND, 1, 1);
    expect(memory.outcome.faults).toBeCloseTo(10 * soft, 3);
  });
});

describe('post-copy', () => {
  test('every missing page blocks once, comes, and blocks no more', () => {
    const memory = memoryOf({
      ramPages: 1000,
      vcpus: [writer({ pages: 1000, writesPerSecond: A_WRITE_A_US })],
    });
    send(memory, 400);
    memory.stopLogging();
    let requests = 0;
    let blockedUs = 0;
    let wallUs = 0;
    while (memory.dirtyPages() > 1 && wallUs < 1e8) {
      memory.runRemote(0, 500, 1, 1, 700);
      requests += memory.outcome.requests;
      blockedUs += memory.outcome.blockedUs;
      wallUs += 500;
    }
    // No background: all but the last of 600 pages had to be asked for, 700 us each.
    expect(requests).toBeCloseTo(599, 0);
    expect(max(0, requests * 700 - blockedUs)).toBeLessThanOrEqual(700);
  });

  test('nobody answers: it is blocked until somebody does', () => {
    const memory = memoryOf({
      ramPages: 1000,
      vcpus: [writer({ pages: 1000, writesPerSecond: A_WRITE_A_US })],
    });
    memory.stopLogging();
    memory.runRemote(0, 1000, 1, 1, Infinity);
    expect(memory.outcome.requests).toBe(0);
    memory.runRemote(0, 1000, 1, 1, Infinity);
    expect(memory.outcome.blockedUs).toBe(1000);
    memory.runRemote(0, 1000, 1, 1, 100);
    expect(memory.outcome.requests).toBeGreaterThan(0);
  });

  test('a loop that the background runs ahead of is not blocked', () => {
    const memory = memoryOf({
      ramPages: 1000,
      vcpus: [writer({ pages: 1000, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' })],
    });
    memory.stopLogging();
    memory.runRemote(0, 100, 1, 1, 50);
    expect(memory.outcome.requests).toBeGreaterThan(0);
    send(memory, 600);
    memory.runRemote(0, 300, 1, 1, 50);
    expect(memory.outcome.blockedUs).toBeLessThanOrEqual(50);
  });
});

test('ranges that overlap are refused', () => {
  const vcpus = [
    writer({ pages: 100, writesPerSecond: 1 }),
    writer({ firstPage: 50, pages: 100, writesPerSecond: 1 }),
  ];
  expect(() => memoryOf({ vcpus })).toThrow('written classes overlap at page 50');
});
