/** vCPUs on the clock: when they run, what keeps them from it, and where their time goes. Times in us. */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { Guest } from '../../src/guest/guest.js';
import { unmigratedAccesses } from '../../src/guest/phases.js';
import type { Tracking } from '../../src/guest/memory/memory.js';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import { PageMemory } from '../../src/guest/memory/page/page-memory.js';
import type { GuestSpec, HostProfile, VcpuSpec } from '../../src/guest/spec.js';
import { MIB, freeHost, reader, vcpuWith, writer } from '../migration/setups.js';

const { abs, max } = Math;

/** Entries of the ring, and the soft limit without PML. */
const RING = 1024;
const SOFT_LIMIT = 960;

interface Fields {
  readonly vcpus: readonly VcpuSpec[];
  readonly host?: Partial<HostProfile>;
  readonly ring?: boolean;
}

/** A guest of 64 MiB that is being tracked, at time 0. Everything was sent, so every write that tracking sees counts. */
function guestWith({ vcpus, host = {}, ring = false }: Fields): Guest {
  const spec: GuestSpec = {
    ramPages: 64 * MIB,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: ring ? RING : 0,
    hostPagePages: 1,
    vcpus,
  };
  const tracking: Tracking = ring ? 'ring' : 'bitmap';
  const profile = { ...freeHost, ...host };
  const memory = new PageMemory(spec, profile, tracking, 18, 1, 1);
  memory.startLogging();
  memory.take(memory.nextRun());
  return new Guest(spec, profile, memory, 0);
}

/** One write a us, to page after page, round 64 MiB in 16 ms. */
const busyWriter = writer({ pages: 64 * MIB, writesPerSecond: 1e6, pattern: 'sequential' });
/** The same in the first or second half. */
const half = (index: 0 | 1): VcpuSpec =>
  writer({ firstPage: index * 32 * MIB, pages: 32 * MIB, writesPerSecond: 1e6, pattern: 'sequential' });

describe('CPU throttle', () => {
  test('throttled together, vCPUs sleep and run in phase', () => {
    const guest = guestWith({ vcpus: [half(0), half(1)] });
    guest.throttleAll(90, 0);
    // Half a us after a slice's nth write; a slice of 10 ms follows each sleep of 90 ms.
    const writesAt = (us: number): number[] => {
      guest.advance(us + 0.5);
      return guest.vcpus.map((v) => v.writes);
    };
    expect(writesAt(90_000)).toEqual([0, 0]);
    expect(writesAt(95_000)).toEqual([5_000, 5_000]);
    expect(writesAt(190_000)).toEqual([10_000, 10_000]);
    expect(writesAt(191_000)).toEqual([11_000, 11_000]);
  });

  test('in its slice a vCPU goes at full speed: the throttle changes when it runs, not how fast', () => {
    const guest = guestWith({ vcpus: [busyWriter] });
    guest.throttleAll(99, 0);
    guest.advance(990_000.5);
    expect(guest.vcpus[0]!.writes).toBe(0);
    guest.advance(995_000.5);
    expect(guest.vcpus[0]!.writes).toBe(5_000);
    expect(guest.vcpus[0]!.throttledUs).toBeCloseTo(990_000, 3);
    expect(guest.vcpus[0]!.longestStallUs).toBeCloseTo(990_000, 3);
  });

  test('throttled alone, a vCPU has a timetable of its own and the others none', () => {
    const guest = guestWith({ vcpus: [half(0), half(1)] });
    guest.throttleOne(0, 50, 0);
    guest.advance(20_000);
    expect(guest.vcpus.map((v) => v.writes)).toEqual([10_000, 20_000]);
    expect(guest.vcpus.map((v) => v.throttle.percent)).toEqual([50, 0]);
  });

  test('a throttled reader loses as much as a throttled writer: auto-converge does not ask who writes', () => {
    const guest = guestWith({ vcpus: [half(0), reader(0, 100, 1e6)] });
    guest.throttleAll(50, 0);
    guest.advance(2_000_000);
    expect(guest.vcpus[0]!.writes).toBeCloseTo(1e6, -1);
    expect(guest.vcpus[1]!.reads).toBeCloseTo(1e6, -1);
  });
});

