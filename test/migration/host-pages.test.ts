/**
 * Memory on huge host pages (hugetlbfs). ram.c:ram_find_and_save_block sends all dirty pages of a host page in one go, and
 * ram_save_iterate counts such goes: it looks at the clock after the first and then after each 64th. Whether to sync and
 * whether to complete is asked between iterations only, so huge pages move the ends of passes.
 */
import { describe, expect, test } from '@jest/globals';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import { PageMemory } from '../../src/guest/memory/page/page-memory.js';
import type { GuestSpec } from '../../src/guest/spec.js';
import type { Controls } from '../../src/migration/controls.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { StrategyName } from '../../src/strategies/index.js';
import { MIB, type SetupFields, freeHost, migrate, setupOf, writer } from './setups.js';

const HUGE = 512;
const HUGE_BYTES = 2 * 2 ** 20;
/** A host page of 2 MiB takes 21 ms: less than MAX_WAIT. */
const LINK = 1e8;

function run(
  hostPagePages: number,
  setMib: number,
  fields: SetupFields = {},
  strategy: StrategyName = 'none',
  watch?: (controls: Controls) => void,
): MigrationResult {
  return migrate(
    setupOf({
      link: { bandwidthBytesPerSecond: LINK },
      ...fields,
      guest: {
        ramPages: setMib * MIB,
        hostPagePages,
        vcpus: [writer({ pages: setMib * MIB, writesPerSecond: 1e6, pattern: 'sequential' })],
        ...fields.guest,
      },
      migration: { giveUpAfterUs: 30e6, ...fields.migration },
    }),
    strategy,
    {},
    watch,
  );
}

function leftAtSyncs({ syncs }: MigrationResult): number[] {
  return syncs.filter(({ cause }) => cause === 'natural').map((sync) => sync.remainingBeforeBytes);
}

describe('where a pass ends', () => {
  /**
   * 100 MiB are 50 host pages: after the first the clock says 21 ms, and it is not asked again before the 65th. So each
   * pass sends all it has, and the sync finds nothing left. With pages of 4 KiB the clock ends an iteration after 51 ms, at
   * the next multiple of 64 pages, and the sync comes with the first of them below 100 MB/s · 300 ms.
   */
  test('up to 65 host pages are one iteration: nothing is left at the sync', () => {
    const huge = leftAtSyncs(run(HUGE, 100));
    expect(huge.length).toBeGreaterThan(5);
    for (const bytes of huge) expect(bytes).toBe(0);
    const small = leftAtSyncs(run(1, 100));
    expect(small.length).toBeGreaterThan(5);
    for (const bytes of small) {
      expect(bytes).toBeLessThan(0.3 * LINK);
      expect(bytes).toBeGreaterThan(0.24 * LINK);
    }
  });

  /**
   * 270 MiB are 135 host pages, all dirty: two iterations of 65 take 130, and the 5 left are 10.5 MB, below the threshold of
   * 30 MB: the sync comes then.
   */
  test('above that an iteration ends at the 65th', () => {
    expect(leftAtSyncs(run(HUGE, 270))[0]).toBe(5 * HUGE_BYTES);
  });

  /** One host page of 1 GiB takes 10.7 s, so the first look at the clock ends the iteration, whatever the threshold. */
  test('with 1 GiB pages an iteration is one of them', () => {
    const result = run(262_144, 2048, {
      guest: { vcpus: [] },
      migration: { downtimeLimitMs: 11_000, giveUpAfterUs: 60e6 },
    });
    // The limit allows 1.1 GB: more than the second host page, less than any earlier state.
    expect(leftAtSyncs(result)).toEqual([2 ** 30]);
  });

  /**
   * Under a dirty limit of QEMU 8.1 each sync ends the sleep of a writer at 800 MB/s: within 20 ms it fills its ring of
   * 4096 - 64 entries, 16.5 MB, and sleeps on. The threshold of 30 MB admits these alone. With pages of 4 KiB 24 MB or more
   * of the pass before stand beside them, every time.
   */
  test('what is dirtied within a pass may be as much as the threshold, not as much as one iteration sends', () => {
    const burst = (hostPagePages: number): MigrationResult =>
      run(
        hostPagePages,
        128,
        {
          guest: {
            dirtyRingSize: 4096,
            vcpus: [writer({ pages: 128 * MIB, writesPerSecond: 200_000, pattern: 'sequential' })],
          },
          migration: { qemu: '8.1' },
        },
        'dirty-limit',
      );
    expect(burst(HUGE).converged).toBe(true);
    expect(burst(1).converged).toBe(false);
  });
});

