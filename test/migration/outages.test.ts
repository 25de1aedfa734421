/** An outage of the network is seen whenever it comes and however short it is. */
import { describe, expect, test } from '@jest/globals';
import { MIB, NORMAL_RECORD, migrate, setupOf, writer, type SetupFields } from './setups.js';

const GUEST = {
  guest: { vcpus: [writer({ firstPage: 56 * MIB, pages: 8 * MIB, writesPerSecond: 1e5 })] },
};

function outcome(atUs: number, durationUs: number, fields: SetupFields = {}) {
  return migrate(
    setupOf({
      ...GUEST,
      ...fields,
      link: { bandwidthBytesPerSecond: 1e8, outages: [{ atUs, durationUs }], ...fields.link },
    }),
    'none',
    {},
    (controls) => {
      if (fields.migration?.postcopy === true) controls.after(200, () => controls.startPostcopy());
    },
  );
}

// 64 MiB over 100 MB/s: a pass of 0.7 s, in iterations of 50 ms and windows of 100 ms. The outages are shorter than any page.
describe.each(['page', 'fluid'] as const)('%s memory', (memory) => {
  test.each([0, 0.3, 7, 50, 123.4, 333.3, 380])('of 1 µs at %s ms of pre-copy', (ms) => {
    expect(outcome(ms * 1000, 1, { memory })).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('the network failed in pre-copy') as unknown,
    });
  });

  /** 100 MB/s up to the outage, and a page more at the most: of a host page too, in each ending of pre-copy. */
  test.each([1, 512])('nothing leaves after it, in host pages of %i', (hostPagePages) => {
    for (const stopped of [false, true])
      for (const ms of [0.3, 7, 123.4, 333.3, 580]) {
        const migration = stopped ? { availSwitchoverBandwidth: 1e12, maxBandwidth: 1e6 } : {};
        const guest = { ...GUEST.guest, hostPagePages };
        const host = { deviceStateBytes: 5e6 };
        const result = outcome(ms * 1000, 1, { memory, guest, host, migration, timelineMs: 5 });
        expect([ms, result.status]).toEqual([ms, 'failed']);
        const seen = result.timeline.map(({ sentBytes }) => sentBytes);
        expect(seen).toEqual([...seen].sort((a, b) => a - b));
        expect(seen.at(-1)).toBe(result.sentBytes);
        expect(result.sentBytes).toBeLessThan(ms * 1e5 + NORMAL_RECORD + 1000);
      }
  });

  test('under a cap, while the thread waits for the next window', () => {
    for (const maxBandwidth of [5e6, 5e7])
      expect(outcome(333_333, 1, { memory, migration: { maxBandwidth } }).status).toBe('failed');
  });

  test('in the switchover', () => {
    const host = { stopUs: 50_000, deviceSaveUs: 50_000, destinationLoadUs: 50_000 };
    const undisturbed = outcome(50e6, 1, { memory, host, migration: { returnPath: true } });
    expect(undisturbed.status).toBe('completed');
    const endMs = undisturbed.totalTimeMs;
    for (let ms = 1; ms < undisturbed.downtimeMs!; ms += 7) {
      const result = outcome((endMs - ms) * 1000, 1, { memory, host, migration: { returnPath: true } });
      expect([ms, result.status, result.blackoutMs]).toEqual([ms, 'failed', null]);
      expect(result.error).toContain('the guest runs on at the source');
    }
  });

  // Post-copy of 44 MiB from 0.26 s on at the latest, 0.4 s long, in steps of 0.5 ms.
  const postcopy = (recover: boolean): SetupFields => ({
    memory,
    migration: { postcopy: true, postcopyRecover: recover },
  });
  test('in post-copy loses a guest that is not recovered', () => {
    for (const ms of [300, 300.2, 301.4, 399.99])
      expect(outcome(ms * 1000, 1, postcopy(false))).toMatchObject({
        status: 'failed',
        error: expect.stringContaining('the guest is lost') as unknown,
      });
  });

  test('in post-copy delays one that is recovered, for a day too', () => {
    const undisturbed = outcome(90_000e6, 1, postcopy(true)).totalTimeMs;
    const day = outcome(258e3, 86_400e6, postcopy(true));
    expect(day.status).toBe('completed');
    expect(Math.abs(day.totalTimeMs - undisturbed - 86_400e3)).toBeLessThan(5);
    expect(Math.abs(day.vcpus[0]!.longestStallMs - 86_400e3)).toBeLessThan(100);
  });
});
