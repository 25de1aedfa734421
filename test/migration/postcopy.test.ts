/** Post-copy from the switch to its end. */
import { describe, expect, test } from '@jest/globals';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import { MIB, NORMAL_RECORD, migrate, reader, setupOf, writer } from './setups.js';

describe('post-copy', () => {
  /**
   * 128 MiB at 50 MB/s take 2.7 s, and what was sent before the switch comes off that. In the fluid memory counts of pages
   * are no whole numbers: a rounding error must not be waited for.
   */
  test.each(['page', 'fluid'] as const)('%s memory: it ends when nothing is left to send', (memory) => {
    for (let startMs = 300; startMs < 400; startMs += 1) {
      const later = startMs - 300;
      const setup = setupOf({
        guest: { ramPages: 128 * MIB, vcpus: [reader(0, 100, 1000 + later)] },
        host: bareMetal,
        link: { bandwidthBytesPerSecond: 6e7 + later * 1e4, latencyUs: 100 },
        migration: { qemu: '8.2', downtimeLimitMs: 30, postcopy: true, maxPostcopyBandwidth: 5e7 },
        memory,
        seed: later,
      });
      const result = migrate(setup, 'none', {}, (controls) => {
        controls.after(startMs, () => controls.startPostcopy());
        controls.every(5000, () => {
          if (controls.nowUs() > 60e6) throw new Error(`no end, begun at ${startMs} ms`);
        });
      });
      expect(result.status).toBe('completed');
      expect(result.totalTimeMs).toBeLessThan(3000);
      // Each page went once: the guest wrote none.
      expect(result.normalPages + result.zeroPages).toBeCloseTo(setup.guest.ramPages, 6);
    }
  });
});

/**
 * The destination takes longer to place a page than the source to find that it is zero, and shorter than the link to bring
 * one with data. The sockets hold thousands of zero pages: what is slower is the sum over all pages, not each page.
 */
describe.each(['page', 'fluid'] as const)('zero pages in post-copy, %s memory', (memory) => {
  const took = (share: number, placeNs: number): number => {
    const pages = 256 * MIB;
    const result = migrate(
      setupOf({
        memory,
        guest: { ramPages: pages, zeroExtents: [{ firstPage: 0, pages, zeroPages: share * pages }] },
        host: { zeroNsPerPage: 250, postcopyNsPerPage: placeNs, socketQueueBytes: 4e6 },
        link: { bandwidthBytesPerSecond: 2.5e8 },
        migration: { postcopy: true },
      }),
      'none',
      {},
      (controls) => controls.startPostcopy(),
    );
    expect(result.status).toBe('completed');
    return (result.postcopyTimeMs * 1000) / pages;
  };
  const pageUs = (share: number): number => share * 0.25 + (1 - share) * (NORMAL_RECORD / 250);

  test.each([
    [0.25, 2000],
    [0.75, 2000],
    [0.75, 20_000],
    [1, 2000],
  ])('a share of %d, %d ns a page at the destination', (share, placeNs) => {
    const expected = Math.max(pageUs(share), placeNs / 1000);
    expect(Math.abs(took(share, placeNs) / expected - 1)).toBeLessThan(0.03);
  });
});

/**
 * A host page that was asked for is there whole. Where the background has sent a part of it before, the rest comes: whoever goes
 * through it does not ask again and again.
 */
describe.each(['page', 'fluid'] as const)('huge host pages in post-copy, %s memory', (memory) => {
  test.each([
    ['sequential', 5e6, 20_000],
    ['sequential', 5e6, 500],
    ['sequential', 0, 20_000],
    ['uniform', 5e6, 20_000],
    ['uniform', 0, 300],
  ] as const)(
    '%s accesses, a limit of %d B/s, %i a second: no more requests than host pages',
    (pattern, limit, rate) => {
      const pages = 64 * MIB;
      const result = migrate(
        setupOf({
          memory,
          guest: {
            ramPages: pages,
            hostPagePages: 512,
            vcpus: [0, 1].map((i) =>
              writer({ firstPage: i * 8 * MIB, pages: 7 * MIB, writesPerSecond: rate, pattern }),
            ),
          },
          link: { bandwidthBytesPerSecond: 3e7 },
          migration: { postcopy: true, maxPostcopyBandwidth: limit, giveUpAfterUs: 0 },
        }),
        'none',
        {},
        (controls) => controls.startPostcopy(),
      );
      expect(result.status).toBe('completed');
      expect(result.postcopyRequests).toBeGreaterThan(0);
      expect(result.postcopyRequests).toBeLessThanOrEqual(pages / 512);
      expect(result.normalPages + result.zeroPages).toBeCloseTo(pages, 4);
    },
  );
});

/**
 * Four vCPUs, each in a quarter of memory that no other touches, the first fast and the last slow or still: what one asks for
 * brings nothing to another, and so the background has the rest to send, whichever memory counts it.
 */
test.each([
  ['readers', 1, 5e6],
  ['readers', 512, 1e6],
  ['writers', 1, 5e6],
  ['writers', 512, 1e6],
  ['readers', 1, 0],
] as const)(
  '%s in quarters of their own, host pages of %i, a limit of %d B/s: both memories agree',
  (kind, hostPagePages, limit) => {
    const quarter = 8 * MIB;
    const [page, fluid] = (['page', 'fluid'] as const).map((memory) =>
      migrate(
        setupOf({
          memory,
          guest: {
            ramPages: 4 * quarter,
            hostPagePages,
            vcpus: [200_000, 20_000, 200, 0].map((rate, i) =>
              kind === 'readers'
                ? reader(i * quarter, quarter, rate)
                : writer({ firstPage: i * quarter, pages: quarter, writesPerSecond: rate }),
            ),
          },
          link: { bandwidthBytesPerSecond: 1e8 },
          migration: { postcopy: true, postcopyPreempt: true, maxPostcopyBandwidth: limit, giveUpAfterUs: 0 },
        }),
        'none',
        {},
        (controls) => controls.startPostcopy(),
      ),
    );
    expect(fluid!.sentBytes).toBe(page!.sentBytes);
    expect(Math.abs(fluid!.totalTimeMs / page!.totalTimeMs - 1)).toBeLessThan(0.05);
    expect(Math.abs(fluid!.postcopyRequests / page!.postcopyRequests - 1)).toBeLessThan(0.05);
  },
);
