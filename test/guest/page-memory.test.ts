/** Bits in typed arrays against QEMU's and KVM's bookkeeping told page by page, with sets. */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import type { Tracking } from '../../src/guest/memory/memory.js';
import { PageMemory } from '../../src/guest/memory/page/page-memory.js';
import { ringSoftLimit } from '../../src/guest/memory/ring.js';
import type { AccessClass, GuestSpec, ZeroExtent } from '../../src/guest/spec.js';
import type { Generator } from '../../src/random/generator.js';
import { stream } from '../../src/random/streams.js';
import { freeHost, vcpuWith, writer } from '../migration/setups.js';

const { abs, clz32, exp, floor, min, sqrt } = Math;

function guestOf(fields: Partial<GuestSpec>): GuestSpec {
  return {
    ramPages: 256,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: 0,
    hostPagePages: 1,
    vcpus: [],
    ...fields,
  };
}

/** With logging on and the first sync done, as a migration sets out. */
function memoryOf(guest: GuestSpec, tracking: Tracking, { host = freeHost, shift = 18 } = {}): PageMemory {
  const memory = new PageMemory(guest, host, tracking, shift, 1, 1);
  memory.startLogging();
  memory.harvest();
  return memory;
}

/** Send up to `pages` dirty pages from the cursor on; returns how many there were. */
function send(memory: PageMemory, pages = Infinity): number {
  let sent = 0;
  while (sent < pages) {
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

/** A vCPU without cost at one write a us, so that a budget of n us is n writes. */
const A_WRITE_A_US = 1e6;

describe('the ring', () => {
  // KVM keeps 64 entries in reserve, and 512 more where PML may still flush into a full ring.
  test.each([
    [1024, 448, 960],
    [2048, 1472, 1984],
    [4096, 3520, 4032],
    [16_384, 15_808, 16_320],
    [65_536, 64_960, 65_472],
  ])('%i entries are left at %i with PML and at %i without', (size, withPml, without) => {
    expect(ringSoftLimit(size, true)).toBe(withPml);
    expect(ringSoftLimit(size, false)).toBe(without);
  });

  test('a run ends at the soft limit, with the rest of its budget unspent', () => {
    const guest = guestOf({
      ramPages: 2048,
      dirtyRingSize: 1024,
      vcpus: [writer({ pages: 2048, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' })],
    });
    const memory = memoryOf(guest, 'ring');
    memory.run(0, 2000, 1, 1);
    expect(memory.outcome).toMatchObject({ ringFull: true, faults: 960, writes: 960 });
    expect(memory.outcome.ranUs).toBeCloseTo(960, 6);
    // It goes on from there once the ring was reaped, and counts what was reaped.
    expect(memory.reap(0)).toBe(960);
    expect(memory.reapedPages(0)).toBe(960);
    memory.run(0, 900, 1, 1);
    expect(memory.outcome).toMatchObject({ ringFull: false, faults: 900 });
  });
});

// ---------------------------------------------------------------------------------------------- the naive model

interface World {
  readonly tracking: Tracking;
  readonly ramPages: number;
  readonly hiddenPages: number;
  readonly shift: number;
  readonly zeroExtents: readonly ZeroExtent[];
  readonly classes: readonly AccessClass[];
}

const CAPACITY = 64 + 24;

class NaiveMemory {
  readonly #world: World;
  /** KVM's bitmap, the armed pages, QEMU's slot copy, the migration bitmap, the chunks to clear, the rings. */
  readonly kvm = new Set<number>();
  readonly armed = new Set<number>();
  slot = new Set<number>();
  readonly toSend = new Set<number>();
  readonly toClear = new Set<string | number>();
  readonly rings: number[][];
  readonly #random: Generator[];
  readonly #next: number[];
  #cursor = 0;

  constructor(world: World) {
    this.#world = world;
    this.rings = world.classes.map(() => []);
    this.#random = world.classes.map((_, vcpu) => stream(1, 1, `vcpu ${vcpu} writes`));
    this.#next = world.classes.map((c, i) =>
      c.pattern === 'sequential' ? this.#random[i]!.nextBelow(c.pages) : 0,
    );
    for (let page = 0; page < this.#pages; page += 1) {
      this.toSend.add(page);
      if (world.tracking === 'bitmap-manual') this.kvm.add(page);
      else this.armed.add(page);
    }
  }

  get #pages(): number {
    return this.#world.ramPages + this.#world.hiddenPages;
  }

  /** The next pages that this vCPU writes; returns how many were noticed. */
  write(vcpu: number, writes: number): number {
    const c = this.#world.classes[vcpu]!;
    let noticed = 0;
    for (let i = 0; i < writes; i += 1) {
      let offset = this.#next[vcpu]!;
      if (c.pattern === 'uniform') offset = this.#random[vcpu]!.nextBelow(c.pages);
      else this.#next[vcpu] = (offset + 1) % c.pages;
      const page = c.firstPage + offset;
      if (!this.armed.delete(page)) continue;
      noticed += 1;
      if (this.#world.tracking === 'ring') this.rings[vcpu]!.push(page);
      else this.kvm.add(page);
    }
    return noticed;
  }

  reap(vcpu: number): number {
    const entries = this.rings[vcpu]!.splice(0);
    for (const page of entries) {
      this.slot.add(page);
      this.armed.add(page);
    }
    return entries.length;
  }

  sync(): number {
    const { tracking } = this.#world;
    if (tracking === 'bitmap') {
      for (const page of this.kvm) this.armed.add(page);
      this.slot = new Set(this.kvm);
      this.kvm.clear();
    }
    if (tracking === 'bitmap-manual') {
      this.slot = new Set(this.kvm);
      for (let page = 0; page < this.#pages; page += 1) this.toClear.add(this.#chunkOf(page));
    }
    const before = this.toSend.size;
    for (const page of this.slot) this.toSend.add(page);
    if (tracking !== 'bitmap-manual') this.slot.clear();
    return this.toSend.size - before;
  }

  /** The run that can be sent next: its pages in order. Clears the chunk's tracking first where that is due. */
  nextRun(): number[] {
    const pages = [...this.toSend].sort((a, b) => a - b);
    const first = pages.find((page) => page >= this.#cursor) ?? pages[0];
    if (first === undefined) return [];
    this.#cursor = first;
    const manual = this.#world.tracking === 'bitmap-manual';
    const chunk = this.#chunkOf(first);
    if (manual && this.toClear.delete(chunk)) {
      for (const page of [...this.slot].filter((p) => this.#chunkOf(p) === chunk)) {
        this.kvm.delete(page);
        this.armed.add(page);
        this.slot.delete(page);
      }
    }
    const run: number[] = [];
    for (let page = first; page < this.#pages; page += 1) {
      if (manual && this.#chunkOf(page) !== chunk) break;
      if (this.isZero(page) !== this.isZero(first)) break;
      if (this.toSend.has(page)) run.push(page);
    }
    return run;
  }

  take(run: readonly number[]): void {
    for (const page of run) this.toSend.delete(page);
    this.#cursor = run.at(-1)! + 1;
  }

  isZero(page: number): boolean {
    return this.#world.zeroExtents.some((z) => page >= z.firstPage && page < z.firstPage + z.pages);
  }

  /** Chunks are counted within a RAM block, and the hidden pages are a block of their own. */
  #chunkOf(page: number): string | number {
    const { ramPages, shift } = this.#world;
    return page < ramPages ? floor(page / 2 ** shift) : `hidden ${floor((page - ramPages) / 2 ** shift)}`;
  }
}

const world = fc
  .record({
    tracking: fc.constantFrom<Tracking>('bitmap-manual', 'bitmap', 'ring'),
    ramWords: fc.integer({ min: 4, max: 10 }),
    hiddenPages: fc.integer({ min: 0, max: 40 }),
    shift: fc.constantFrom(6, 7),
    written: fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 })),
    patterns: fc.tuple(
      fc.constantFrom<AccessClass['pattern']>('uniform', 'sequential'),
      fc.constantFrom<AccessClass['pattern']>('uniform', 'sequential'),
    ),
    shared: fc.boolean(),
    zeroPages: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ tracking, ramWords, hiddenPages, shift, written, patterns, shared, zeroPages }): World => {
    const [a, b] = written;
    const access = { writesPerSecond: A_WRITE_A_US, readsPerSecond: 0 };
    const first: AccessClass = { firstPage: 3, pages: a, pattern: patterns[0], ...access };
    const second: AccessClass = shared
      ? { ...first, pattern: patterns[1] }
      : { firstPage: 3 + a, pages: b, pattern: patterns[1], ...access };
    const zeroExtents = zeroPages === 0 ? [] : [{ firstPage: 3 + a + b, pages: zeroPages }];
    return { tracking, ramPages: 32 * ramWords, hiddenPages, shift, zeroExtents, classes: [first, second] };
  });

const step = fc.oneof(
  fc.record({ act: fc.constant('run' as const), vcpu: fc.nat(1), budget: fc.integer({ min: 1, max: 120 }) }),
  fc.record({ act: fc.constant('reap' as const), vcpu: fc.nat(1) }),
  fc.record({ act: fc.constant('sync' as const) }),
  fc.record({ act: fc.constant('send' as const), pages: fc.integer({ min: 1, max: 200 }) }),
);

describe('against sets of pages', () => {
  property.prop([world, fc.array(step, { maxLength: 60 })], { seed: 1, numRuns: 300 })(
    'every run, reap, sync and send has the same outcome',
    (setting, steps) => {
      const { tracking, ramPages, hiddenPages, zeroExtents, classes, shift } = setting;
      const guest = guestOf({
        ramPages,
        hiddenPages,
        zeroExtents,
        dirtyRingSize: tracking === 'ring' ? CAPACITY : 0,
        vcpus: classes.map((c) => vcpuWith([c])),
      });
      const memory = memoryOf(guest, tracking, { shift });
      const naive = new NaiveMemory(setting);
      naive.sync();
      for (const now of steps) {
        if (now.act === 'run') {
          memory.run(now.vcpu, now.budget, 1, 1);
          const { writes, faults, ringFull, ranUs } = memory.outcome;
          expect(faults).toBe(naive.write(now.vcpu, writes));
          const room = CAPACITY - 64 - naive.rings[now.vcpu]!.length;
          expect(ringFull).toBe(tracking === 'ring' && room <= 0);
          if (!ringFull) expect([writes, ranUs]).toEqual([now.budget, now.budget]);
        } else if (now.act === 'reap') {
          expect(memory.reap(now.vcpu)).toBe(naive.reap(now.vcpu));
        } else if (now.act === 'sync') {
          expect(memory.harvest()).toBe(naive.sync());
        } else {
          let run = memory.nextRun();
          if (run === 0 && memory.clearNeeded) {
            memory.clearChunk(0);
            run = memory.nextRun();
          }
          const expected = naive.nextRun();
          expect(run).toBe(expected.length);
          if (run > 0) {
            expect(memory.runZeroShare).toBe(naive.isZero(expected[0]!) ? 1 : 0);
            const taken = min(run, now.pages);
            memory.take(taken);
            naive.take(expected.slice(0, taken));
          }
        }
        expect(memory.dirtyPages()).toBe(naive.toSend.size);
      }
    },
  );
});

// ---------------------------------------------------------------------------------------------- what follows

describe('the bitmap log with manual protect', () => {
  // Two chunks of 64 pages, written page by page in address order from a known place.
  const SHIFT = 6;
  const guest = guestOf({
    ramPages: 128,
    vcpus: [writer({ pages: 128, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' })],
  });
  /** All writes of a round: every page once, wherever the loop stands. */
  const ROUND = 128;

  test('nothing is armed when logging starts: writes before a chunk is cleared cost nothing and are not resent', () => {
    const memory = memoryOf(guest, 'bitmap-manual', { shift: SHIFT });
    memory.run(0, ROUND, 1, 1);
    expect(memory.outcome).toMatchObject({ writes: ROUND, faults: 0 });
    expect(send(memory)).toBe(ROUND);
    expect(memory.harvest()).toBe(0);
  });

  test('sending the first page of a chunk arms that chunk, and no other', () => {
    const memory = memoryOf(guest, 'bitmap-manual', { shift: SHIFT });
    expect(send(memory, 1)).toBe(1);
    memory.run(0, ROUND, 1, 1);
    expect(memory.outcome.faults).toBe(64);
  });

  test('a page written after the clear and before it is sent goes out now and once more', () => {
    const memory = memoryOf(guest, 'bitmap-manual', { shift: SHIFT });
    send(memory, 1);
    memory.run(0, ROUND, 1, 1);
    expect(send(memory)).toBe(127);
    expect(memory.harvest()).toBe(64);
  });

  test('a sync does not arm: a page that was noticed stays noticed, at no further cost, until it is sent', () => {
    const memory = memoryOf(guest, 'bitmap-manual', { shift: SHIFT });
    send(memory);
    memory.run(0, ROUND, 1, 1);
    expect(memory.outcome.faults).toBe(ROUND);
    expect(memory.harvest()).toBe(ROUND);
    memory.run(0, ROUND, 1, 1);
    expect(memory.outcome.faults).toBe(0);
    expect(memory.harvest()).toBe(0);
  });

  test('a page that was clean at the sync is armed all the time', () => {
    const memory = memoryOf(guest, 'bitmap-manual', { shift: SHIFT });
    send(memory);
    expect(memory.harvest()).toBe(0);
    memory.run(0, ROUND, 1, 1);
    expect(memory.outcome.faults).toBe(ROUND);
  });

  test('a sync in the middle of a pass makes the next page sent of each chunk clear it again', () => {
    const memory = memoryOf(guest, 'bitmap-manual', { shift: SHIFT });
    send(memory, 32);
    memory.run(0, ROUND, 1, 1); // Half of the first chunk was sent, all of it is armed: 64 are noticed.
    expect(memory.harvest()).toBe(32); // 32 of them still waited to be sent.
    send(memory, 1);
    memory.run(0, ROUND, 1, 1);
    expect(memory.outcome.faults).toBe(64);
  });

  test('without manual protect the sync itself arms what it reports', () => {
    const memory = memoryOf(guest, 'bitmap');
    memory.run(0, ROUND, 1, 1);
    expect(memory.outcome.faults).toBe(ROUND);
    expect(memory.harvest()).toBe(0); // All still wait to be sent.
    memory.run(0, ROUND, 1, 1);
    expect(memory.outcome.faults).toBe(ROUND);
  });

  /**
   * Chunk k of N is cleared kT/N into a pass of length T, and stays armed for the rest: T(N+1)/(2N) on average. A page
   * that is written at rate L while armed for a is noticed with probability 1 - exp(-La). Without manual protect, and
   * in ring mode, all pages are armed for all of T.
   */
  const PAGES = 1 << 16;
  const rate = 0.1;
  /** Pages noticed in one pass over all pages, `rate` writes a page a pass. The pass is sent chunk by chunk. */
  function noticedInAPass(tracking: Tracking, chunks: number): number {
    const T = 1e6;
    const memory = memoryOf(
      guestOf({
        ramPages: PAGES,
        dirtyRingSize: tracking === 'ring' ? PAGES * 2 : 0,
        vcpus: [writer({ pages: PAGES, writesPerSecond: PAGES * rate })],
      }),
      tracking,
      { shift: 31 - clz32(PAGES / chunks) },
    );
    let noticed = 0;
    for (let k = 0; k < chunks; k += 1) {
      send(memory, PAGES / chunks);
      memory.run(0, T / chunks, 1, 1);
      noticed += memory.outcome.faults;
    }
    return noticed;
  }

  test.each([1, 2, 4, 16])(
    'over %i chunks a pass of length T leaves a page armed for T(N+1)/(2N)',
    (chunks) => {
      let expected = 0;
      for (let k = 0; k < chunks; k += 1) expected += (PAGES / chunks) * (1 - exp(-rate * (1 - k / chunks)));
      const noticed = noticedInAPass('bitmap-manual', chunks);
      expect(abs(noticed - expected)).toBeLessThan(5 * sqrt(expected));
      // To the first order in the rate, with an error of half the rate, that is the mean armed time itself.
      expect(abs(noticed / (PAGES * rate) - (chunks + 1) / (2 * chunks))).toBeLessThan(0.06);
    },
  );

  test.each<Tracking>(['bitmap', 'ring'])('with %s every page is armed for all of the pass', (tracking) => {
    const expected = PAGES * (1 - exp(-rate));
    expect(abs(noticedInAPass(tracking, 16) - expected)).toBeLessThan(5 * sqrt(expected));
  });
});

describe('the dirty ring', () => {
  const guest = guestOf({
    ramPages: 128,
    dirtyRingSize: 1024,
    vcpus: [
      writer({ pages: 128, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' }),
      writer({ pages: 128, writesPerSecond: A_WRITE_A_US, pattern: 'sequential' }),
    ],
  });

  test('everything is armed from the start; a page in a ring is not', () => {
    const memory = memoryOf(guest, 'ring');
    memory.run(0, 128, 1, 1);
    expect(memory.outcome.faults).toBe(128);
    memory.run(0, 128, 1, 1);
    memory.run(1, 128, 1, 1); // Whoever writes it: the page is in the other one's ring.
    expect(memory.outcome.faults).toBe(0);
  });

  test('a reap arms again, not a send: a hot page is noticed once a reap and counted each time', () => {
    const memory = memoryOf(guest, 'ring');
    for (let reaps = 1; reaps <= 3; reaps += 1) {
      memory.run(0, 256, 1, 1);
      expect(memory.outcome.faults).toBe(128);
      expect(memory.reap(0)).toBe(128);
      expect(memory.reapedPages(0)).toBe(128 * reaps);
    }
    send(memory);
    memory.run(0, 128, 1, 1);
    expect(memory.outcome.faults).toBe(128);
  });

  test('what was reaped before a page was sent makes it dirty at the next sync: it is always sent again', () => {
    const memory = memoryOf(guest, 'ring');
    memory.run(0, 128, 1, 1);
    memory.reap(0);
    expect(send(memory)).toBe(128);
    expect(memory.harvest()).toBe(128);
  });

  test('a sync only knows what was reaped', () => {
    const memory = memoryOf(guest, 'ring');
    send(memory);
    memory.run(0, 128, 1, 1);
    expect(memory.harvest()).toBe(0);
    memory.reap(0);
    expect(memory.harvest()).toBe(128);
  });

  // Nested hosts that cannot re-arm push an entry for every write, dirty or not.
  test('where every write pushes, a page written twice takes two entries', () => {
    const memory = memoryOf(guest, 'ring', { host: { ...freeHost, ringPushesEveryWrite: true } });
    memory.run(0, 256, 1, 1);
    expect(memory.reap(0)).toBe(256);
    send(memory);
    expect(memory.harvest()).toBe(128);
  });
});

describe('running', () => {
  const spec = (pattern: AccessClass['pattern']): GuestSpec =>
    guestOf({ ramPages: 4096, vcpus: [writer({ pages: 1000, writesPerSecond: 123_456, pattern })] });

  property.prop(
    [
      fc.constantFrom<AccessClass['pattern']>('uniform', 'sequential'),
      fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 20 }),
    ],
    { seed: 1 },
  )('writes the same pages in one piece and in many', (pattern, budgets) => {
    const whole = memoryOf(spec(pattern), 'bitmap');
    const pieces = memoryOf(spec(pattern), 'bitmap');
    for (const memory of [whole, pieces]) send(memory);
    let total = 0;
    let writes = 0;
    for (const budget of budgets) {
      pieces.run(0, budget, 1, 1);
      writes += pieces.outcome.writes;
      total += budget;
    }
    whole.run(0, total, 1, 1);
    expect(whole.outcome.writes).toBe(writes);
    expect(whole.harvest()).toBe(pieces.harvest());
  });

  // Pages are drawn in blocks of some thousand; a call of one write draws a block of one.
  test.each([
    ['uniform', 'bitmap'],
    ['uniform', 'ring'],
    ['sequential', 'bitmap'],
    ['sequential', 'ring'],
  ] as const)('%s writes over blocks are the writes one by one (%s)', (pattern, tracking) => {
    const guest = guestOf({
      ramPages: 40_000,
      dirtyRingSize: 65_536,
      vcpus: [writer({ pages: 30_011, writesPerSecond: A_WRITE_A_US, pattern })],
    });
    const whole = memoryOf(guest, tracking);
    const pieces = memoryOf(guest, tracking);
    for (const memory of [whole, pieces]) memory.watchRewrites();
    whole.run(0, 35_000, 1, 1);
    let faults = 0;
    for (let write = 0; write < 35_000; write += 1) {
      pieces.run(0, 1, 1, 1);
      faults += pieces.outcome.faults;
    }
    expect(whole.outcome.faults).toBe(faults);
    for (const memory of [whole, pieces]) if (tracking === 'ring') expect(memory.reap(0)).toBe(faults);
    // All are dirty since the first sync: what goes out again is what was noticed.
    for (const memory of [whole, pieces]) send(memory);
    expect(whole.harvest()).toBe(faults);
    expect(pieces.harvest()).toBe(faults);
    const rewritten = (memory: PageMemory): number[] =>
      Array.from({ length: 40_000 }, (_, page) => page).filter((page) => memory.takeRewritten(page));
    expect(rewritten(whole)).toEqual(rewritten(pieces));
  });

  // Where all that vCPUs write is more than caches hold, a vCPU's part of the log is read before it is written.
  test.each([0, 5])(
    'another vCPU with more memory than caches hold changes no write (%d us per split)',
    (splitUs) => {
      const one = writer({ pages: 30_011, writesPerSecond: A_WRITE_A_US });
      const other = writer({ firstPage: 40_000, pages: 2 ** 23, writesPerSecond: A_WRITE_A_US });
      const memoryWith = (vcpus: GuestSpec['vcpus']): PageMemory =>
        memoryOf(guestOf({ ramPages: 40_000 + 2 ** 23, vcpus }), 'bitmap', {
          host: { ...freeHost, splitUs },
        });
      const alone = memoryWith([one]);
      const beside = memoryWith([one, other]);
      for (const memory of [alone, beside]) send(memory);
      for (const budgetUs of [1, 5_000, 50_000]) {
        for (const memory of [alone, beside]) memory.run(0, budgetUs, 1, 1);
        expect(beside.outcome).toEqual(alone.outcome);
        expect(beside.harvest()).toBe(alone.harvest());
        expect(send(beside)).toBe(send(alone));
      }
    },
  );

  // The generator stands at the same draw whether anybody looked or not: what is tracked never changes the workload.
  test('writes the same pages whether they are tracked or not', () => {
    const late = new PageMemory(spec('uniform'), freeHost, 'bitmap', 18, 1, 1);
    const early = new PageMemory(spec('uniform'), freeHost, 'bitmap', 18, 1, 1);
    early.startLogging();
    for (const memory of [late, early]) memory.run(0, 10_000, 1, 1);
    late.startLogging();
    for (const memory of [late, early]) {
      memory.harvest();
      send(memory);
      memory.run(0, 3_000, 1, 1);
    }
    expect(late.harvest()).toBe(early.harvest());
  });

  // A budget of B us pays for n writes at 1/r us and for f faults of c us each: B = n/r + f*c.
  test('pays for noticed writes out of its run time', () => {
    const host = { ...freeHost, writeFaultNs: 3_000 };
    const memory = memoryOf(spec('sequential'), 'bitmap', { host });
    memory.run(0, 5_000, 1, 1);
    const { writes, faults, faultUs, ranUs } = memory.outcome;
    expect(faults).toBe(writes); // 617 writes at most, all to different pages.
    expect(faultUs).toBeCloseTo(faults * 3, 6);
    expect(ranUs).toBe(5_000);
    // One write is every 8.1 us, or 11.1 with its fault: 450 fit.
    expect(writes).toBe(floor(5_000 / (1e6 / 123_456 + 3)));
  });

  test('a paced vCPU absorbs the cost in the time it would have waited', () => {
    const paced = guestOf({
      ramPages: 4096,
      vcpus: [{ ...writer({ pages: 1000, writesPerSecond: 100_000, pattern: 'sequential' }), busy: 0.5 }],
    });
    // Half of 10 us a write is waiting: 3 us of fault fit in, of 8 us three remain.
    const cheap = memoryOf(paced, 'bitmap', { host: { ...freeHost, writeFaultNs: 3_000 } });
    cheap.run(0, 5_000, 1, 1);
    expect(cheap.outcome).toMatchObject({ writes: 500, faultUs: 0 });
    const dear = memoryOf(paced, 'bitmap', { host: { ...freeHost, writeFaultNs: 8_000 } });
    dear.run(0, 5_000, 1, 1);
    expect(dear.outcome.faultUs).toBeCloseTo(dear.outcome.faults * 3, 6);
    expect(dear.outcome.writes).toBe(floor(5_000 / 13));
  });

  test('with PML a noticed write costs its share of a log flush instead of a fault', () => {
    const host = { ...freeHost, pml: true, pmlNsPerPage: 50, writeFaultNs: 99_000 };
    const memory = memoryOf(spec('sequential'), 'bitmap', { host });
    memory.run(0, 5_000, 1, 1);
    expect(memory.outcome.faultUs).toBeCloseTo(memory.outcome.faults * 0.05, 6);
  });

  // 1000 pages from page 0 on lie in two huge pages.
  test.each([
    ['sequential', 'bitmap'],
    ['uniform', 'bitmap'],
    ['uniform', 'ring'],
  ] as const)('the first noticed %s write in each 2 MiB splits it, once (%s)', (pattern, tracking) => {
    const guest = { ...spec(pattern), dirtyRingSize: 4096 };
    const memory = memoryOf(guest, tracking, { host: { ...freeHost, splitUs: 100 } });
    memory.run(0, 10_000, 1, 1);
    expect(memory.outcome.faultUs).toBe(200);
    memory.reap(0);
    memory.harvest();
    memory.run(0, 10_000, 1, 1);
    expect(memory.outcome.faultUs).toBe(0);
  });
});