describe('the full ring', () => {
  test('without a limit one exit reaps everybody: the other writer faults anew on what it wrote before', () => {
    // The second vCPU writes the same 100 pages over and over, each once in 100 us.
    const hot = writer({ firstPage: 32 * MIB, pages: 100, writesPerSecond: 1e6, pattern: 'sequential' });
    const alone = guestWith({ vcpus: [hot], ring: true });
    const beside = guestWith({ vcpus: [half(0), hot], ring: true });
    for (const guest of [alone, beside]) guest.advance(8_000);
    expect(alone.vcpus[0]!.faults).toBe(100);
    // 8 ms are 8 full rings of 960 writes of the first vCPU, and each makes 100 new faults of the second.
    expect(beside.vcpus[0]!.ringFullExits).toBe(8);
    expect(beside.vcpus[1]!.faults).toBe(900);
    expect(beside.vcpus[1]!.ringFullExits).toBe(0);
  });

  test('under a dirty limit an exit reaps only its own ring', () => {
    const hot = writer({ firstPage: 32 * MIB, pages: 100, writesPerSecond: 1e6, pattern: 'sequential' });
    const guest = guestWith({ vcpus: [half(0), hot], ring: true });
    guest.setLimited(true);
    guest.advance(8_000);
    expect(guest.vcpus.map((v) => v.ringFullExits)).toEqual([8, 0]);
    expect(guest.vcpus[1]!.faults).toBe(100);
    expect(guest.memory.reapedPages(1)).toBe(0);
  });

  // 960 writes to fill, then 10 ms of sleep: 10,960 us a round.
  test('under a limit the vCPU sleeps at each, and not otherwise', () => {
    const guest = guestWith({ vcpus: [half(0), half(1)], ring: true });
    guest.setLimited(true);
    guest.vcpus[0]!.ringSleepUs = 10_000;
    guest.advance(109_600);
    const [slowed, free] = [guest.vcpus[0]!, guest.vcpus[1]!];
    expect(slowed.writes).toBe(10 * SOFT_LIMIT);
    expect(slowed.ringSleptUs).toBe(100_000);
    expect(slowed.longestStallUs).toBeCloseTo(10_000, 3);
    expect(free.writes).toBe(109_600);
    expect(free.ringSleptUs).toBe(0);
  });

  test('a sleep that is set while no limit is in service is not slept', () => {
    const guest = guestWith({ vcpus: [busyWriter], ring: true });
    guest.vcpus[0]!.ringSleepUs = 10_000;
    guest.advance(100_000);
    expect(guest.vcpus[0]!.writes).toBe(100_000);
  });

  // Rings are drained by others before they fill: then there is no exit, and no sleep however long it was set to.
  test('a vCPU whose ring is reaped before it is full never sleeps', () => {
    const guest = guestWith({ vcpus: [busyWriter], ring: true });
    guest.setLimited(true);
    guest.vcpus[0]!.ringSleepUs = 1_000_000;
    for (let at = 900; at <= 90_000; at += 900) {
      guest.advance(at);
      expect(guest.reapAll()).toBe(900);
    }
    expect(guest.vcpus[0]).toMatchObject({ ringFullExits: 0, ringSleptUs: 0, writes: 90_000 });
  });

  test('costs its exit and its entries', () => {
    const guest = guestWith({ vcpus: [busyWriter], ring: true, host: { ringExitUs: 30, ringEntryNs: 10 } });
    // 960 writes, then 30 us and 960 entries of 10 ns: 999.6 us a round.
    guest.advance(9_996);
    expect(guest.vcpus[0]!.writes).toBe(10 * SOFT_LIMIT);
    expect(guest.vcpus[0]!.ringExitUs).toBeCloseTo(396, 6);
  });

  test('who listens is told each time, with the vCPU', () => {
    const guest = guestWith({ vcpus: [half(0), half(1)], ring: true });
    guest.setLimited(true);
    const told: number[] = [];
    guest.onRingFull = (vcpu) => told.push(vcpu);
    guest.advance(2_000);
    expect(told.sort()).toEqual([0, 0, 1, 1]);
  });
});

describe('kicks', () => {
  const sleeping = (): Guest => {
    const guest = guestWith({ vcpus: [half(0), half(1)], ring: true });
    guest.setLimited(true);
    guest.vcpus[0]!.ringSleepUs = 500_000;
    guest.advance(10_000);
    return guest;
  };

  test('a vCPU in a ring-full sleep answers when the sleep is over', () => {
    const guest = sleeping();
    expect(guest.answersAtUs(0, 10_000)).toBe(SOFT_LIMIT + 500_000);
    expect(guest.answersAtUs(1, 10_000)).toBe(10_000);
    expect(guest.residualRingSleepUs(10_000)).toBe(SOFT_LIMIT + 500_000 - 10_000);
  });

  test('a vCPU in a throttle sleep too, but a throttle sleep is none that holds up a stop', () => {
    const guest = guestWith({ vcpus: [busyWriter] });
    guest.throttleAll(99, 0);
    guest.advance(10_000);
    expect(guest.answersAtUs(0, 10_000)).toBeCloseTo(990_000, 3);
    expect(guest.residualRingSleepUs(10_000)).toBe(0);
  });

  test('an interruptible sleep ends with the kick, and only what was slept counts', () => {
    const guest = sleeping();
    guest.interruptRingSleeps(10_000);
    expect(guest.answersAtUs(0, 10_000)).toBe(10_000);
    expect(guest.residualRingSleepUs(10_000)).toBe(0);
    expect(guest.vcpus[0]!.ringSleptUs).toBe(10_000 - SOFT_LIMIT);
  });
});

