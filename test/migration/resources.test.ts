/** CPU time and memory that a migration takes of both hosts. */
import { describe, expect, it } from '@jest/globals';
import { compressors } from '../../src/migration/rules/compressors.js';
import { PLAIN_STREAM } from '../../src/migration/rules/stream.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { StreamSpec } from '../../src/migration/setup.js';
import { GIB, MIB, PAGE, type SetupFields, migrate, setupOf, writer } from './setups.js';

const HOST = { sendNsPerPage: 1300, zeroNsPerPage: 260, receiveNsPerPage: 2700 };

const multifd = (fields: Partial<StreamSpec> = {}): StreamSpec => ({
  ...PLAIN_STREAM,
  kind: 'multifd',
  channels: 4,
  zeroPageDetection: 'multifd',
  ...fields,
});

const compressed = (name: keyof typeof compressors): StreamSpec => {
  const { ratio, bytesPerSecond, cpuShare, decompressionBytesPerSecond } = compressors[name];
  return multifd({
    compression: name,
    compressionRatio: ratio,
    compressionBytesPerSecond: bytesPerSecond,
    compressionCpuShare: cpuShare,
    decompressionBytesPerSecond,
  });
};

/** An idle guest of 1 GiB, a quarter of it zero, over a fast link. */
function idle(stream: StreamSpec, fields: SetupFields = {}): MigrationResult {
  return migrate(
    setupOf({
      guest: { ramPages: GIB, zeroExtents: [{ firstPage: 0, pages: GIB / 4 }] },
      host: HOST,
      link: { bandwidthBytesPerSecond: 1e11 },
      migration: { stream },
      ...fields,
    }),
  );
}

/** 64 MiB of 512 MiB are written again and again. */
function busy(stream: StreamSpec, memory: 'page' | 'fluid', fields: SetupFields = {}): MigrationResult {
  return migrate(
    setupOf({
      guest: {
        ramPages: GIB / 2,
        vcpus: [writer({ pages: 64 * MIB, writesPerSecond: 20 * MIB })],
      },
      host: { ...HOST, syncFixedUs: 200, bitmapSyncUsPerGiB: 200 },
      link: { bandwidthBytesPerSecond: 1e8 },
      memory,
      ...fields,
      migration: { stream, ...fields.migration },
    }),
  );
}

describe('CPU time', () => {
  it('is pages times what a page costs, whatever the link', () => {
    for (const bandwidthBytesPerSecond of [1e11, 1e9, 1e8]) {
      const { sendCpuMs, zeroTestCpuMs, receiveCpuMs } = idle(PLAIN_STREAM, {
        link: { bandwidthBytesPerSecond },
      });
      expect(sendCpuMs).toBeCloseTo((GIB * 0.75 * 1300) / 1e6, 6);
      expect(zeroTestCpuMs).toBeCloseTo((GIB * 0.25 * 260) / 1e6, 6);
      // The destination tests its own pages for zeros as well.
      expect(receiveCpuMs).toBeCloseTo((GIB * (0.75 * 2700 + 0.25 * 260)) / 1e6, 6);
    }
  });

  // One thread does all, and the link costs nothing: it is busy from the first page to the last.
  it('is the time of the migration where its thread is the bottleneck', () => {
    const { senderCpuMs, totalTimeMs } = idle(PLAIN_STREAM);
    expect(Math.abs(totalTimeMs - senderCpuMs)).toBeLessThan(0.01 * totalTimeMs + 5);
  });

  it('does not hang on the number of channels, which share the work', () => {
    const [one, eight] = [1, 8].map((channels) => idle(multifd({ channels })));
    expect(eight!.senderCpuMs).toBeCloseTo(one!.senderCpuMs, 6);
    expect(eight!.totalTimeMs).toBeLessThan(one!.totalTimeMs / 4);
  });

  it('is the sum of its parts at either side', () => {
    for (const stream of [PLAIN_STREAM, multifd(), compressed('zstd')])
      for (const memory of ['page', 'fluid'] as const) {
        const r = busy(stream, memory);
        expect(r.senderCpuMs).toBeCloseTo(r.sendCpuMs + r.encodeCpuMs + r.zeroTestCpuMs + r.syncCpuMs, 9);
        expect(r.receiverCpuMs).toBeCloseTo(r.receiveCpuMs + r.decodeCpuMs + r.faultCpuMs, 9);
        expect(r.syncCpuMs).toBeCloseTo(r.dirtySyncCount * 0.3, 9);
      }
  });

  it('is the same in both memories within 2 %', () => {
    for (const stream of [PLAIN_STREAM, compressed('zlib')]) {
      const [page, fluid] = (['page', 'fluid'] as const).map((memory) => busy(stream, memory));
      for (const key of ['senderCpuMs', 'receiverCpuMs'] as const)
        expect(Math.abs(fluid![key] / page![key] - 1)).toBeLessThan(0.02);
    }
  });

  // A channel of zstd computes all the time; one of qatzip waits for its accelerator.
  it('of a compressor is its channel time less what an accelerator takes', () => {
    for (const name of ['zlib', 'zstd', 'qatzip', 'qpl', 'uadk'] as const) {
      const { sendCpuMs, encodeCpuMs } = idle(compressed(name));
      const { bytesPerSecond, cpuShare } = compressors[name];
      const channelMs = ((GIB * 0.75 * PAGE) / bytesPerSecond) * 1e3;
      expect(sendCpuMs + encodeCpuMs).toBeCloseTo(channelMs * cpuShare, 6);
    }
    expect(idle(compressed('qatzip')).senderCpuMs).toBeLessThan(idle(compressed('zstd')).senderCpuMs / 4);
  });

  it('of TLS is the time by which it is slower than plain sending, at both sides', () => {
    const plain = idle(PLAIN_STREAM);
    const tls = idle({ ...PLAIN_STREAM, tlsBytesPerSecond: 5e8 });
    const ms = ((GIB * 0.75 * 4104) / 5e8) * 1e3 - plain.sendCpuMs;
    expect(tls.encodeCpuMs).toBeCloseTo(ms, 6);
    expect(tls.decodeCpuMs).toBeCloseTo(ms, 6);
  });

  // Each page found in the cache is compared; only whole pages are sent as such.
  it('of XBZRLE is what its lookups take', () => {
    for (const memory of ['page', 'fluid'] as const) {
      const stream = {
        ...PLAIN_STREAM,
        kind: 'xbzrle' as const,
        xbzrleCacheBytes: 2 ** 29,
        xbzrleEncodedBytes: 512,
        xbzrleBytesPerSecond: 2e9,
      };
      const r = busy(stream, memory);
      expect(r.encodeCpuMs / ((r.xbzrlePages * PAGE) / 2e9) / 1e3).toBeCloseTo(1, 3);
      expect(r.sendCpuMs / ((r.normalPages * 1300) / 1e6)).toBeCloseTo(1, 3);
    }
  });

  it('of post-copy has each page fault, and each page that is placed', () => {
    const setup = setupOf({
      guest: { ramPages: GIB / 2, vcpus: [writer({ pages: 64 * MIB, writesPerSecond: 20 * MIB })] },
      host: { ...HOST, postcopyFaultCpuUs: 20, postcopyNsPerPage: 2000 },
      link: { bandwidthBytesPerSecond: 1e8 },
      migration: { postcopy: true },
    });
    const result = migrate(setup, 'none', {}, (controls) => {
      controls.after(1000, () => controls.startPostcopy());
    });
    expect(result.postcopyRequests).toBeGreaterThan(0);
    expect(result.faultCpuMs).toBeCloseTo((result.postcopyRequests * 20) / 1000, 1);
    const placed = result.postcopyBytes / 4104;
    const before = result.normalPages - placed;
    expect(result.receiveCpuMs / ((before * 2700 + placed * 2000) / 1e6)).toBeCloseTo(1, 3);
  });
});

