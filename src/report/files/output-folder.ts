/** A folder of output files that appear all at once and complete, or not at all. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError, errorCode, errorMessage } from '../../errors.js';
import { linkStatusOf, removeEmpty, statusOf, untilDone, whyNotWritten } from '../../files.js';

export interface OutputFolder {
  append(name: string, content: string | Uint8Array): void;
  /** Gives the files their names and returns their paths, in the order in which they were asked for. */
  finish(): string[];
  /** Removes what was written, and the folders that were made for it. */
  abandon(): void;
}

/** Opens all files under temporary names. Throws `UsageError` when the folder cannot be made or written to. */
export function openOutputFolder(folder: string, names: readonly string[]): OutputFolder {
  const missing = missingFolders(folder);
  const files = new Map<string, Part>();

  const abandon = (): void => {
    done();
    for (const { path, file } of files.values()) {
      closeSync(file);
      rmSync(path, { force: true });
    }
    files.clear();
    removeEmpty(missing);
  };

  const done = untilDone({ undo: abandon, left: () => `nothing is written to ${folder}` });
  const cannotWrite = (error: unknown, path = folder): UsageError =>
    new UsageError(`cannot write to ${path}: ${reasonOf(error)}`);

  try {
    makeFolder(folder);
    for (const name of names) {
      const why = replacingIsWrong(join(folder, name));
      if (why !== null) throw cannotWrite(why, join(folder, name));
    }
    for (const name of names) files.set(name, openPart(join(folder, name)));
  } catch (error) {
    abandon();
    throw error instanceof UsageError ? error : cannotWrite(error);
  }

  return {
    append(name, content) {
      const part = files.get(name);
      if (part === undefined) throw new Error(`${name} was not opened`);
      try {
        writeFileSync(part.file, content);
      } catch (error) {
        throw cannotWrite(error);
      }
    },
    finish() {
      done();
      for (const { file } of files.values()) closeSync(file);
      const paths = [...files].map(([name, { path }]) => {
        renameSync(path, join(folder, name));
        return join(folder, name);
      });
      files.clear();
      return paths;
    },
    abandon,
  };
}

interface Part {
  readonly path: string;
  readonly file: number;
}

/** A new file next to `path`. One that exists, a link included, belongs to someone else: the next name is taken. */
function openPart(path: string): Part {
  for (let attempt = 1; ; attempt++) {
    const part = attempt === 1 ? `${path}.part` : `${path}.${attempt}.part`;
    try {
      return { path: part, file: openSync(part, 'wx') };
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' || attempt === MOST_PARTS) throw error;
    }
  }
}

const MOST_PARTS = 100;

/** Why a finished file must not take this place; null: nothing is there, or a regular file. */
function replacingIsWrong(path: string): Error | null {
  const there = linkStatusOf(path);
  if (there === undefined || there.isFile()) return null;
  const code = there.isDirectory() ? 'EISDIR' : 'NOT_REGULAR';
  return Object.assign(new Error('not a regular file'), { code });
}

/**
 * One file, tried at once and written whole by the function that is returned. What an older one says stays until then.
 * A device, a pipe or a symbolic link is written through and stays what it is.
 * Throws `UsageError` when it cannot be written to.
 */
export function openOutputFile(path: string): (content: string | Uint8Array) => void {
  const there = linkStatusOf(path);
  if (there !== undefined && !there.isFile() && !there.isDirectory()) return openThrough(path);
  const [folder, name] = [dirname(path), basename(path)];
  openOutputFolder(folder, [name]).abandon();
  return (content) => {
    const output = openOutputFolder(folder, [name]);
    try {
      output.append(name, content);
    } catch (error) {
      output.abandon();
      throw error;
    }
    output.finish();
  };
}

/**
 * `openOutputFile` for what people edit afterwards, such as a scenario: a file that stands there and has content is theirs.
 * Throws `UsageError` for one.
 */
export function openNewFile(path: string): (content: string | Uint8Array) => void {
  const there = linkStatusOf(path);
  if (there?.isFile() === true && there.size > 0)
    throw new UsageError('exists already; expected the name of a new file', { file: path });
  return openOutputFile(path);
}

function openThrough(path: string): (content: string | Uint8Array) => void {
  const writing = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      throw new UsageError(`cannot write to ${path}: ${reasonOf(error)}`);
    }
  };
  writing(() => {
    if (statusOf(path)?.isDirectory() === true)
      throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    // A pipe is not opened before there is something to write: that waits for a reader.
    if (existsSync(path)) accessSync(path, constants.W_OK);
    else accessSync(dirname(path), constants.W_OK);
  });
  return (content) =>
    writing(() => {
      // Standard output by another name keeps its position: what is printed afterwards must not overwrite it.
      if (isStandardOutput(path)) writeFileSync(STDOUT, content);
      else writeFileSync(path, content);
    });
}

const STDOUT = 1;

function isStandardOutput(path: string): boolean {
  const there = statusOf(path);
  const out = fstatSync(STDOUT);
  return there !== undefined && there.dev === out.dev && there.ino === out.ino;
}

/** Makes a folder and those on the way to it, and returns those that it made, the deepest first. Throws Node's error where one cannot be made, EEXIST where a file stands. */
export function makeFolder(folder: string): readonly string[] {
  const missing = missingFolders(folder);
  // One by one: Node's own recursion never returns where a folder such as /proc takes none.
  for (const path of missing.toReversed()) mkdirSync(path);
  if (!statSync(folder).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'EEXIST' });
  return missing;
}

/** Folders on the way to `folder` that do not exist yet, the deepest first. */
function missingFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let path = resolve(folder); !existsSync(path); path = dirname(path)) missing.push(path);
  return missing;
}

/** What an error of the system means for a file that is to be written. */
export function reasonOf(error: unknown): string {
  return whyNotWritten(error) ?? errorCode(error) ?? errorMessage(error);
}