describe('stopping', () => {
  test('nobody runs from the stop to the resumption, and the stop counts as a stall', () => {
    const guest = guestWith({ vcpus: [busyWriter] });
    guest.stop(5_000);
    guest.advance(50_000);
    expect(guest.vcpus[0]!.writes).toBe(5_000);
    guest.resume(85_000);
    expect(guest.vcpus[0]!.longestStallUs).toBe(80_000);
    guest.advance(86_000);
    expect(guest.vcpus[0]!.writes).toBe(6_000);
  });
});

describe('phases', () => {
  const phased = (phasePeriodUs: number): VcpuSpec => ({
    ...vcpuWith([
      { firstPage: 0, pages: 1000, pattern: 'uniform', writesPerSecond: 1e6, readsPerSecond: 2e6 },
    ]),
    phases: [
      { atUs: 0, writeFactor: 1, readFactor: 1 },
      { atUs: 10_000, writeFactor: 0.5, readFactor: 0 },
    ],
    phasePeriodUs,
  });

  // 10 ms at 1 write a us, then 5 ms at half of that.
  test('multiply the rates from their instant on', () => {
    const guest = guestWith({ vcpus: [phased(0)] });
    guest.advance(15_000);
    expect(guest.vcpus[0]!.writes).toBe(12_500);
    expect(guest.vcpus[0]!.reads).toBeCloseTo(20_000, 3);
  });

  // A period of 15 ms makes 12,500 writes; the next one begins with the first phase again.
  test('begin again after their period', () => {
    const guest = guestWith({ vcpus: [phased(15_000)] });
    guest.advance(40_000);
    expect(guest.vcpus[0]!.writes).toBe(12_500 + 12_500 + 10_000);
  });

  property.prop([fc.constantFrom(0, 15_000, 22_222), fc.nat(99_999), fc.nat(99_999)], { seed: 1 })(
    'an undisturbed guest does exactly the work that an unmigrated one is credited with',
    (periodUs, a, b) => {
      const spec = phased(periodUs);
      const guest = guestWith({ vcpus: [spec] });
      guest.advance(a);
      const { writes, reads } = guest.vcpus[0]!;
      const until = max(a, b);
      guest.advance(until);
      const undisturbed = unmigratedAccesses(spec, a, until);
      // A write in the making at either end: at most one more or less.
      expect(abs(guest.vcpus[0]!.writes - writes - undisturbed.writes)).toBeLessThanOrEqual(1);
      expect(guest.vcpus[0]!.reads - reads).toBeCloseTo(undisturbed.reads, 3);
    },
  );

  test('may have begun before the migration', () => {
    const spec: VcpuSpec = { ...phased(0), phases: [{ atUs: -5_000, writeFactor: 3, readFactor: 1 }] };
    expect(unmigratedAccesses(spec, 0, 1_000).writes).toBe(3_000);
  });
});

describe('the host', () => {
  // Work beside the guest takes a share of the core; a paced vCPU has waiting time to give away instead.
  test('slows a busy vCPU by the speed it leaves, and a paced one hardly', () => {
    const busy = guestWith({ vcpus: [busyWriter] });
    const paced = guestWith({ vcpus: [{ ...writer({ pages: 100, writesPerSecond: 1_000 }), busy: 0.1 }] });
    for (const guest of [busy, paced]) {
      guest.speed = 0.75;
      guest.advance(1_000_000);
    }
    expect(busy.vcpus[0]!.writes).toBe(750_000);
    expect(paced.vcpus[0]!.writes).toBe(1_000);
  });

  // 10 ms slices that begin 1 ms late leave 9 ms.
  test('wakes throttled vCPUs late', () => {
    const guest = guestWith({ vcpus: [busyWriter], host: { wakeLatencyUs: 900, vcpuColdUs: 100 } });
    guest.throttleAll(50, 0);
    guest.advance(200_000);
    expect(guest.vcpus[0]!.writes).toBe(90_000);
  });
});

