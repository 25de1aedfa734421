/** What multifd's channels carry: past a cap, under TLS, and compressed. */
import { describe, expect, test } from '@jest/globals';
import { simulate } from '../../src/experiment/simulate.js';
import { startMigration } from '../../src/migration/engine.js';
import { loadScenario } from '../../src/scenario/load.js';
import {
  MULTIFD_HELLO_BYTES,
  MULTIFD_PACKET_HEADER_BYTES,
  PLAIN_STREAM,
} from '../../src/migration/rules/stream.js';
import { COMPRESSORS, compressors } from '../../src/migration/rules/compressors.js';
import type { StreamSpec } from '../../src/migration/setup.js';
import { GIB, MIB, PAGE, migrate, setupOf } from './setups.js';

const PACKET = 128 * PAGE + MULTIFD_PACKET_HEADER_BYTES;

const multifd = (fields: Partial<StreamSpec>): StreamSpec => ({
  ...PLAIN_STREAM,
  kind: 'multifd',
  ...fields,
});

/** Bytes per 100 ms of an idle guest under a cap: the link is fast, so that the cap alone binds. */
function windowBytes(maxBandwidth: number, stream: StreamSpec, qemu: '7.2' | '8.0' | '8.1' | '10.0'): number {
  const result = migrate(
    setupOf({
      guest: { ramPages: 8 * GIB },
      link: { bandwidthBytesPerSecond: 1e10 },
      migration: { maxBandwidth, stream, qemu, giveUpAfterUs: 0 },
    }),
  );
  return result.sentBytes / (result.totalTimeMs / 100);
}

/**
 * The migration thread stops queueing when counted bytes exceed the quota: at packet k = floor(quota / packet) + 1. Then the
 * other channels are at a packet each, so a window carries k + channels - 1. Up to 8.0 packets count when queued: k.
 */
describe('multifd under a cap', () => {
  const caps = [10, 50, 64].map((mib) => mib * 2 ** 20);
  const channels = [1, 2, 4, 8];
  test.each(caps.flatMap((cap) => channels.map((count) => ({ cap, count }))))(
    '$count channels under $cap B/s',
    ({ cap, count }) => {
      const counted = Math.floor(cap / 10 / PACKET) + 1;
      for (const qemu of ['8.1', '10.0'] as const) {
        const carried = windowBytes(cap, multifd({ channels: count }), qemu) / PACKET;
        expect(Math.abs(carried - (counted + count - 1))).toBeLessThan(0.1);
      }
      const queued = windowBytes(cap, multifd({ channels: count }), '8.0') / PACKET;
      expect(Math.abs(queued - counted)).toBeLessThan(0.1);
    },
  );

  test('counts uncompressed bytes up to 8.0', () => {
    const stream = multifd({ channels: 2, compression: 'zstd', compressionRatio: 4 });
    const plain = multifd({ channels: 2 });
    const cap = 64 * 2 ** 20;
    expect(windowBytes(cap, stream, '8.0')).toBeCloseTo(windowBytes(cap, plain, '8.0'), -4);
    expect(windowBytes(cap, stream, '8.1')).toBeLessThan(windowBytes(cap, plain, '8.1'));
  });
});

/**
 * A quarter of each block of 1024 pages is zero, two packets' worth. Whether it goes in packets without data or as records of
 * the main channel, it is sent at once: what a window carries of data is as without.
 */
describe.each(['page', 'fluid'] as const)('zero pages under a cap, %s memory', (memory) => {
  const cap = 50 * 2 ** 20;
  const counted = Math.floor(cap / 10 / PACKET) + 1;
  test.each([
    ['8.0', 1, counted],
    ['8.0', 8, counted],
    ['8.1', 1, counted],
    ['8.1', 8, counted + 7],
    ['8.2', 8, counted + 7],
    ['10.0', 1, counted],
    ['10.0', 8, counted + 7],
  ] as const)('QEMU %s, %i channels: %i packets of data', (qemu, channels, packets) => {
    const pages = 4 * GIB;
    const stream = multifd({ channels, zeroPageDetection: qemu === '10.0' ? 'multifd' : 'legacy' });
    const result = migrate(
      setupOf({
        memory,
        guest: { ramPages: pages, zeroExtents: [{ firstPage: 0, pages, zeroPages: pages / 4 }] },
        link: { bandwidthBytesPerSecond: 1e10 },
        migration: { qemu, stream, maxBandwidth: cap, giveUpAfterUs: 0 },
      }),
    );
    const carried = result.normalPages / 128 / (result.totalTimeMs / 100);
    expect([carried, Math.abs(carried / packets - 1) < 0.03]).toEqual([carried, true]);
  });
});

