/**
 * Groups that use one working set, and a process that forks. A fork moves all later writes to other pages, one for one: as
 * many pages become dirty as without it, but elsewhere, so that what was dirty and not sent yet stays dirty too.
 */
import { describe, expect, test } from '@jest/globals';
import { LINKS, compare, scenario } from '../../bench/agreement.mjs';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import type { GuestMemory, Tracking } from '../../src/guest/memory/memory.js';
import { PageMemory } from '../../src/guest/memory/page/page-memory.js';
import type { AccessClass, GuestSpec, VcpuSpec } from '../../src/guest/spec.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { MIB, freeHost, migrate, setupOf, vcpuWith, writer } from '../migration/setups.js';
import type { StrategyName } from '../../src/strategies/index.js';

const { exp } = Math;
const PAGES = 1000;
const KINDS = [
  ['page', 'bitmap'],
  ['page', 'bitmap-manual'],
  ['page', 'ring'],
  ['fluid', 'bitmap'],
  ['fluid', 'bitmap-manual'],
  ['fluid', 'ring'],
] as const;

function memoryOf(kind: 'page' | 'fluid', tracking: Tracking, vcpus: readonly VcpuSpec[]): GuestMemory {
  const guest: GuestSpec = {
    ramPages: 4 * PAGES,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: tracking === 'ring' ? 65_536 : 0,
    hostPagePages: 1,
    vcpus,
  };
  const Memory = kind === 'page' ? PageMemory : FluidMemory;
  const memory = new Memory(guest, freeHost, tracking, 18, 1, 1);
  memory.startLogging();
  memory.harvest();
  return memory;
}

function sendAll(memory: GuestMemory): void {
  for (;;) {
    const run = memory.nextRun();
    if (run > 0) memory.take(run);
    else if (memory.clearNeeded) memory.clearChunk(0);
    else return;
  }
}

function newlyDirty(memory: GuestMemory, us: number): number {
  memory.run(0, us, 1, 1);
  memory.reap(0);
  return memory.harvest();
}

describe.each(KINDS)('a fork in the %s memory, %s', (kind, tracking) => {
  const forks = (pattern: AccessClass['pattern']): VcpuSpec =>
    vcpuWith([
      {
        firstPage: 0,
        pages: PAGES,
        pattern,
        writesPerSecond: 1e6,
        readsPerSecond: 0,
        copyFirstPage: 2 * PAGES,
      },
    ]);

  test('after it as many pages become dirty again, and each is another one', () => {
    const memory = memoryOf(kind, tracking, [forks('uniform')]);
    sendAll(memory);
    // A write a page on average: 1 - 1/e of them.
    const before = newlyDirty(memory, PAGES);
    expect(before / PAGES).toBeCloseTo(1 - exp(-1), 1);
    memory.fork(0);
    const after = newlyDirty(memory, PAGES);
    expect(after / PAGES).toBeCloseTo(1 - exp(-1), 1);
    // None that was dirty was met: the dirty set is the sum of both.
    expect(memory.dirtyPages()).toBeCloseTo(before + after, 6);
  });

  test('without it the same writes meet what is dirty: 1 - 1/e^2 of the pages in all', () => {
    const memory = memoryOf(kind, tracking, [forks('uniform')]);
    sendAll(memory);
    newlyDirty(memory, PAGES);
    newlyDirty(memory, PAGES);
    expect(memory.dirtyPages() / PAGES).toBeCloseTo(1 - exp(-2), 1);
  });

  test('the next fork turns back to the first pages', () => {
    const memory = memoryOf(kind, tracking, [forks('uniform')]);
    sendAll(memory);
    const before = newlyDirty(memory, 20 * PAGES);
    memory.fork(0);
    memory.fork(0);
    expect(newlyDirty(memory, 20 * PAGES) + before).toBeCloseTo(PAGES, 0);
  });

  test('a sequential writer goes on where it stood, in the copy', () => {
    const memory = memoryOf(kind, tracking, [forks('sequential')]);
    sendAll(memory);
    expect(newlyDirty(memory, 300)).toBeCloseTo(300, 6);
    memory.fork(0);
    expect(newlyDirty(memory, 700)).toBeCloseTo(700, 6);
    expect(memory.dirtyPages()).toBeCloseTo(1000, 6);
    // It has come around in the copy, of which 300 pages were not written.
    expect(newlyDirty(memory, 1000)).toBeCloseTo(300, 6);
  });
});

