/** The stream that a recording's capabilities and parameters ask for, and what its guest's pages cost on it. */
import { UsageError } from '../../errors.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { PLAIN_STREAM } from '../../migration/rules/stream.js';
import type { StreamSpec } from '../../migration/setup.js';
import type { RecordedVcpu, Recording } from '../recording-file.js';

const { max, min } = Math;

/** migration/options.c: what counts where nothing was set. */
const DEFAULT_CHANNELS = 2;
const DEFAULT_XBZRLE_CACHE = 64 * 2 ** 20;

/**
 * Bytes of a compressed page by what it holds. zlib: 128 such pages in one stream at level 1, as multifd does it. zstd keeps
 * noise as it is and needs a frame's header per block.
 */
const COMPRESSED_BYTES = {
  zlib: { 'one-word': 23, 'quarter-random': 1053, random: 4097 },
  zstd: { 'one-word': 17, 'quarter-random': 1045, random: 4098 },
} as const;
/** Raw bytes a second that one channel compresses: wherever a cap was set, it was slower. */
const COMPRESSED_BYTES_PER_SECOND = { zlib: 120e6, zstd: 500e6 } as const;
type Compression = keyof typeof COMPRESSED_BYTES;

/** XBZRLE passes over what is alike word by word and copies what is not byte by byte: µs of a page, and of a byte that changed. */
const COMPARED_US = 0.6;
const CHANGED_BYTE_US = 0.002;

/** @throws UsageError for a word that is not known here */
export function streamOf(recording: Recording): StreamSpec {
  const { migration } = recording;
  const detection = zeroPageDetection(recording);
  if (migration.capabilities.includes('multifd')) {
    const compression = compressionOf(recording);
    const channels = migration.parameters['multifd-channels'];
    return {
      ...PLAIN_STREAM,
      kind: 'multifd',
      channels: typeof channels === 'number' ? channels : DEFAULT_CHANNELS,
      zeroPageDetection: detection ?? 'multifd',
      ...(compression === null ? {} : compressed(compression, recording)),
    };
  }
  if (migration.capabilities.includes('xbzrle')) {
    const cache = migration.parameters['xbzrle-cache-size'];
    return {
      ...PLAIN_STREAM,
      kind: 'xbzrle',
      xbzrleCacheBytes: typeof cache === 'number' ? cache : DEFAULT_XBZRLE_CACHE,
      ...encoded(recording),
    };
  }
  // The main channel has no threads that could look: `multifd` is `legacy` there.
  return { ...PLAIN_STREAM, zeroPageDetection: detection === 'none' ? 'none' : 'legacy' };
}

function compressed(compression: Compression, { guest }: Recording): Partial<StreamSpec> {
  return {
    compression,
    compressionRatio: PAGE_BYTES / COMPRESSED_BYTES[compression][guest.pageContent],
    compressionBytesPerSecond: COMPRESSED_BYTES_PER_SECOND[compression],
  };
}

function compressionOf({ migration, file }: Recording): Compression | null {
  const word = migration.enumParameters?.['multifd-compression'] ?? 'none';
  if (word === 'none') return null;
  if (word === 'zlib' || word === 'zstd') return word;
  throw new UsageError(
    `migration.enumParameters.multifd-compression: ${JSON.stringify(word)} is not known here; expected none, zlib or zstd`,
    { file },
  );
}

function zeroPageDetection({ migration, file }: Recording): StreamSpec['zeroPageDetection'] | null {
  const word = migration.enumParameters?.['zero-page-detection'];
  if (word === undefined) return null;
  if (word === 'none' || word === 'legacy' || word === 'multifd') return word;
  throw new UsageError(
    `migration.enumParameters.zero-page-detection: ${JSON.stringify(word)} is not known here; expected none, legacy or multifd`,
    { file },
  );
}

/** Writes of more than this leave a difference that is no smaller than a page (xbzrle.c counts every run in two bytes). */
const LARGEST_DIFFERENCE = PAGE_BYTES - 4;

/** What the difference of a rewritten page takes, over the writers in proportion to what they write. */
function encoded({ guest }: Recording): Partial<StreamSpec> {
  const writers = guest.vcpus.filter(({ access }) => access === 'write');
  const rate = writers.reduce((sum, { pagesPerSecond }) => sum + pagesPerSecond, 0);
  let bytes = 0;
  let overflows = 0;
  let encodeUs = COMPARED_US;
  for (const writer of writers) {
    const share = writer.pagesPerSecond / rate;
    encodeUs += share * writer.bytesPerAccess * CHANGED_BYTE_US;
    if (writer.bytesPerAccess > LARGEST_DIFFERENCE) overflows += share;
    else bytes += share * differenceBytes(writer);
  }
  return {
    xbzrleEncodedBytes: overflows < 1 ? bytes / (1 - overflows) : 0,
    xbzrleOverflowShare: overflows,
    xbzrleBytesPerSecond: (PAGE_BYTES / encodeUs) * 1e6,
  };
}

/**
 * xbzrle.c:xbzrle_encode_buffer: two lengths and the bytes that changed. Of a page's first word, which counts the vCPU's
 * accesses, those change that a step of about one round of its set reaches; noise changes whole.
 */
function differenceBytes({ bytesPerAccess, workingSetMiB }: RecordedVcpu): number {
  const step = (workingSetMiB * 2 ** 20) / PAGE_BYTES;
  let changed = step % 256 === 0 ? 0 : 1;
  for (let above = 256; above < 2 ** 32; above *= 256) {
    if (step % (above * 256) === 0) continue;
    changed += min(1, step / above);
  }
  return 2 + changed + max(0, bytesPerAccess - 4) * (255 / 256);
}
