/** How multifd's channels compress: one row per method, each with its source. A scenario may change a row or add its own. */
import type { QemuVersion } from './versions.js';

export interface Compressor {
  /** Bytes in per byte out. */
  readonly ratio: number;
  /** Uncompressed bytes/s of one channel, sending included; 0: as fast as the host sends. */
  readonly bytesPerSecond: number;
  /** The first version with it. */
  readonly since: QemuVersion;
  readonly source: string;
}

export const compressors = {
  none: { ratio: 1, bytesPerSecond: 0, since: '7.2', source: 'QEMU multifd-nocomp.c: pages as they are' },
  zlib: {
    ratio: 3,
    bytesPerSecond: 80e6,
    since: '7.2',
    source: 'an assumption: level 1 on one core of a current server, on content with much repetition',
  },
  zstd: {
    ratio: 2.65,
    bytesPerSecond: 369e6,
    since: '7.2',
    source:
      'a published comparison with qatzip: 54 GiB of mixed files in 78.4, 39.3 and 20.5 s with 2, 4 and 8 channels, which is 370, 369 and 354 MB/s per channel',
  },
  qatzip: {
    ratio: 2.65,
    bytesPerSecond: 1.34e9,
    since: '9.2',
    source:
      'the same comparison: 21.6 s with 2 channels under a cap of 1 GB/s, so that a channel takes 1.34 GB/s at least',
  },
  qpl: {
    ratio: 3,
    bytesPerSecond: 2e9,
    since: '9.1',
    source: 'an assumption: the ratio of zlib, at the speed of hardware',
  },
  uadk: {
    ratio: 3,
    bytesPerSecond: 2e9,
    since: '9.1',
    source: 'an assumption: the ratio of zlib, at the speed of hardware',
  },
} as const satisfies Readonly<Record<string, Compressor>>;

export type CompressorName = keyof typeof compressors;
export const COMPRESSORS = Object.keys(compressors) as readonly CompressorName[];

/** The row of that name; undefined for one that a scenario brought along. */
export function compressorNamed(name: string): Compressor | undefined {
  return (compressors as Readonly<Record<string, Compressor>>)[name];
}
