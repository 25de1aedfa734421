/** Logs as commands take them: files, or standard input. */
import { UsageError, errorCode } from '../../errors.js';
import { noSuchFile, readInput } from '../../files.js';
import { decodeText } from '../../formats/text.js';
import { decompressed } from './compressed.js';

/** Larger files are refused: a poll each 200 ms for a week has 1.5 GB of replies, of which a part suffices. */
const MOST_BYTES = 512 * 2 ** 20;

/** What errors call it. */
export function nameOfLog(path: string): string {
  return path === '-' ? 'standard input' : path;
}

const EXPECTED = 'the log of a migration, or - for standard input';

const UNREADABLE: Readonly<Record<string, string>> = {
  EISDIR: 'is a folder; expected a log of a migration, or readings',
  TOO_LARGE: 'is larger than 512 MiB; give the part with the migration',
  SILENT: 'is a pipe or a device that sends nothing; expected a log of a migration, or readings',
};

/** Throws `UsageError` when there is none, and when it is too large. */
export function readLogFile(path: string): string {
  const file = nameOfLog(path);
  try {
    return decodeText(decompressed(readInput(path === '-' ? 0 : path, MOST_BYTES), MOST_BYTES, file));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = errorCode(error) ?? 'unknown reason';
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new UsageError(noSuchFile(path, EXPECTED), { file });
    throw new UsageError(UNREADABLE[code] ?? `cannot be read (${code})`, { file });
  }
}