describe('a migration with forks', () => {
  const forking = (atUs: number, everyUs = 0): VcpuSpec => ({
    ...writer({ pages: 32 * MIB, writesPerSecond: 40_000 }),
    classes: [
      {
        firstPage: 0,
        pages: 32 * MIB,
        pattern: 'uniform',
        writesPerSecond: 40_000,
        readsPerSecond: 0,
        copyFirstPage: 32 * MIB,
      },
    ],
    fork: { atUs, everyUs },
  });
  const run = (memory: 'page' | 'fluid', vcpu: VcpuSpec, dirtyRingSize = 0) =>
    migrate(
      setupOf({
        memory,
        guest: { ramPages: 96 * MIB, vcpus: [vcpu], dirtyRingSize },
        link: { bandwidthBytesPerSecond: 2e8 },
        migration: { downtimeLimitMs: 30, giveUpAfterUs: 6e6 },
      }),
    );

  test.each(['page', 'fluid'] as const)('a fork after the end changes nothing: %s memory', (memory) => {
    const { decisions: _a, ...late } = run(memory, forking(1e9));
    const { classes, ...plain } = forking(0);
    const { fork: _f, ...rest } = plain;
    const without = classes.map(({ copyFirstPage: _c, ...c }) => c);
    const { decisions: _b, ...never } = run(memory, { ...rest, classes: without });
    expect(late.sentBytes).toBeCloseTo(never.sentBytes, -3);
    expect(late.dirtySyncCount).toBe(never.dirtySyncCount);
  });

  test.each([
    ['one fork, bitmap', forking(1e6), 0],
    ['a fork a second, bitmap', forking(5e5, 1e6), 0],
    ['one fork, ring', forking(1e6), 4096],
    ['a fork a second, ring', forking(5e5, 1e6), 4096],
  ])('both memories agree: %s', (_, vcpu, ring) => {
    const page = run('page', vcpu, ring);
    const fluid = run('fluid', vcpu, ring);
    expect(fluid.status).toBe(page.status);
    expect(Math.abs(fluid.sentBytes / page.sentBytes - 1)).toBeLessThan(0.02);
    expect(Math.abs(fluid.dirtySyncCount / page.dirtySyncCount - 1)).toBeLessThan(0.03);
  });
});

describe('groups on one set agree between the memories', () => {
  const simulate = (setup: MigrationSetup, strategy: StrategyName, options: Record<string, unknown>) =>
    migrate({ ...setup, host: bareMetal }, strategy, options);

  /** A second vCPU writes all of what the first divides into hot and cold pages: in parts of the same borders. */
  test('one that divides it, and one that does not', () => {
    const one = scenario('none, bitmap', 'hot-cold', '1 writer', LINKS[0], 16);
    const [first, ...rest] = one.setup.guest.vcpus as VcpuSpec[];
    const pages = first!.classes.reduce((sum, c) => sum + c.pages, 0);
    const second = {
      ...first!,
      group: 'second',
      classes: first!.classes.map((c) => ({ ...c, writesPerSecond: (10_000 * c.pages) / pages })),
    };
    const shared = {
      ...one,
      setup: { ...one.setup, guest: { ...one.setup.guest, vcpus: [first, second, ...rest] } },
    };
    expect(compare(shared, simulate, 7)).toMatchObject({
      verdict: { agrees: true },
      time: { agrees: true },
      sent: { agrees: true },
      syncs: { agrees: true },
    });
  });
});
