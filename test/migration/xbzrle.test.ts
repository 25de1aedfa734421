/** XBZRLE: the cache by QEMU's rules step by step, the last stage, the counters, and the agreement of the two memories. */
import { describe, expect, test } from '@jest/globals';
import { PLAIN_STREAM } from '../../src/migration/rules/stream.js';
import { XbzrleCache, cacheSlots } from '../../src/migration/rules/xbzrle.js';
import type { StreamSpec } from '../../src/migration/setup.js';
import { GIB, MIB, NORMAL_RECORD, migrate, setupOf, writer } from './setups.js';

const xbzrle = (fields: Partial<StreamSpec> = {}): StreamSpec => ({
  ...PLAIN_STREAM,
  kind: 'xbzrle',
  xbzrleCacheBytes: 2 ** 30,
  xbzrleEncodedBytes: 512,
  ...fields,
});

describe('the cache', () => {
  test('keeps a page until another one comes two syncs after it was last found', () => {
    const cache = new XbzrleCache(1);
    expect(cache.find(7, 0, 2, false)).toBe(false);
    // Younger than two syncs: 8 does not replace it.
    expect(cache.find(8, 0, 3, false)).toBe(false);
    expect(cache.find(7, 0, 3, false)).toBe(true);
    // Found at 3, so it may be replaced at 5 and not at 4.
    expect(cache.find(8, 0, 4, false)).toBe(false);
    expect(cache.find(8, 0, 5, false)).toBe(false);
    expect(cache.find(8, 0, 5, false)).toBe(true);
    expect(cache.find(7, 0, 5, false)).toBe(false);
  });

  test('is asked in the last stage and not changed, but for the age of what is found', () => {
    const cache = new XbzrleCache(2);
    cache.find(6, 0, 2, false);
    expect(cache.find(6, 0, 9, true)).toBe(true);
    expect(cache.find(7, 1, 9, true)).toBe(false);
    expect(cache.find(7, 1, 9, true)).toBe(false);
    // Its age is 9 now: at 10 nothing replaces it.
    expect(cache.find(8, 0, 10, false)).toBe(false);
    expect(cache.find(6, 0, 10, false)).toBe(true);
  });

  test('has no more slots than give each page of the guest its own', () => {
    expect(cacheSlots(64 * 2 ** 40, 3 * MIB)).toBe(4 * MIB);
    expect(cacheSlots(2 ** 20, 3 * MIB)).toBe(MIB);
    expect(cacheSlots(4096, 3 * MIB)).toBe(1);
  });
});

/** 256 MiB written at 30 MiB/s: what is left at the switch was all sent before, and each page has a slot of its own. */
const busy = (memory: 'page' | 'fluid', spec: StreamSpec, fields: Parameters<typeof writer>[0]) =>
  migrate(
    setupOf({
      guest: { ramPages: GIB / 2, vcpus: [writer(fields)] },
      link: { bandwidthBytesPerSecond: 64 * 2 ** 20 },
      migration: { stream: spec, giveUpAfterUs: 120e6 },
      memory,
    }),
  );

describe('the last stage', () => {
  test.each(['page', 'fluid'] as const)('sends what is cached encoded, in the %s memory', (memory) => {
    const result = busy(memory, xbzrle(), { pages: 64 * MIB, writesPerSecond: 30 * MIB });
    const inDowntime = result.downtimeBytes;
    const pages = result.syncs.at(-1)!.remainingBytes / 4096;
    expect(result.status).toBe('completed');
    // All pages but the few that were never sent again are in the cache: far below the price of whole pages.
    expect(inDowntime).toBeLessThan(0.6 * pages * NORMAL_RECORD);
    expect(inDowntime).toBeGreaterThan(pages * (512 + 11) - 1);
  });
});

