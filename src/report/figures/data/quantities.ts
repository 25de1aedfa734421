/** Values of a varied parameter as a scenario has them (`10Gbit/s`, `4`, `zstd`), as places on an axis. */
import { UsageError } from '../../../errors.js';
import { parseBytes, parseBytesPerSecond, parseDurationUs, parseShare } from '../../../units.js';

const READERS = [readNumber, parseBytesPerSecond, parseBytes, parseDurationUs, parseShare];

/** null when they are not all numbers or quantities of one kind. */
export function asNumbers(texts: readonly string[]): number[] | null {
  for (const read of READERS) {
    const values = texts.map((text) => tried(read, text));
    if (values.every((value) => value !== null)) return values;
  }
  return null;
}

function readNumber(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isNaN(value)) throw new UsageError(`cannot read ${JSON.stringify(text)} as a number`);
  return value;
}

function tried(read: (text: string) => number, text: string): number | null {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}