/** Time of 512 MiB when channels alone bind, s. */
function seconds(stream: StreamSpec, sendNsPerPage = 1000): number {
  const result = migrate(
    setupOf({
      guest: { ramPages: GIB / 2 },
      host: { sendNsPerPage },
      link: { bandwidthBytesPerSecond: 1e12 },
      migration: { stream, giveUpAfterUs: 0 },
    }),
  );
  return result.totalTimeMs / 1000;
}

describe('speeds are those of the whole channel', () => {
  test('TLS: bytes on the wire over channels times speed, whatever plain sending costs', () => {
    for (const channels of [1, 2, 4]) {
      const expected = (GIB / 2 / 128) * (PACKET / (channels * 5e8));
      for (const send of [500, 4000]) {
        const took = seconds(multifd({ channels, tlsBytesPerSecond: 5e8 }), send);
        expect(Math.abs(took / expected - 1)).toBeLessThan(0.02);
      }
    }
  });

  test('TLS faster than plain sending changes nothing', () => {
    const fast = seconds(multifd({ channels: 2, tlsBytesPerSecond: 1e12 }), 4000);
    expect(fast).toBeCloseTo(seconds(multifd({ channels: 2 }), 4000), 6);
  });

  test('compression: uncompressed bytes over channels times speed', () => {
    for (const channels of [1, 2, 4]) {
      const took = seconds(
        multifd({
          channels,
          compression: 'mine',
          compressionRatio: 2,
          compressionBytesPerSecond: 4e8,
        }),
      );
      expect(Math.abs(took / (2 ** 29 / (channels * 4e8)) - 1)).toBeLessThan(0.02);
    }
  });
});

describe('compressors', () => {
  test('come with a ratio of 1 at least and a source', () => {
    for (const name of COMPRESSORS) {
      expect(compressors[name].ratio).toBeGreaterThanOrEqual(1);
      expect(compressors[name].source).not.toBe('');
    }
  });
});

/**
 * 498,074 pages of data, and zero pages between and behind them. Plain, a window ends with the eighth flush of 32 pages of data,
 * however many zero pages lie between: 256 pages, 194.6 s. In packets of 128 the second one passes the quota when it counts,
 * and each other channel has one more: 5 of data, 77.8 s; compressed by 14.8 these are 29 + 3, 12.2 s. A report of QEMU 11.0
 * gives 195.05, 77.79 and 11.88 s for such a guest.
 */
describe.each(['page', 'fluid'] as const)('a cap of 10 MiB/s, %s memory', (memory) => {
  test.each([
    ['plain', 195.05],
    ['{ multifd: { channels: 4 } }', 77.79],
    ['{ multifd: { channels: 4, compression: zstd, compression-ratio: 14.8 } }', 11.88],
  ])('%s takes %d s', (stream, measured) => {
    const path = new URL('cases/capped.yaml', import.meta.url).pathname;
    const scenario = loadScenario(path, { set: [`migration.stream=${stream}`] });
    const { totalTimeMs } = simulate(scenario, scenario.strategies[0]!, { memory });
    expect(Math.abs(totalTimeMs / 1000 / measured - 1)).toBeLessThan(0.04);
  });
});

/**
 * A block of 1024 pages, z of them zero: the migration thread finds those in z · 260 ns, while the channels still send the
 * packets that each has. So a block takes the longer of the two, unless finding takes longer than the packets last.
 */
