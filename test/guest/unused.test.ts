/** Zero pages that lie spread, and free memory that is never sent: both memories, against what must come out. */
import { describe, expect, test } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { BLOCK_PAGES, countInBlock } from '../../src/guest/unused.js';
import { PAGE_BYTES, type ZeroExtent } from '../../src/guest/spec.js';
import { NORMAL_PAGE_BYTES, ZERO_PAGE_BYTES } from '../../src/migration/rules/stream.js';
import { MIB, migrate, setupOf, writer } from '../migration/setups.js';

const { abs, ceil } = Math;
const MEMORIES = ['page', 'fluid'] as const;
const RAM = 512 * MIB;

function spread(zeroPages: number, more: Partial<ZeroExtent> = {}): ZeroExtent[] {
  return [{ firstPage: 0, pages: RAM, zeroPages, ...more }];
}

/** A page takes 10 us and a zero page 1 us on the sending CPU; the link is far from full. */
const host = { sendNsPerPage: 10_000, zeroNsPerPage: 1000 };

describe('the blocks of a spread share', () => {
  property.prop([fc.integer({ min: 1, max: 1 << 20 }), fc.double({ min: 0, max: 1, noNaN: true })], {
    seed: 1,
    numRuns: 100,
  })('count what the whole counts, and none more than its pages', (pages, share) => {
    const extent = { firstPage: 0, pages };
    const count = Math.floor(pages * share);
    let sum = 0;
    for (let block = 0; block < ceil(pages / BLOCK_PAGES); block += 1) {
      const here = countInBlock(extent, count, block);
      expect(here).toBeLessThanOrEqual(Math.min(BLOCK_PAGES, pages - block * BLOCK_PAGES));
      // Even: no block differs from the mean by a whole page or more.
      expect(abs(here - (count * Math.min(BLOCK_PAGES, pages - block * BLOCK_PAGES)) / pages)).toBeLessThan(
        1.001,
      );
      sum += here;
    }
    expect(sum).toBe(count);
  });
});

describe.each(MEMORIES)('spread zero pages in the %s memory', (memory) => {
  test('are sent as such, every one, and the rest whole: the bytes are those of both kinds', () => {
    const zeroPages = 300 * MIB + 17;
    const result = migrate(
      setupOf({ memory, guest: { ramPages: RAM, zeroExtents: spread(zeroPages) }, host }),
    );
    expect(result.zeroPages).toBe(zeroPages);
    expect(result.normalPages).toBe(RAM - zeroPages);
    const bytes = zeroPages * ZERO_PAGE_BYTES + (RAM - zeroPages) * NORMAL_PAGE_BYTES;
    expect(abs(result.sentBytes - bytes) / bytes).toBeLessThan(1e-4);
  });

  test('cost the time that a stretch of as many costs: where they lie is no matter', () => {
    const zeroPages = 300 * MIB;
    const time = (zeroExtents: ZeroExtent[]): number =>
      migrate(setupOf({ memory, guest: { ramPages: RAM, zeroExtents }, host })).totalTimeMs;
    const stretch = time([{ firstPage: RAM - zeroPages, pages: zeroPages }]);
    expect(abs(time(spread(zeroPages)) - stretch) / stretch).toBeLessThan(0.01);
  });

  test('draw no flat stretch: data leaves at one rate through the first pass', () => {
    // Six windows of 100 ms in the middle of a pass of about 1 s; half of the pages are zero.
    const setup = setupOf({
      memory,
      guest: { ramPages: RAM, zeroExtents: spread(RAM / 2) },
      host,
      timelineMs: 100,
    });
    const { timeline } = migrate(setup);
    const steps = timeline.slice(2, 8).map((at, i) => at.sentBytes - timeline[i + 1]!.sentBytes);
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    // An iteration ends after 50 ms, a block takes 5.6 ms: no window differs by more than one of each.
    for (const step of steps) expect(abs(step - mean) / mean).toBeLessThan(0.1);
  });

  test('that multifd sends whole for want of detection are data', () => {
    const stream = {
      kind: 'multifd',
      channels: 2,
      compression: 'none',
      compressionRatio: 1,
      compressionBytesPerSecond: 0,
      zeroPageDetection: 'none',
      xbzrleCacheBytes: 2 ** 26,
      xbzrleEncodedBytes: 0,
      xbzrleOverflowShare: 0,
      xbzrleBytesPerSecond: 0,
      tlsBytesPerSecond: 0,
    } as const;
    const guest = { ramPages: RAM, zeroExtents: spread(RAM / 2) };
    const result = migrate(setupOf({ memory, guest, host, migration: { stream } }));
    expect([result.zeroPages, result.normalPages]).toEqual([0, RAM]);
  });
});

