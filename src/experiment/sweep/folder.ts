/**
 * The folder of a sweep. Its files grow under temporary names, and runs.csv gets its own last: a folder with runs.csv is
 * finished, one with runs.csv.part and the plan.json of the same sweep can be gone on with, whenever its writer was killed.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { keysOf } from '../../lists.js';
import { UsageError, errorCode, errorMessage } from '../../errors.js';
import { linkStatusOf, statusOf } from '../../files.js';
import { version } from '../manifest.js';
import { checksumOf, confirmed, extend, journalLine, newChecksum } from './journal.js';
import { lockFolder } from './lock.js';
import type { Shard } from './shard.js';
import { type SweepSpec, hashOf } from './spec.js';

/** What it takes to repeat a sweep to the last byte. */
export interface SweepManifest {
  /** Versions of migsim and of Node.js. */
  readonly migsim: string;
  readonly node: string;
  /** The words after `migsim`, without those that do not change the results. */
  readonly command: readonly string[];
  /** SHA-256 of all that decides the results, hexadecimal. */
  readonly hash: string;
  readonly sweep: SweepSpec;
}

/** What plan.json says. */
export interface PlanFile extends SweepManifest {
  /** null: the whole. */
  readonly shard: Shard | null;
  /** SHA-256 of the finished runs.csv, hexadecimal. */
  readonly runsSha256?: string;
}

export const RUNS = 'runs.csv';
const PLAN = 'plan.json';
const JOURNAL = 'runs.sha256';

export function planFileOf(spec: SweepSpec, shard: Shard | null, command: readonly string[]): PlanFile {
  return { migsim: version(), node: process.version, command, hash: hashOf(spec), shard, sweep: spec };
}

/** `fresh`: nothing of this sweep is there; `begun`: it can be gone on with; `finished`: nothing is left to do. */
export type FolderState = 'fresh' | 'begun' | 'finished';

/** Throws `UsageError` when the folder belongs to something else. */
export function stateOf(folder: string, plan: PlanFile): FolderState {
  const found = readPlan(folder);
  if (found === null) {
    const taken = OWN_NAMES.find((name) => existsSync(join(folder, name)));
    if (taken === undefined) return 'fresh';
    throw new UsageError(
      `${folder} holds other results (${taken}); expected a new folder: choose another --out`,
    );
  }
  if (found.hash !== plan.hash || JSON.stringify(found.shard) !== JSON.stringify(plan.shard)) {
    throw new UsageError(
      `${folder} holds another sweep (${differenceOf(found, plan)}); to start afresh, remove it or choose another --out`,
    );
  }
  if (existsSync(join(folder, RUNS))) {
    requireWhole(folder, found);
    return 'finished';
  }
  return existsSync(partOf(join(folder, RUNS))) ? 'begun' : 'fresh';
}

/** What a sweep writes, and would replace. */
const OWN_NAMES = [
  RUNS,
  `${RUNS}.part`,
  'summary.csv',
  'differences.csv',
  'skipped.csv',
  'runs.parquet',
  'summary.parquet',
  'manifest.json',
] as const;

/** Throws `UsageError` when runs.csv is not, byte for byte, what its sweep wrote. */
export function requireWhole(folder: string, { runsSha256 }: PlanFile): void {
  const file = join(folder, RUNS);
  if (runsSha256 !== undefined && checksumOf(file) === runsSha256) return;
  throw new UsageError(
    'not what the sweep wrote: cut short or changed since; remove the folder and run it again',
    { file },
  );
}

/** null: there is none. Throws `UsageError` for one that is not of a sweep. */
export function readPlan(folder: string): PlanFile | null {
  const path = join(folder, PLAN);
  if (!existsSync(path)) return null;
  try {
    const plan = JSON.parse(readFileSync(path, 'utf8')) as Partial<PlanFile> | null;
    if (typeof plan?.hash === 'string' && plan.sweep !== undefined) return plan as PlanFile;
  } catch {
    // Said below.
  }
  throw new UsageError('not the plan of a sweep; remove the folder to start afresh', { file: path });
}

function differenceOf(found: PlanFile, wanted: PlanFile): string {
  const parts = keysOf(wanted.sweep);
  const differing: string[] = parts.filter(
    (part) => JSON.stringify(found.sweep[part]) !== JSON.stringify(wanted.sweep[part]),
  );
  if (found.migsim !== wanted.migsim || found.node.split('.')[0] !== wanted.node.split('.')[0])
    differing.push('versions');
  if (JSON.stringify(found.shard) !== JSON.stringify(wanted.shard)) differing.push('shard');
  return `other ${differing.filter((part) => part !== 'question').join(', ')}`;
}

