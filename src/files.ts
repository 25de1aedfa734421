/** What stands at a path of a user's, reading it at a bounded cost, and what must not stay there half-written. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  statSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode } from './errors.js';
import { nearest } from './suggest.js';

/** Longest wait for a pipe that nothing comes from, and the pause between two looks at it, ms. */
const LONGEST_SILENCE_MS = 5000;
const PAUSE_MS = 10;
const CHUNK_BYTES = 2 ** 16;
const INFINITY = Infinity;

/** What `path` leads to; undefined where that is nothing, or where it cannot be followed (a file on the way, a circle of links). */
export function statusOf(path: string): Stats | undefined {
  return orNothing(() => statSync(path));
}

/** The same of what itself stands there, a link included. */
export function linkStatusOf(path: string): Stats | undefined {
  return orNothing(() => lstatSync(path));
}

// Node's own `throwIfNoEntry: false` throws for all but ENOENT.
function orNothing(look: () => Stats): Stats | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/**
 * All that can be read from `source`, a path or the descriptor of standard input: a file, or a pipe that someone writes to.
 * Throws Node's error where it cannot be read, and errors of its own code: `TOO_LARGE` when more than `mostBytes` come,
 * `SILENT` when nothing comes from a pipe for `longestSilenceMs`.
 */
export function readInput(
  source: string | 0,
  mostBytes: number,
  longestSilenceMs = LONGEST_SILENCE_MS,
): Buffer {
  // Who pipes something in starts it with migsim: it may take its time.
  if (source === 0) return readAll(0, mostBytes, INFINITY);
  // Opening a pipe would otherwise wait for a writer, without end.
  const file = openSync(source, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const there = fstatSync(file);
    if (there.isFile() && there.size > mostBytes) throw failure('TOO_LARGE');
    const isPatient = !there.isFile() && !there.isDirectory();
    return readAll(file, mostBytes, isPatient ? longestSilenceMs : 0);
  } finally {
    closeSync(file);
  }
}

function readAll(file: number, mostBytes: number, longestSilenceMs: number): Buffer {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (let silentMs = 0; ;) {
    const part = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = readSome(file, part);
    if (count > 0) {
      bytes += count;
      silentMs = 0;
      if (bytes > mostBytes) throw failure('TOO_LARGE');
      parts.push(part.subarray(0, count));
      continue;
    }
    // A named pipe without a writer is at its end before one has come.
    const mayBegin = bytes === 0 && longestSilenceMs > 0 && file !== 0;
    if (count === 0 && !mayBegin) return Buffer.concat(parts, bytes);
    if (silentMs >= longestSilenceMs) throw failure('SILENT');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    silentMs += PAUSE_MS;
  }
}

/** Bytes read; 0 at the end; -1 while nothing has come yet. */
function readSome(file: number, into: Buffer): number {
  try {
    return readSync(file, into);
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return -1;
    throw error;
  }
}

function failure(code: 'TOO_LARGE' | 'SILENT'): Error {
  return Object.assign(new Error(code), { code });
}

const NOT_WRITTEN: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file would be larger than allowed',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
  EISDIR: 'a folder stands where a file should be',
  ENAMETOOLONG: 'the name is too long',
  EPIPE: 'nothing reads it',
  NOT_REGULAR: 'it is a device, a pipe or a link; expected a regular file',
};

/** What an error of the system means for a file that is to be written; undefined for one that is not expected there. */
export function whyNotWritten(error: unknown): string | undefined {
  return NOT_WRITTEN[errorCode(error) ?? ''];
}

/** Of a path that leads nowhere: `no such file; did you mean …?` from the folder where it goes wrong, else what was expected. */
export function noSuchFile(path: string, expected: string, what = 'file'): string {
  const meant = meantBy(path);
  return `no such ${what}; ${meant === undefined ? `expected ${expected}` : `did you mean ${meant}?`}`;
}

function meantBy(path: string): string | undefined {
  const folder = dirname(path);
  const name = basename(path);
  if (folder === path || name === '..') return undefined;
  const there = statusOf(folder)?.isDirectory() === true ? folder : meantBy(folder);
  if (there === undefined) return undefined;
  const names = namesIn(there);
  const meant = names.includes(name) ? name : nearest(name, names);
  return meant === undefined ? undefined : join(there, meant);
}

/** Sorted; none where it cannot be read. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Something on disk that is not yet what was asked for. */
export interface Unfinished {
  /** Called when the program is ended before it was done. */
  undo(): void;
  /** For the user, when it was undone: `12 runs are kept in results/mine`. */
  readonly left: () => string;
}

const unfinished = new Set<Unfinished>();

/** Has it undone if the program is ended before the function that is returned was called. */
export function untilDone(one: Unfinished): () => void {
  unfinished.add(one);
  return () => void unfinished.delete(one);
}

/** Undoes all that is unfinished, and returns what is to be said of it. */
export function undoUnfinished(): string[] {
  const all = [...unfinished];
  unfinished.clear();
  for (const { undo } of all) undo();
  return all.map(({ left }) => left());
}

/** Removes folders that are empty, given the deepest first. */
export function removeEmpty(folders: Iterable<string>): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      // It was never made, or another process has put something there by now.
      return;
    }
  }
}
