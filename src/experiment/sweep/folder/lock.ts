/**
 * One writer per folder. The lock names its process; one whose process is gone, as after kill -9, does not count.
 * Two sweeps in one folder would each append rows to the same file.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { UsageError, errorCode } from '../../../errors.js';

const LOCK = 'writing.lock';

/** Takes the folder, and returns what gives it back. Throws `UsageError` while another process has it. */
export function lockFolder(folder: string): () => void {
  const path = join(folder, LOCK);
  const own = ownerText();
  if (!created(path, own)) {
    const other = readOrEmpty(path);
    if (isAlive(other)) throw taken(folder, other);
    // Moved away first: of two processes that find it stale, only one can do so, and it sees if it took a fresh one.
    const stale = `${path}.${process.pid}`;
    moveAway(path, stale);
    const moved = readOrEmpty(stale);
    if (moved !== other && isAlive(moved)) {
      renameSync(stale, path);
      throw taken(folder, moved);
    }
    rmSync(stale, { force: true });
    if (!created(path, own)) throw taken(folder, readOrEmpty(path));
  }
  const release = (): void => {
    process.off('exit', release);
    if (readOrEmpty(path) === own) rmSync(path, { force: true });
  };
  process.on('exit', release);
  return release;
}

function created(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    // Made, and not written: a disk that is full.
    rmSync(path, { force: true });
    throw error;
  }
}

function moveAway(path: string, to: string): void {
  try {
    renameSync(path, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Host, process, and when that process started: numbers of processes are used again. */
function ownerText(): string {
  return `${hostname()} ${process.pid} ${startOf(process.pid)}\n`;
}

function isAlive(owner: string): boolean {
  const [host, id, start] = owner.trim().split(' ');
  if (host === undefined || id === undefined || start === undefined || !/^\d+$/.test(id)) return false;
  // Nothing can be known of another machine's processes.
  if (host !== hostname()) return true;
  try {
    process.kill(Number(id), 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
  }
  return startOf(Number(id)) === start;
}

/** In clock ticks since the machine started; `?` where the system does not show it. */
function startOf(pid: number): string {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  // The name, which may hold anything, ends with the last bracket; the start is the 20th field after it (proc(5)).
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?';
}

function taken(folder: string, owner: string): UsageError {
  const [host, id] = owner.trim().split(' ');
  const who = host === hostname() ? `process ${id}` : `process ${id} on ${host}`;
  return new UsageError(
    `${folder} is being written by ${who}; wait for it, or choose another --out ` +
      `(remove ${join(folder, LOCK)} if that process is gone)`,
  );
}
