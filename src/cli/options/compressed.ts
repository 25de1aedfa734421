/** Logs that were compressed when they were rotated: gzip is read, and of the others it is said how to read them. */
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { UsageError, errorCode } from '../../errors.js';
import { isMap } from '../../lists.js';

const GZIP = [0x1f, 0x8b];
/** By the bytes that each begins with, and the program that prints what is inside. */
const OTHERS: readonly (readonly [bytes: readonly number[], name: string, program: string])[] = [
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz', 'xzcat'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd', 'zstdcat'],
  [[0x42, 0x5a, 0x68], 'bzip2', 'bzcat'],
];

/**
 * The bytes of a log, decompressed where they are gzip's.
 * @throws UsageError for gzip that breaks off or is too large, and for what is compressed in another way
 */
export function decompressed(bytes: Uint8Array, mostBytes: number, file: string): Uint8Array {
  const begins = (by: readonly number[]): boolean => by.every((byte, at) => bytes[at] === byte);
  const other = OTHERS.find(([by]) => begins(by));
  if (other !== undefined) {
    const [, name, program] = other;
    throw new UsageError(`compressed by ${name}; expected text: ${program} FILE | migsim learn -`, { file });
  }
  if (!begins(GZIP)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes });
  } catch (error) {
    const message =
      errorCode(error) === 'ERR_BUFFER_TOO_LARGE'
        ? 'is larger than 512 MiB when decompressed; give the part with the migration'
        : hasMoreBehind(bytes, mostBytes)
          ? 'is gzip with other bytes behind it; expected nothing behind it, or its text: zcat FILE | migsim learn -'
          : 'is gzip that breaks off or is damaged; expected a whole file, or its text: zcat FILE | migsim learn -';
    throw new UsageError(message, { file });
  }
}

/** RFC 1952: a header of ten bytes, and what its flags announce; behind the deflated data a checksum and a length. */
const HEADER = 10;
const TRAILER = 8;
const [HCRC, EXTRA, NAME, COMMENT] = [2, 4, 8, 16];

/** Whether the first member is whole and something is behind it. */
function hasMoreBehind(bytes: Uint8Array, mostBytes: number): boolean {
  const flags = bytes[3] ?? 0;
  let at = HEADER;
  if ((flags & EXTRA) !== 0) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const flag of [NAME, COMMENT]) if ((flags & flag) !== 0) at = bytes.indexOf(0, at) + 1;
  if ((flags & HCRC) !== 0) at += 2;
  const deflated = bytes.subarray(at);
  try {
    // Inflating the data alone ends where they end; the types of Node know of the bytes only.
    const result: unknown = inflateRawSync(deflated, { info: true, maxOutputLength: mostBytes });
    const engine = isMap(result) ? result['engine'] : null;
    const read =
      typeof engine === 'object' && engine !== null && 'bytesWritten' in engine ? engine.bytesWritten : 0;
    return deflated.length > Number(read) + TRAILER && Number(read) > 0;
  } catch {
    return false;
  }
}
