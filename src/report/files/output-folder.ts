/** A folder of output files that appear all at once and complete, or not at all. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../../errors.js';

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
  const files = new Map<string, number>();
  const part = (name: string): string => join(folder, `${name}.part`);

  const abandon = (): void => {
    for (const [name, file] of files) {
      closeSync(file);
      rmSync(part(name), { force: true });
    }
    files.clear();
    removeEmpty(missing);
  };

  const cannotWrite = (error: unknown, path = folder): UsageError =>
    new UsageError(`cannot write to ${path}: ${reasonOf(error)}`);

  try {
    makeFolder(folder);
    const taken = names.find((name) =>
      statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory(),
    );
    if (taken !== undefined) {
      const isFolder = Object.assign(new Error('a folder'), { code: 'EISDIR' });
      throw cannotWrite(isFolder, join(folder, taken));
    }
    for (const name of names) files.set(name, openSync(part(name), 'w'));
  } catch (error) {
    abandon();
    throw error instanceof UsageError ? error : cannotWrite(error);
  }

  return {
    append(name, content) {
      const file = files.get(name);
      if (file === undefined) throw new Error(`${name} was not opened`);
      try {
        writeFileSync(file, content);
      } catch (error) {
        throw cannotWrite(error);
      }
    },
    finish() {
      for (const file of files.values()) closeSync(file);
      const paths = [...files.keys()].map((name) => {
        renameSync(part(name), join(folder, name));
        return join(folder, name);
      });
      files.clear();
      return paths;
    },
    abandon,
  };
}

/**
 * One file, tried at once and written whole by the function that is returned. What an older one says stays until then.
 * Throws `UsageError` when it cannot be written to.
 */
export function openOutputFile(path: string): (content: string | Uint8Array) => void {
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

/** Makes a folder and those on the way to it. Throws Node's error where one cannot be made, EEXIST where a file stands. */
export function makeFolder(folder: string): void {
  // One by one: Node's own recursion never returns where a folder such as /proc takes none.
  for (const path of missingFolders(folder).toReversed()) mkdirSync(path);
  if (!statSync(folder).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'EEXIST' });
}

/** Folders on the way to `folder` that do not exist yet, the deepest first. */
function missingFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let path = resolve(folder); !existsSync(path); path = dirname(path)) missing.push(path);
  return missing;
}

function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      // It was never made, or somebody else has put something there by now.
      return;
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
  EISDIR: 'a folder stands where a file should be',
  ENAMETOOLONG: 'the name is too long',
};

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? (code === undefined ? message : code);
}
