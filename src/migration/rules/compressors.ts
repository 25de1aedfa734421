/** How multifd's channels compress: one row per method, each with its source. A scenario may change a row or add its own. */
import { isOneOf, keysOf } from '../../lists.js';
import type { QemuVersion } from './versions.js';

export interface Compressor {
  /** Bytes in per byte out. */
  readonly ratio: number;
  /** Uncompressed bytes/s of one channel, sending included; 0: as fast as the host sends. */
  readonly bytesPerSecond: number;
  /** What part of a channel's time is CPU time, 0..1: a channel waits for an accelerator while that compresses. */
  readonly cpuShare: number;
  /** Uncompressed bytes that the destination takes in per second of CPU time, receiving included; 0: as it receives. */
  readonly decompressionBytesPerSecond: number;
  /** Buffers and contexts of one channel on either side, bytes. */
  readonly senderBytes: number;
  readonly receiverBytes: number;
  /** The first version with it. */
  readonly since: QemuVersion;
  readonly source: string;
}

export const compressors = {
  none: {
    ratio: 1,
    bytesPerSecond: 0,
    cpuShare: 1,
    decompressionBytesPerSecond: 0,
    senderBytes: 0,
    receiverBytes: 0,
    since: '7.2',
    source: 'QEMU multifd-nocomp.c: pages as they are',
  },
  zlib: {
    ratio: 3,
    bytesPerSecond: 80e6,
    cpuShare: 1,
    decompressionBytesPerSecond: 200e6,
    senderBytes: 790_701,
    receiverBytes: 1_088_512,
    since: '7.2',
    source:
      'an assumption: level 1 on one core of a current server, on content with much repetition. zlib.h: 256 KiB to deflate, 39 KiB to inflate; QEMU 7.2 with 738 MiB of programs: 12.4 s of CPU at the source and 5.0 s at the destination, so 2.5 times as fast',
  },
  zstd: {
    ratio: 2.65,
    bytesPerSecond: 369e6,
    cpuShare: 1,
    decompressionBytesPerSecond: 855e6,
    senderBytes: 1_895_841,
    receiverBytes: 2_062_136,
    since: '7.2',
    source:
      'a published comparison with qatzip: 54 GiB of mixed files in 78.4, 39.3 and 20.5 s with 2, 4 and 8 channels, which is 370, 369 and 354 MB/s per channel; QEMU docs/devel/migration/qatzip-compression.rst: 340 % of a CPU for 20.2 s at the destination, which is 855 MB per second of CPU. Memory: ZSTD_estimateCStreamSize(1) and ZSTD_estimateDStreamSize(512 KiB) of 1.5.4',
  },
  qatzip: {
    ratio: 2.65,
    bytesPerSecond: 1.34e9,
    cpuShare: 0.6,
    decompressionBytesPerSecond: 980e6,
    senderBytes: 2_000_000,
    receiverBytes: 2_500_000,
    since: '9.2',
    source:
      'the published comparison with zstd: 21.6 s with 2 channels under a cap of 1 GB/s, so that a channel takes 1.34 GB/s at least. QEMU docs/devel/migration/qatzip-compression.rst: 160 % of a CPU at the source and 360 % at the destination for 16.6 s, which is 1.8 of 3.1 us for each page and 980 MB per second of CPU; 16 and 20 MB for 8 channels',
  },
  qpl: {
    ratio: 3,
    bytesPerSecond: 2e9,
    cpuShare: 0.92,
    decompressionBytesPerSecond: 980e6,
    senderBytes: 524_288,
    receiverBytes: 1_048_576,
    since: '9.1',
    source:
      'an assumption: the ratio of zlib, at the speed of hardware, with the CPU time of qatzip for each page',
  },
  uadk: {
    ratio: 3,
    bytesPerSecond: 2e9,
    cpuShare: 0.92,
    decompressionBytesPerSecond: 980e6,
    senderBytes: 1_048_576,
    receiverBytes: 1_048_576,
    since: '9.1',
    source:
      'an assumption: the ratio of zlib, at the speed of hardware, with the CPU time of qatzip for each page',
  },
} as const satisfies Readonly<Record<string, Compressor>>;

export type CompressorName = keyof typeof compressors;
export const COMPRESSORS: readonly CompressorName[] = keysOf(compressors);

/**
 * What a compressor makes of content that zstd compresses `compressibility` times: rows were measured, or stand, for content
 * that zstd compresses as its own row says, and gain over 1 in proportion. An assumption that is right at both ends: nothing
 * compresses what zstd does not, and the content of the table by the ratio of the table.
 */
export function ratioFor(tableRatio: number, compressibility: number | undefined): number {
  if (compressibility === undefined) return tableRatio;
  return 1 + ((tableRatio - 1) * (compressibility - 1)) / (compressors.zstd.ratio - 1);
}

/** The row of that name; undefined for one that a scenario brought along. */
export function compressorNamed(name: string): Compressor | undefined {
  return isOneOf(COMPRESSORS, name) ? compressors[name] : undefined;
}
