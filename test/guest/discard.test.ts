/**
 * What post-copy discards (ram.c:postcopy_chunk_hostpages_pass, postcopy_send_discard_bm_ram): of huge host pages those that
 * are dirty in part become dirty whole, and each run of dirty pages is one range.
 */
import { describe, expect, test } from '@jest/globals';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import { PageMemory } from '../../src/guest/memory/page/page-memory.js';
import type { GuestMemory } from '../../src/guest/memory/memory.js';
import type { GuestSpec } from '../../src/guest/spec.js';
import { MIB, freeHost, setupOf, writer } from '../migration/setups.js';

const HUGE = 512;

function unsent(kind: 'page' | 'fluid', guest: Partial<GuestSpec>): GuestMemory {
  const Memory = kind === 'page' ? PageMemory : FluidMemory;
  const memory = new Memory(setupOf({ guest }).guest, freeHost, 'bitmap', 18, 1, 1);
  memory.startLogging();
  return memory;
}

/** All was sent once; then `writes` writes dirtied what they dirtied. */
function written(kind: 'page' | 'fluid', guest: Partial<GuestSpec>, writes: number): GuestMemory {
  const memory = unsent(kind, guest);
  for (let run = memory.nextRun(); run > 0; run = memory.nextRun()) memory.take(run);
  if (writes > 0) memory.run(0, writes, 1, 1);
  memory.harvest();
  return memory;
}

/** One write a µs. */
const uniform = (pages: number, firstPage = 0): Partial<GuestSpec> => ({
  ramPages: 1024 * MIB,
  hostPagePages: HUGE,
  vcpus: [writer({ pages, firstPage, writesPerSecond: 1e6 })],
});

/** The dirty pages as runs, in the order in which they are sent. */
function sendAll(memory: GuestMemory): number[] {
  const runs: number[] = [];
  for (let run = memory.nextRun(); run > 0; run = memory.nextRun()) {
    runs.push(run);
    memory.take(run);
  }
  return runs;
}

describe.each(['page', 'fluid'] as const)('%s memory', (kind) => {
  test('nothing dirty, nothing discarded', () => {
    const memory = written(kind, uniform(900 * MIB), 0);
    expect(memory.discardDirty()).toBe(0);
    expect(memory.dirtyPages()).toBe(0);
  });

  // The last page of a set that begins and ends inside a host page makes that host page dirty, RAM that nobody writes too.
  test('a set that is dirty whole grows to the host pages that it lies in', () => {
    const memory = written(kind, uniform(2 * HUGE, HUGE + 100), 1e6);
    expect(memory.dirtyPages()).toBeCloseTo(2 * HUGE, 6);
    expect(memory.discardDirty()).toBeCloseTo(1, 6);
    expect(memory.dirtyPages()).toBeCloseTo(3 * HUGE, 6);
    expect(sendAll(memory).reduce((sum, run) => sum + run, 0)).toBeCloseTo(3 * HUGE, 6);
    expect(memory.dirtyPages()).toBeCloseTo(0, 6);
  });

  // ROMs and video memory behind RAM lie on pages of 4 KiB.
  test('hidden pages are not rounded up, and pages of 4 KiB are not either', () => {
    const memory = unsent(kind, { ...uniform(10 * MIB), hiddenPages: 100 });
    expect(memory.discardDirty()).toBeCloseTo(1, 6);
    expect(memory.dirtyPages()).toBeCloseTo(1024 * MIB + 100, 6);
    const small = written(kind, { ...uniform(10 * MIB), hostPagePages: 1 }, 500);
    const dirty = small.dirtyPages();
    small.discardDirty();
    expect(small.dirtyPages()).toBeCloseTo(dirty, 6);
  });

  /**
   * n writes to W pages leave a page clean with e^(-n/W), so a host page of 512 with e^(-512 n/W). Each goes whole. Of the
   * 450 host pages those whose neighbour before is clean begin a range: p + 449 p (1 - p).
   */
  test('few writes anywhere touch many host pages', () => {
    const writes = 400;
    const memory = written(kind, uniform(900 * MIB), writes);
    const touched = 1 - Math.exp(-writes / 450);
    const ranges = memory.discardDirty();
    // A standard deviation of the page memory is sqrt(450 p q) = 10.4 host pages; of the ranges about 8.
    expect(Math.abs(memory.dirtyPages() / HUGE - 450 * touched)).toBeLessThan(kind === 'page' ? 25 : 0.5);
    expect(Math.abs(ranges - (touched + 449 * touched * (1 - touched)))).toBeLessThan(
      kind === 'page' ? 20 : 0.5,
    );
  });

  // The cursor stood behind the last page sent.
  test('the scan begins at the first page', () => {
    const memory = written(kind, { ...uniform(1024 * MIB), hostPagePages: 1 }, 2e6);
    memory.take(Math.floor(memory.nextRun() / 2));
    memory.harvest();
    memory.discardDirty();
    const { rounds } = memory;
    // Of the last tenth the fluid memory's cursor goes round with the last page that it takes.
    const left = 0.1 * memory.dirtyPages();
    while (memory.dirtyPages() > left) {
      const run = memory.nextRun();
      memory.take(Math.min(run, Math.ceil(0.05 * memory.dirtyPages())));
    }
    expect(memory.rounds).toBe(rounds);
  });
});

test('a host page that is dirty by one page is there whole after it was asked for', () => {
  for (const kind of ['page', 'fluid'] as const) {
    const memory = written(kind, uniform(900 * MIB), 1);
    memory.discardDirty();
    for (let i = 0; i < 1000 && memory.dirtyPages() > 0.5; i += 1) memory.runRemote(0, 1e4, 1, 1, 10);
    // One request at most for what one host page holds, wherever it was touched.
    expect([kind, memory.dirtyPages() < 0.5]).toEqual([kind, true]);
  }
});

/** A reader that goes through memory page after page asks once for each host page that is missing. */
test.each(['page', 'fluid'] as const)(
  '%s memory: a sequential reader asks for every host page once',
  (kind) => {
    for (const [hostPagePages, requests] of [
      [1, 2 * HUGE],
      [HUGE, 2],
    ] as const) {
      const vcpus = [writer({ pages: 2 * HUGE, writesPerSecond: 1e6, pattern: 'sequential' })];
      const memory = written(kind, { ramPages: 4 * MIB, hostPagePages, vcpus }, 0);
      memory.startLogging();
      memory.stopLogging();
      memory.discardDirty();
      let asked = 0;
      // A pass takes 1.024 ms, and each request blocks for 1 µs.
      for (let i = 0; i < 30; i += 1) {
        memory.runRemote(0, 100, 1, 1, 1);
        asked += memory.outcome.requests;
      }
      expect(Math.abs(asked - requests)).toBeLessThanOrEqual(kind === 'page' ? 0 : 1);
    }
  },
);
