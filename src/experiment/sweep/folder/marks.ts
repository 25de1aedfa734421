/**
 * How far a sweep had come whenever a cell was complete: a line for each, with what the files hold by then. A sweep that goes
 * on takes these cells as they are in summary.csv and differences.csv, and reads only the rows of the one that was unfinished.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { statusOf } from '../../../files.js';
import { type Checksum, checksumUpTo, stateOfSum } from './journal.js';
import { DIFFERENCES, SUMMARY } from './results.js';

/** Files that grow by whole cells. */
export const BY_CELL = [SUMMARY, DIFFERENCES] as const;
export type ByCell = (typeof BY_CELL)[number];

export interface Mark {
  /** Position of the first unit of the next cell. */
  readonly next: number;
  /** Rows of all units before, and the bytes of runs.csv that hold them. */
  readonly rows: number;
  readonly bytes: number;
  /** Of each file that grows by cells, its bytes and their SHA-256, hexadecimal. A shard has none. */
  readonly files: Readonly<Partial<Record<ByCell, readonly [bytes: number, sha256: string]>>>;
}

/** `hash`: that of the plan. A line carries its own checksum, so that a changed one is not believed. */
export function markLine(mark: Mark, hash: string): string {
  const text = JSON.stringify(mark);
  return `${sealOf(text, hash)} ${text}\n`;
}

function sealOf(text: string, hash: string): string {
  return createHash('sha256').update(`${hash} ${text}`).digest('hex');
}

/** A mark that holds. */
export interface FoundMark extends Mark {
  /** Where its line ends in the file. */
  readonly end: number;
  /** Of each file that grows by cells, as far as the mark goes. */
  readonly sums: ReadonlyMap<string, Checksum>;
}

/**
 * The last mark that still holds: of rows within the first `bytes` of runs.csv, and with the files `names` as they were.
 * null: there is none, and all rows are to be read.
 */
export function lastMark(
  path: string,
  hash: string,
  bytes: number,
  names: readonly ByCell[],
  pathOf: (name: string) => string,
): FoundMark | null {
  const mark = markedBefore(path, hash, bytes);
  if (mark === null) return null;
  const sums = new Map<string, Checksum>();
  for (const name of names) {
    const [size, sha256] = mark.files[name] ?? [];
    const there = statusOf(pathOf(name));
    if (size === undefined || there?.isFile() !== true || there.size < size) return null;
    const sum = checksumUpTo(pathOf(name), size);
    if (stateOfSum(sum)[1] !== sha256) return null;
    sums.set(name, sum);
  }
  return { ...mark, sums };
}

function markedBefore(path: string, hash: string, bytes: number): Omit<FoundMark, 'sums'> | null {
  const text = textOf(path);
  for (let end = text.lastIndexOf('\n'); end >= 0;) {
    const begin = text.lastIndexOf('\n', end - 1);
    const [, seal, json = ''] = /^([0-9a-f]{64}) (\{.*\})$/.exec(text.slice(begin + 1, end)) ?? [];
    if (seal === sealOf(json, hash)) {
      const mark = JSON.parse(json) as Mark;
      if (mark.bytes <= bytes) return { ...mark, end: end + 1 };
    }
    end = begin;
  }
  return null;
}

function textOf(path: string): string {
  try {
    // Offsets are bytes: all that a line holds is ASCII.
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