describe('memory', () => {
  const host = { socketSendBytes: 4 * 2 ** 20, socketReceiveBytes: 6 * 2 ** 20 };

  // A GiB has 2^18 pages: the source keeps 4 bits for each without a ring, 2 with one, the destination one.
  it('of a plain stream is a connection, its buffer and the bitmaps', () => {
    const file = 32_768 + 1024;
    const bitmap = idle(PLAIN_STREAM, { host });
    expect(bitmap.senderMemoryBytes).toBe(4 * 2 ** 20 + file + (GIB / 8) * 4);
    expect(bitmap.receiverMemoryBytes).toBe(6 * 2 ** 20 + file + GIB / 8);
    const guest = { ramPages: GIB, dirtyRingSize: 4096 };
    expect(idle(PLAIN_STREAM, { host, guest }).senderMemoryBytes).toBe(4 * 2 ** 20 + file + (GIB / 8) * 2);
  });

  it('grows by the same with each channel, and by the buffers of a compressor', () => {
    const of = (name: 'none' | 'zstd', channels: number): MigrationResult =>
      idle({ ...compressed(name), channels }, { host });
    for (const name of ['none', 'zstd'] as const) {
      const [one, two, three] = [1, 2, 3].map((channels) => of(name, channels).senderMemoryBytes);
      expect(three! - two!).toBe(two! - one!);
    }
    expect(of('zstd', 3).senderMemoryBytes - of('none', 3).senderMemoryBytes).toBe(
      3 * compressors.zstd.senderBytes,
    );
    expect(of('zstd', 3).receiverMemoryBytes - of('none', 3).receiverMemoryBytes).toBe(
      3 * compressors.zstd.receiverBytes,
    );
  });

  // 24 bytes for each slot from the start, and a page in each, of which there are no more than the guest has.
  it('of an XBZRLE cache is its slots and their pages', () => {
    const plain = idle(PLAIN_STREAM).senderMemoryBytes;
    const of = (bytes: number): number =>
      idle({ ...PLAIN_STREAM, kind: 'xbzrle', xbzrleCacheBytes: bytes }).senderMemoryBytes - plain - 3 * PAGE;
    expect(of(2 ** 26)).toBe(2 ** 14 * (24 + PAGE));
    expect(of(2 ** 34)).toBe(2 ** 22 * 24 + GIB * PAGE);
  });
});