export interface SweepFiles {
  append(name: string, text: string): void;
  /** Cuts what was there of runs.csv. */
  keep(bytes: number): void;
  /** Gives all files their names, runs.csv last, and returns their paths. */
  finish(): string[];
  /** Leaves what there is, to be gone on with. */
  close(): void;
  /** Removes what was written. */
  abandon(): void;
}

/**
 * Opens `names`, runs.csv among them, for this process alone; what there was of runs.csv stays as far as its journal
 * confirms it. Throws `UsageError` when one cannot be written, or another process has the folder.
 */
export function openFiles(
  folder: string,
  plan: PlanFile,
  names: readonly string[],
  begun: boolean,
): SweepFiles {
  const files = new Map<string, number>();
  const runsPart = partOf(join(folder, RUNS));
  const journalPart = partOf(join(folder, JOURNAL));
  let sum = newChecksum();
  const writing = <Result>(write: () => Result): Result => {
    try {
      return write();
    } catch (error) {
      throw error instanceof UsageError ? error : cannotWrite(folder, error);
    }
  };
  const unlock = writing(() => {
    mkdirSync(folder, { recursive: true });
    return lockFolder(folder);
  });
  const close = (): void => {
    for (const file of files.values()) closeSync(file);
    files.clear();
    unlock();
  };
  const keep = (bytes: number): void => {
    ftruncateSync(files.get(RUNS)!, bytes);
    ftruncateSync(files.get(JOURNAL)!, 0);
    if (bytes !== sum.bytes) throw new Error(`${bytes} of ${sum.bytes} confirmed bytes are whole units`);
    if (bytes > 0) writeFileSync(files.get(JOURNAL)!, journalLine(sum));
  };
  try {
    writing(() => {
      const state = stateOf(folder, plan);
      if (state !== (begun ? 'begun' : 'fresh'))
        throw new UsageError(`${folder} was changed by another process; run the same command again`);
      // The plan comes first: without it, nobody would know what the rows are of.
      if (!begun) writePlan(folder, plan);
      if (begun) sum = confirmed(runsPart, journalPart);
      for (const name of [...names, JOURNAL]) {
        const flags = begun && (name === RUNS || name === JOURNAL) ? 'a' : 'w';
        files.set(name, openOwn(partOf(join(folder, name)), flags));
      }
      if (begun) keep(sum.bytes);
    });
  } catch (error) {
    close();
    throw error;
  }
  const append = (name: string, text: string): void => {
    writeFileSync(files.get(name)!, text);
    if (name !== RUNS) return;
    extend(sum, text);
    writeFileSync(files.get(JOURNAL)!, journalLine(sum));
  };
  return {
    append: (name, text) => writing(() => append(name, text)),
    keep: (bytes) => writing(() => keep(bytes)),
    finish: () =>
      writing(() => {
        const written = [...files.keys()].filter((name) => name !== RUNS && name !== JOURNAL);
        for (const file of files.values()) closeSync(file);
        files.clear();
        writePlan(folder, { ...plan, runsSha256: sum.hash.copy().digest('hex') });
        for (const name of [...written, RUNS]) renameSync(partOf(join(folder, name)), join(folder, name));
        rmSync(journalPart, { force: true });
        unlock();
        return [RUNS, ...written, PLAN].map((name) => join(folder, name));
      }),
    close,
    abandon() {
      const parts = [...files.keys()].map((name) => partOf(join(folder, name)));
      close();
      for (const path of [...parts, join(folder, PLAN)]) rmSync(path, { force: true });
      if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
    },
  };
}

/** Never through a link to a file elsewhere, nor into a pipe, which waits for a reader. */
function openOwn(path: string, flags: string): number {
  const there = statusOf(path);
  const linked = linkStatusOf(path)?.isSymbolicLink() === true;
  if (there?.isFIFO() === true || (linked && there?.isCharacterDevice() !== true))
    throw new UsageError('a link or a pipe; expected a regular file', { file: path });
  return openSync(path, flags);
}

/** Whole or not at all. */
function writePlan(folder: string, plan: PlanFile): void {
  const path = join(folder, PLAN);
  const file = openOwn(partOf(path), 'w');
  try {
    writeFileSync(file, `${JSON.stringify(plan, null, 2)}\n`);
  } finally {
    closeSync(file);
  }
  renameSync(partOf(path), path);
}

export function partOf(path: string): string {
  return `${path}.part`;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file would be larger than allowed',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
};

function cannotWrite(folder: string, error: unknown): UsageError {
  const reason = REASONS[errorCode(error) ?? ''] ?? errorMessage(error);
  return new UsageError(`cannot write to ${folder}: ${reason}`);
}