describe.each(MEMORIES)('free page hints in the %s memory', (memory) => {
  const hints = { hintedZeroPages: 200 * MIB, hintedDataPages: 100 * MIB };
  const guest = { ramPages: RAM, zeroExtents: spread(250 * MIB, hints) };

  test('what was reported before a page was sent is never sent, and everything else is', () => {
    // Pages so slow that the first iteration, whose end the report has to wait for, sends 500 at most.
    const slow = { sendNsPerPage: 100_000, zeroNsPerPage: 100_000, freePageHintUsPerGiB: 0 };
    const result = migrate(setupOf({ memory, guest, host: slow }));
    const sent = result.zeroPages + result.normalPages;
    expect(sent).toBeGreaterThanOrEqual(RAM - 300 * MIB);
    expect(sent).toBeLessThanOrEqual(RAM - 300 * MIB + 600);
    expect(abs(result.zeroPages - 50 * MIB)).toBeLessThanOrEqual(600);
  });

  test('a report that comes late finds part of the pages sent', () => {
    const sent = (us: number): number => {
      const result = migrate(setupOf({ memory, guest, host: { ...host, freePageHintUsPerGiB: us } }));
      return result.zeroPages + result.normalPages;
    };
    expect(sent(0)).toBeLessThan(sent(1e6));
    // In 1 s for the 300 MiB at 3.41 s a GiB the whole pass (0.5 s of CPU for data, 0.06 s for zero pages) is over.
    expect(sent(1e7)).toBe(RAM);
  });

  test('never take what a vCPU writes: it arrives whole, again and again', () => {
    const vcpus = [writer({ firstPage: RAM, pages: 16 * MIB, writesPerSecond: 50_000 })];
    const withWriter = { ramPages: RAM + 16 * MIB, zeroExtents: guest.zeroExtents, vcpus };
    const result = migrate(
      setupOf({ memory, guest: withWriter, host: { ...host, freePageHintUsPerGiB: 0 } }),
    );
    expect(result.status).toBe('completed');
    expect(result.normalPages).toBeGreaterThanOrEqual(RAM - 350 * MIB + 16 * MIB - 1);
  });
});

describe('both memories agree', () => {
  test.each([
    ['spread zero pages under a bandwidth limit', {}, 60_000_000],
    [
      'free page hints beside a writer',
      { hintedZeroPages: 200 * MIB, hintedDataPages: 100 * MIB },
      60_000_000,
    ],
  ])('%s', (_, hints, maxBandwidth) => {
    const outcome = (memory: 'page' | 'fluid') => {
      const guest = {
        ramPages: RAM + 32 * MIB,
        zeroExtents: spread(250 * MIB, hints),
        vcpus: [writer({ firstPage: RAM, pages: 32 * MIB, writesPerSecond: 4000 })],
      };
      return migrate(setupOf({ memory, guest, host, migration: { maxBandwidth } }));
    };
    const page = outcome('page');
    const fluid = outcome('fluid');
    expect(fluid.status).toBe(page.status);
    expect(abs(fluid.totalTimeMs - page.totalTimeMs) / page.totalTimeMs).toBeLessThan(0.02);
    expect(abs(fluid.sentBytes - page.sentBytes) / page.sentBytes).toBeLessThan(0.02);
    expect(page.sentBytes).toBeGreaterThan(100 * MIB * PAGE_BYTES);
  });
});