describe.each(['page', 'fluid'] as const)(
  'zero pages that the migration thread finds, %s memory',
  (memory) => {
    const ZERO_US = 0.26;
    const blockUs = (zeros: number, channels: number, tls: number): number => {
      const pageUs = (PACKET / 128 / (channels * tls)) * 1e6;
      const dataUs = (1024 - zeros) * pageUs;
      return zeros * ZERO_US + dataUs - Math.min(zeros * ZERO_US, dataUs, channels * 128 * pageUs);
    };
    const measured = (zeros: number, stream: Partial<StreamSpec>, qemu: '8.0' | '8.2' | '10.0'): number => {
      const pages = 4 * GIB;
      const result = migrate(
        setupOf({
          memory,
          guest: {
            ramPages: pages,
            zeroExtents: [{ firstPage: 0, pages, zeroPages: (zeros * pages) / 1024 }],
          },
          host: { sendNsPerPage: 1300, zeroNsPerPage: ZERO_US * 1000 },
          link: { bandwidthBytesPerSecond: 1e11 },
          migration: { qemu, stream: multifd({ zeroPageDetection: 'legacy', ...stream }) },
        }),
      );
      return (result.totalTimeMs * 1000) / (pages / 1024);
    };

    test.each([
      ['data binds', 256, 4, 5e8],
      ['zero pages bind', 960, 4, 5e8],
      ['one packet of one fast channel is soon sent', 768, 1, 3e9],
    ])('%s', (_name, zeros, channels, tls) => {
      const expected = blockUs(zeros, channels, tls);
      const took = measured(zeros, { channels, tlsBytesPerSecond: tls }, '8.2');
      expect([took, Math.abs(took / expected - 1) < 0.02]).toEqual([took, true]);
    });

    test('takes both where the channels do that, or nobody does', () => {
      const tlsBytesPerSecond = 5e8;
      const inChannels = measured(
        768,
        { channels: 4, tlsBytesPerSecond, zeroPageDetection: 'multifd' },
        '10.0',
      );
      expect(inChannels).toBeGreaterThan(256 * 2 + (768 * ZERO_US) / 4);
      expect(
        measured(768, { channels: 4, tlsBytesPerSecond, zeroPageDetection: 'none' }, '10.0'),
      ).toBeGreaterThan(1024 * 2);
    });
  },
);

/**
 * A report of QEMU 8.2.2 on one machine: 192 GiB, a TLS channel carries 525 MB/s. Idle, four channels take 13.4 s. A writer of
 * 1,500 MiB/s over 24 GiB leaves one plain stream in 34.7 s.
 */
describe('a guest of 192 GiB', () => {
  const total = (set: readonly string[]): number => {
    const path = new URL('cases/tls.yaml', import.meta.url).pathname;
    const scenario = loadScenario(path, { set });
    return simulate(scenario, scenario.strategies[0]!, { memory: 'fluid' }).totalTimeMs / 1000;
  };

  test('idle, through four channels with TLS', () => {
    const seconds = total([
      'guest.vcpus.0.workload=idle',
      'migration.stream={ multifd: { channels: 4, tls: 525MB/s } }',
    ]);
    expect(Math.abs(seconds / 13.4 - 1)).toBeLessThan(0.15);
  });

  test('written to, through one stream', () => {
    expect(Math.abs(total([]) / 34.7 - 1)).toBeLessThan(0.1);
  });
});

/**
 * multifd_send_sync_main: each channel sends a packet that is a header and counts, and the migration thread waits for it. On a
 * host that costs nothing the link alone takes time: for what the channels carried, the hello and these packets included.
 */
describe.each(['page', 'fluid'] as const)(
  'what channels carry takes its time on the link, %s memory',
  (memory) => {
    test.each(
      ([1, 255] as const).flatMap((channels) =>
        ([1, 512] as const).flatMap((hostPagePages) =>
          ([1e6, 1e9] as const).flatMap((link) =>
            (['8.0', '10.2'] as const).map((qemu) => [channels, hostPagePages, link, qemu] as const),
          ),
        ),
      ),
    )('%i channels, host pages of %i, %d B/s, QEMU %s', (channels, hostPagePages, bytesPerSecond, qemu) => {
      const migration = startMigration(
        setupOf({
          memory,
          guest: { ramPages: 16 * MIB, hostPagePages },
          link: { bandwidthBytesPerSecond: bytesPerSecond },
          migration: { qemu, stream: multifd({ channels }), giveUpAfterUs: 0 },
        }),
        { strategy: 'none', policy: 'wait' },
        () => {},
      );
      const result = migration.advance(Infinity)!;
      const { multifdBytes } = migration.look().counters;
      // Up to 8.0 nothing counts the hello.
      const hello = qemu === '8.0' ? 0 : channels * MULTIFD_HELLO_BYTES;
      const syncs =
        (multifdBytes - hello - result.normalPages * (PAGE + MULTIFD_PACKET_HEADER_BYTES / 128)) / channels;
      expect(syncs / MULTIFD_PACKET_HEADER_BYTES).toBeGreaterThan(1.99);
      expect((syncs / MULTIFD_PACKET_HEADER_BYTES) % 1).toBeCloseTo(0, 4);
      const linkUs = (multifdBytes / bytesPerSecond) * 1e6;
      const tookUs = migration.seen.clock.nowUs;
      expect(tookUs).toBeGreaterThan(linkUs * (1 - 1e-9));
      // A turn without a page left lasts a millisecond.
      expect(tookUs).toBeLessThan(linkUs * (1 + 1e-9) + 1001);
    });
  },
);