describe('windows inside an iteration', () => {
  /**
   * migration_rate_limit is called after each page: the limit holds inside a host page too. 512 MiB of pages at 20 MB/s
   * need 26.9 s however they are grouped, over a link of 1 GB/s.
   */
  test('max-bandwidth holds', () => {
    const limited = (hostPagePages: number): number =>
      run(hostPagePages, 512, {
        guest: { vcpus: [] },
        link: { bandwidthBytesPerSecond: 1e9 },
        migration: { maxBandwidth: 2e7, giveUpAfterUs: 60e6 },
      }).totalTimeMs;
    // What counts is flushed 32 pages at once: up to 131 kB beyond the 2 MB of a window. The last 300 ms go out at once.
    const ms = (1000 * (512 * MIB * 4104)) / 2e7;
    expect(limited(HUGE)).toBeGreaterThan(ms / 1.066 - 300);
    expect(limited(HUGE)).toBeLessThan(ms);
    expect(Math.abs(limited(HUGE) - limited(1))).toBeLessThan(200);
  });

  /**
   * A host page of 1 GiB at 10 MB/s is one iteration of 107 s. migrate_cancel shuts the socket down, and the error ends it; a `stop`
   * is another thread's business altogether.
   */
  test('a cancel and a stop do not wait for its end', () => {
    const slow: SetupFields = { migration: { maxBandwidth: 1e7, giveUpAfterUs: 5e6 } };
    expect(run(262_144, 1024, slow).totalTimeMs).toBeLessThan(5300);
    // A million writes a second, for 2 s and the window under way then.
    const paused = run(262_144, 1024, slow, 'none', (controls) =>
      controls.after(2000, () => controls.pause()),
    );
    expect(paused.vcpus[0]!.writes).toBeGreaterThan(2e6);
    expect(paused.vcpus[0]!.writes).toBeLessThan(2.2e6);
  });

  /** Windows of 100 ms close on the way, so a threshold is known at the end of a first iteration of 1.4 s. */
  test('a first pass of one iteration has a threshold', () => {
    const [first] = run(HUGE, 100).syncs.filter(({ cause }) => cause === 'natural');
    expect(first!.thresholdBytes).toBeGreaterThan(0.29 * LINK);
    expect(first!.thresholdBytes).toBeLessThan(0.31 * LINK);
  });
});

describe('the two memories', () => {
  test.each([
    ['sequential', 0],
    ['sequential', 1024],
    ['uniform', 0],
  ] as const)('%s writes, ring of %i: the same total time', (pattern, dirtyRingSize) => {
    const [page, fluid] = (['page', 'fluid'] as const).map((memory) =>
      run(HUGE, 256, {
        memory,
        guest: {
          dirtyRingSize,
          vcpus: [writer({ pages: 256 * MIB, writesPerSecond: 6000, pattern })],
        },
      }),
    );
    expect(page!.converged).toBe(true);
    expect(fluid!.converged).toBe(true);
    expect(Math.abs(page!.totalTimeMs / fluid!.totalTimeMs - 1)).toBeLessThan(0.03);
  });

  const guest: GuestSpec = {
    ramPages: 64 * HUGE,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: 0,
    hostPagePages: HUGE,
    vcpus: [writer({ pages: 64 * HUGE, writesPerSecond: 1e6 })],
  };

  /** All dirty host pages of one round of the cursor. */
  function hostPagesOfRound(memory: PageMemory | FluidMemory): number {
    let hostPages = 0;
    for (let pages = memory.nextRun(); pages > 0; pages = memory.nextRun()) {
      hostPages += memory.runHostPages();
      memory.take(pages);
    }
    return hostPages;
  }

  /** 32 writes hit 64 host pages at random: a host page stays clean with (63/64)^32, so that 25.3 ± 2.5 are dirty. */
  test('host pages of a round: counted in one, expected in the other', () => {
    const memories = [
      new PageMemory(guest, freeHost, 'bitmap', 18, 1, 1),
      new FluidMemory(guest, freeHost, 'bitmap', 18, 1, 1),
    ];
    const [counted, expected] = memories.map((memory) => {
      memory.startLogging();
      memory.harvest();
      expect(hostPagesOfRound(memory)).toBeCloseTo(64, 6);
      memory.run(0, 32, 1, 1);
      memory.harvest();
      return hostPagesOfRound(memory);
    });
    expect(expected).toBeCloseTo(64 * (1 - (63 / 64) ** 32), 0);
    expect(Math.abs(counted! - expected!)).toBeLessThan(4 * 2.5);
    expect(Number.isInteger(counted)).toBe(true);
  });

  test('a host page that is zero in part is one host page in two runs', () => {
    const half = { firstPage: 0, pages: HUGE / 2 };
    const memory = new PageMemory({ ...guest, zeroExtents: [half] }, freeHost, 'bitmap', 18, 1, 1);
    memory.startLogging();
    memory.harvest();
    expect([memory.nextRun(), memory.runZeroShare, memory.runHostPages()]).toEqual([HUGE / 2, 1, 0]);
    memory.take(HUGE / 2);
    expect([memory.nextRun(), memory.runZeroShare, memory.runHostPages()]).toEqual([HUGE / 2, 0, 1]);
  });
});