describe('conservation', () => {
  const scenario = fc.record({
    ring: fc.boolean(),
    limited: fc.boolean(),
    percent: fc.constantFrom(0, 0, 20, 70, 99),
    sleepUs: fc.constantFrom(0, 3_000, 40_000),
    faultNs: fc.constantFrom(0, 700),
    exitUs: fc.constantFrom(0, 80),
    pattern: fc.constantFrom('uniform' as const, 'sequential' as const),
    steps: fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 12 }),
  });

  /**
   * Every us of a vCPU is spent once: it makes progress (n writes at r a second take n/r), pays for noticed writes, is
   * throttled, sleeps at a full ring or is in the exit. What may be left over is the end: a write of 5 us in the making,
   * a fault that is not paid for yet, and a sleep or an exit that is not over yet and was counted whole.
   */
  property.prop([scenario], { seed: 1, numRuns: 150 })('of the time of every vCPU', (given) => {
    const { ring, limited, percent, sleepUs, faultNs, exitUs, pattern, steps } = given;
    const rate = 200_000;
    const specs = [0, 1].map((i) =>
      writer({ firstPage: i * 32 * MIB, pages: 4_000, writesPerSecond: rate, pattern }),
    );
    const guest = guestWith({ vcpus: specs, ring, host: { writeFaultNs: faultNs, ringExitUs: exitUs } });
    guest.setLimited(limited);
    for (const vcpu of guest.vcpus) vcpu.ringSleepUs = sleepUs;
    if (percent > 0) guest.throttleAll(percent, 0);
    let now = 0;
    for (const step of steps) guest.advance((now += step));
    for (const v of guest.vcpus) {
      const unfinished = max(0, v.sleepUntilUs - now);
      const spent =
        (v.writes / rate) * 1e6 + v.faultUs + v.throttledUs + v.ringSleptUs + v.ringExitUs - unfinished;
      expect(abs(spent - now)).toBeLessThanOrEqual(5 + faultNs / 1000 + 0.001);
    }
  });

  // Without rings nobody's run depends on when anybody looks.
  property.prop(
    [
      fc.constantFrom(0, 50, 95),
      fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 10 }),
    ],
    {
      seed: 1,
    },
  )('one advance and many come to the same', (percent, steps) => {
    const build = (): Guest => {
      const guest = guestWith({ vcpus: [half(0), half(1)] });
      guest.throttleAll(percent, 0);
      return guest;
    };
    const [once, often] = [build(), build()];
    let now = 0;
    for (const step of steps) often.advance((now += step));
    once.advance(now);
    for (let i = 0; i < 2; i += 1) {
      expect(abs(once.vcpus[i]!.writes - often.vcpus[i]!.writes)).toBeLessThanOrEqual(1);
      expect(once.vcpus[i]!.throttledUs).toBeCloseTo(often.vcpus[i]!.throttledUs, 3);
    }
  });
});

describe('rings that everybody empties, in the fluid memory', () => {
  // How they fill is worked out from all rates: once for each border between phases, however many vCPUs have them.
  test.each([1, 64])('%i vCPUs pass each border between phases together', (count) => {
    const phases = [
      { atUs: 0, writeFactor: 1, readFactor: 1 },
      { atUs: 30_000, writeFactor: 0.5, readFactor: 1 },
    ];
    const phased = { ...writer({ pages: MIB, writesPerSecond: 1e5 }), phases, phasePeriodUs: 50_000 };
    const spec: GuestSpec = {
      ramPages: 64 * MIB,
      hiddenPages: 0,
      zeroExtents: [],
      dirtyRingSize: RING,
      hostPagePages: 1,
      vcpus: Array.from({ length: count }, () => phased),
    };
    const memory = new FluidMemory(spec, freeHost, 'ring', 18, 1, 1);
    memory.startLogging();
    const changes: number[] = [];
    const run = memory.run.bind(memory);
    memory.run = (vcpu, budgetUs, writeFactor, readFactor) => {
      if (changes.at(-1) !== writeFactor) changes.push(writeFactor);
      run(vcpu, budgetUs, writeFactor, readFactor);
    };
    const guest = new Guest(spec, freeHost, memory, 0);
    guest.advance(490_000);
    // Ten periods of two phases; the last is under way.
    expect(changes).toEqual(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 1 : 0.5)));
    for (const { writes } of guest.vcpus) expect(writes).toBeCloseTo(guest.vcpus[0]!.writes, 6);
  });
});
