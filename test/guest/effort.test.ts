/** What a run may cost: every kind of work is counted where it is done, and none goes on for ever. */
import { describe, expect, test } from '@jest/globals';
import { Effort, TooMuchWork, mostRecords } from '../../src/guest/effort.js';
import { Guest } from '../../src/guest/guest.js';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import { PageMemory } from '../../src/guest/memory/page/page-memory.js';
import type { GuestSpec, VcpuSpec } from '../../src/guest/spec.js';
import { Clock } from '../../src/migration/parts/clock.js';
import { stream } from '../../src/random/streams.js';
import { MIB, freeHost, migrate, setupOf, writer } from '../migration/setups.js';

const MEMORIES = { page: PageMemory, fluid: FluidMemory };
const FEW = 1e7;

function guestOf(memory: keyof typeof MEMORIES, vcpus: readonly VcpuSpec[], dirtyRingSize = 0): Guest {
  const { guest } = setupOf({ guest: { vcpus, dirtyRingSize } });
  const spec: GuestSpec = guest;
  const effort = new Effort(FEW);
  const tracking = dirtyRingSize > 0 ? 'ring' : 'bitmap';
  const made = new MEMORIES[memory](spec, freeHost, tracking, 18, 1, 1, effort);
  made.startLogging();
  return new Guest(spec, freeHost, made, 0, 1, 1, effort);
}

const YEAR_US = 365 * 86_400e6;

describe.each(['page', 'fluid'] as const)('%s memory', (memory) => {
  const phases = [
    { atUs: 0, writeFactor: 1, readFactor: 1 },
    { atUs: 500, writeFactor: 0, readFactor: 1 },
  ];
  test('a year of short phases', () => {
    const vcpu = { ...writer({ pages: 1, writesPerSecond: 1 }), phases, phasePeriodUs: 1000 };
    expect(() => guestOf(memory, [vcpu]).advance(YEAR_US)).toThrow('stretches');
  });

  test('a year of a throttled guest that is looked at again and again', () => {
    const guest = guestOf(memory, [writer({ pages: 1, writesPerSecond: 1 })]);
    const year = (): void => {
      for (let us = 1000; us < YEAR_US; us += 1000) guest.advance(us);
    };
    expect(year).toThrow(TooMuchWork);
  });

  test('a year in which a ring gets full', () => {
    const guest = guestOf(memory, [writer({ pages: 8 * MIB, writesPerSecond: 1e9 })], 256);
    guest.setLimited(true);
    expect(() => guest.advance(YEAR_US)).toThrow(TooMuchWork);
  });

  test('a year of post-copy', () => {
    const guest = guestOf(memory, [writer({ pages: 8 * MIB, writesPerSecond: 1e9 })]);
    const year = (): void => {
      for (let us = 500; us < YEAR_US; us += 500) guest.advanceRemote(us, 1000);
    };
    expect(year).toThrow(TooMuchWork);
  });

  test('bitmaps and segments that are gone through for ever', () => {
    const { memory: made } = guestOf(memory, [writer({ pages: 8 * MIB, writesPerSecond: 1 })]);
    const syncs = (): void => {
      for (let n = 0; n < FEW; n += 1) made.harvest();
    };
    expect(syncs).toThrow('words of bitmaps');
  });
});

test('every write that is drawn, tracked or not', () => {
  const guest = guestOf('page', [writer({ pages: 1000, writesPerSecond: 1e9 })]);
  expect(() => guest.advance(1e6)).toThrow('expected the fluid memory');
  guest.memory.stopLogging();
  expect(() => guest.advance(2e6)).toThrow('expected the fluid memory');
});

test('events', () => {
  const clock = new Clock(0, 0, stream(1, 1, 'host latency'), new Effort(FEW));
  clock.every(0.001, () => undefined);
  expect(() => clock.advance(YEAR_US)).toThrow('turns and events');
});

/** 1.5 million decisions are more than half a minute's worth of work; the run is refused at that instant. */
test('a run that keeps more and more is refused, with the time it had come to', () => {
  const setup = setupOf({ link: { bandwidthBytesPerSecond: 1 }, migration: { giveUpAfterUs: 0 } });
  const endless = (): unknown =>
    migrate(setup, 'none', {}, (controls) => {
      controls.every(1, () => controls.explain('test', 'again'));
    });
  expect(endless).toThrow(
    /^too much to simulate: 3\d min \d+ s into the migration 1\.\d million syncs, points of its timeline and decisions/,
  );
});

/**
 * How long a run lasts is not known before, but that it gives up is: a timeline with more points than a run keeps is refused
 * before anything happens. Without an end, points are counted before they are made, however many are due at once.
 */
test.each(['page', 'fluid'] as const)('too many points of a timeline, %s memory', (memory) => {
  const at = (timelineMs: number, giveUpAfterUs: number): unknown => {
    let begun = false;
    const vcpus = [writer({ pages: 10, writesPerSecond: 1 })];
    try {
      const setup = setupOf({ memory, timelineMs, guest: { vcpus }, migration: { giveUpAfterUs } });
      return migrate(setup, 'none', {}, () => (begun = true)).status;
    } catch (error) {
      return [(error as Error).message, begun];
    }
  };
  const most = mostRecords(1);
  for (const seconds of [1, 600, 86_400]) {
    const leastMs = (seconds * 1000) / most;
    for (const tooFew of [leastMs * 0.99, 1e-6, 1e-300])
      expect(at(tooFew, seconds * 1e6)).toEqual([
        expect.stringMatching(
          /^timelineMs: expected 0, or a number of at least [\d.]+, as a run that gives up after/,
        ),
        false,
      ]);
  }
  expect(at((60_000 / most) * 1.01, 60e6)).toBe('completed');
  for (const tiny of [1e-9, 1e-300])
    expect(at(tiny, 0)).toEqual([
      expect.stringMatching(/^too much to simulate: .* points of its timeline/),
      true,
    ]);
});
