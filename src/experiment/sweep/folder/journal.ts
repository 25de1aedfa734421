/**
 * How far runs.csv is known to be what was written: after each unit a line with the number of bytes and the SHA-256 of
 * all of them. A sweep that goes on keeps the rows up to the last line that still holds, and runs the others again.
 */
import { type Hash, createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const CHUNK = 1 << 20;

export interface Checksum {
  bytes: number;
  hash: Hash;
}

export function newChecksum(): Checksum {
  return { bytes: 0, hash: createHash('sha256') };
}

export function extend(sum: Checksum, bytes: Uint8Array): void {
  sum.hash.update(bytes);
  sum.bytes += bytes.length;
}

/** Its bytes and their SHA-256, hexadecimal. */
export function stateOfSum({ bytes, hash }: Checksum): [bytes: number, sha256: string] {
  return [bytes, hash.copy().digest('hex')];
}

export function journalLine(sum: Checksum): string {
  return `${stateOfSum(sum).join(' ')}\n`;
}

/** SHA-256 of a whole file, hexadecimal. */
export function checksumOf(path: string): string {
  return checksumUpTo(path, Infinity).hash.digest('hex');
}

/** Of a file's first `bytes`, or all of them where it has fewer. */
export function checksumUpTo(path: string, bytes: number): Checksum {
  const sum = newChecksum();
  const file = openSync(path, 'r');
  try {
    readUpTo(file, sum, bytes, Buffer.allocUnsafe(CHUNK));
  } finally {
    closeSync(file);
  }
  return sum;
}

/** The part at the start of the file that the journal confirms. */
export function confirmed(path: string, journal: string): Checksum {
  const sum = newChecksum();
  let last: Checksum = { bytes: 0, hash: sum.hash.copy() };
  const file = openSync(path, 'r');
  const buffer = Buffer.allocUnsafe(CHUNK);
  try {
    for (const line of linesOf(journal)) {
      const match = /^(\d+) ([0-9a-f]{64})$/.exec(line);
      if (match === null || Number(match[1]) < sum.bytes) break;
      readUpTo(file, sum, Number(match[1]), buffer);
      if (sum.bytes !== Number(match[1]) || sum.hash.copy().digest('hex') !== match[2]) break;
      last = { bytes: sum.bytes, hash: sum.hash.copy() };
    }
  } finally {
    closeSync(file);
  }
  return last;
}

function linesOf(journal: string): string[] {
  try {
    return readFileSync(journal, 'latin1').split('\n');
  } catch {
    return [];
  }
}

function readUpTo(file: number, sum: Checksum, end: number, buffer: Buffer): void {
  while (sum.bytes < end) {
    const count = readSync(file, buffer, 0, Math.min(CHUNK, end - sum.bytes), sum.bytes);
    if (count === 0) return;
    sum.hash.update(buffer.subarray(0, count));
    sum.bytes += count;
  }
}
