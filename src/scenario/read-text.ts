/** Reads the text of a file that a user named, at a bounded cost. */
import { join } from 'node:path';
import { UsageError, errorMessage, errorCode } from '../errors.js';
import { namesIn, noSuchFile, readInput } from '../files.js';

/** Scenario files are written by hand; what is larger is something else. */
const MOST_BYTES = 2 ** 24;

/** What is expected of a file that may be either. */
export const SWEEP_OR_SCENARIO = 'a scenario or a sweep (YAML)';

/** The text of a file. @throws UsageError when there is none, when it is a folder, when it is not text */
export function readText(path: string, expected = 'a scenario file (YAML)'): string {
  let bytes: Buffer;
  try {
    bytes = readInput(path, MOST_BYTES);
  } catch (error) {
    throw unreadable(path, error, expected);
  }
  if (bytes.includes(0)) throw new UsageError(`a binary file; expected ${expected}`, { file: path });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`not UTF-8 text; expected ${expected}`, { file: path });
  }
}

function unreadable(path: string, error: unknown, expected: string): UsageError {
  const code = errorCode(error);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new UsageError(noSuchFile(path, expected), { file: path });
    case 'EISDIR':
      return new UsageError(`a folder; expected ${expected}${anyIn(path)}`, { file: path });
    case 'TOO_LARGE':
      return new UsageError(`larger than 16MiB; expected ${expected}`, { file: path });
    case 'SILENT':
      return new UsageError(`a pipe or a device that sends nothing; expected ${expected}`, {
        file: path,
      });
    default:
      return new UsageError(`cannot be read (${code ?? errorMessage(error)}); expected ${expected}`, {
        file: path,
      });
  }
}

function anyIn(folder: string): string {
  const name = namesIn(folder).find((file) => /\.ya?ml$/.test(file));
  return name === undefined ? '' : ` such as ${join(folder, name)}`;
}
