/** Logs that were compressed when they were rotated: gzip is read, and of the others it is said how to read them. */
import { gunzipSync } from 'node:zlib';
import { UsageError, errorCode } from '../../errors.js';

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
        : 'is gzip that breaks off or is damaged; expected a whole file, or its text: zcat FILE | migsim learn -';
    throw new UsageError(message, { file });
  }
}