describe('counters', () => {
  test.each(['page', 'fluid'] as const)('split bytes by what was sent, in the %s memory', (memory) => {
    const load = { pages: 64 * MIB, writesPerSecond: 20 * MIB };
    const result = busy(memory, xbzrle(), load);
    const plain = busy(memory, PLAIN_STREAM, load);
    // Without overflow each byte is of a whole page or of a record of 523, of which xbzrle_counters.bytes leaves the header out.
    const wholeBytes = result.normalPages * NORMAL_RECORD;
    const encoded = result.xbzrleBytes / (523 - 8);
    const unchanged = result.xbzrlePages - encoded;
    expect(unchanged).toBeGreaterThanOrEqual(-1);
    // Each of the three is rounded by itself.
    const sent = result.normalPages + result.zeroPages + result.xbzrlePages;
    expect(Math.abs(sent - GIB / 2 - result.resentPages)).toBeLessThanOrEqual(2);
    const rest = result.sentBytes - wholeBytes - encoded * 523 - result.zeroPages * 9;
    expect(rest).toBeGreaterThan(0);
    expect(rest).toBeLessThan(0.001 * result.sentBytes);
    expect(encoded).toBeGreaterThan(0);
    expect(result.normalPages).toBeLessThan(plain.normalPages);
  });

  test('count a page that overflows among the whole ones', () => {
    const load = { pages: 64 * MIB, writesPerSecond: 10 * MIB };
    const result = busy('page', xbzrle({ xbzrleOverflowShare: 1 }), load);
    // A page that was not rewritten since it was sent is found in the cache, and nothing of it is sent.
    const unchanged = result.xbzrlePages - result.xbzrleOverflows;
    expect(result.normalPages + result.zeroPages + unchanged).toBe(GIB / 2 + result.resentPages);
  });

  test('send nothing of a page that was not rewritten since it was sent', () => {
    // One round of the set takes longer than a pass sends: who writes in order behind the cursor is sent once more, unchanged.
    const load = { pages: 64 * MIB, writesPerSecond: 10 * MIB };
    const result = busy('page', xbzrle(), load);
    const encoded = result.xbzrleBytes / (523 - 8);
    expect(encoded).toBeLessThan(result.xbzrlePages);
    expect(result.xbzrleMisses).toBeGreaterThan(0);
  });
});

/**
 * The fluid memory applies the same cache to a sample of its slots, exact where all written pages are in it (up to 32,768).
 * What differs is chance: which pages are dirty. So total bytes agree within 2 %, whatever the cache holds.
 */
describe('the two memories agree', () => {
  const workingSets = [16 * MIB, 128 * MIB];
  const caches = [4096, 8 * 2 ** 20, 64 * 2 ** 20, 2 ** 40];
  const cases = (['uniform', 'sequential'] as const).flatMap((pattern) =>
    workingSets.flatMap((pages) => caches.map((cache) => ({ pattern, pages, cache }))),
  );

  test.each(cases)('$pattern over $pages pages, cache of $cache bytes', ({ pattern, pages, cache }) => {
    const load = { pages, writesPerSecond: 25 * MIB, pattern };
    const spec = xbzrle({ xbzrleCacheBytes: cache, xbzrleOverflowShare: 0.1 });
    const page = busy('page', spec, load);
    const fluid = busy('fluid', spec, load);
    expect(fluid.status).toBe(page.status);
    expect(Math.abs(fluid.sentBytes / page.sentBytes - 1)).toBeLessThan(0.02);
    expect(Math.abs(fluid.normalPages / page.normalPages - 1)).toBeLessThan(0.02);
  });

  test.each(['page', 'fluid'] as const)('a larger cache never sends more, in the %s memory', (memory) => {
    const load = { pages: 64 * MIB, writesPerSecond: 25 * MIB };
    const sent = caches.map((xbzrleCacheBytes) => busy(memory, xbzrle({ xbzrleCacheBytes }), load).sentBytes);
    for (let i = 1; i < sent.length; i += 1) expect(sent[i]).toBeLessThanOrEqual(sent[i - 1]! * 1.005);
    expect(sent.at(-1)).toBeLessThan(sent[0]!);
  });
});

/**
 * TLS takes 10 ns a byte: 41 µs for a page that goes whole, 5.2 µs for one of which 512 bytes are left. Of the time of a run
 * and of the CPU at either side this is what encoded pages take; plain sending costs nothing here.
 */
describe.each(['page', 'fluid'] as const)('with TLS, %s memory', (memory) => {
  const run = (xbzrleEncodedBytes: number) =>
    migrate(
      setupOf({
        guest: { ramPages: GIB / 2, vcpus: [writer({ pages: 64 * MIB, writesPerSecond: 10_000 })] },
        migration: {
          stream: xbzrle({ tlsBytesPerSecond: 1e8, xbzrleEncodedBytes }),
          downtimeLimitMs: 30,
          giveUpAfterUs: 30e6,
        },
        memory,
      }),
    );

  test('what is sent is encrypted, and no more', () => {
    for (const bytes of [512, 2048]) {
      const result = run(bytes);
      expect(result.xbzrlePages).toBeGreaterThan(1000);
      const whole = result.normalPages * NORMAL_RECORD;
      const encoded = result.xbzrleBytes - result.xbzrleOverflows * 4096 + result.xbzrlePages * 8;
      const expectedMs = ((whole + encoded) / 1e8) * 1000;
      expect(Math.abs(result.encodeCpuMs / expectedMs - 1)).toBeLessThan(0.01);
      expect(Math.abs(result.decodeCpuMs / expectedMs - 1)).toBeLessThan(0.01);
    }
  });

  test('a pass of encoded pages takes as long as encrypting them', () => {
    const { syncs } = run(2048);
    const [before, after] = syncs.slice(1);
    const bytes = after!.sentBytes - before!.sentBytes;
    expect(Math.abs((after!.timeMs - before!.timeMs) / (bytes / 1e5) - 1)).toBeLessThan(0.03);
  });
});
