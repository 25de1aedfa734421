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
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.js';
import { version } from '../manifest.js';
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
}

export const RUNS = 'runs.csv';
const PLAN = 'plan.json';

export function planFileOf(spec: SweepSpec, shard: Shard | null, command: readonly string[]): PlanFile {
  return { migsim: version(), node: process.version, command, hash: hashOf(spec), shard, sweep: spec };
}

/** `fresh`: nothing of this sweep is there; `begun`: it can be gone on with; `finished`: nothing is left to do. */
export type FolderState = 'fresh' | 'begun' | 'finished';

/** Throws `UsageError` when the folder belongs to something else. */
export function stateOf(folder: string, plan: PlanFile): FolderState {
  const found = readPlan(folder);
  if (found === null) {
    if (!existsSync(join(folder, RUNS))) return 'fresh';
    throw new UsageError(`${folder} holds other results; expected a new folder: choose another --out`);
  }
  if (found.hash !== plan.hash || JSON.stringify(found.shard) !== JSON.stringify(plan.shard)) {
    throw new UsageError(
      `${folder} holds another sweep (${differenceOf(found, plan)}); to start afresh, remove it or choose another --out`,
    );
  }
  if (existsSync(join(folder, RUNS))) return 'finished';
  return existsSync(partOf(join(folder, RUNS))) ? 'begun' : 'fresh';
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
  const parts = Object.keys(wanted.sweep) as (keyof SweepSpec)[];
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
  close(): void;
}

/** Opens `names`, runs.csv among them; what there was of that stays. Throws `UsageError` when one cannot be written. */
export function openFiles(
  folder: string,
  plan: PlanFile,
  names: readonly string[],
  begun: boolean,
): SweepFiles {
  const files = new Map<string, number>();
  const writing = <Result>(write: () => Result): Result => {
    try {
      return write();
    } catch (error) {
      throw cannotWrite(folder, error);
    }
  };
  const close = (): void => {
    for (const file of files.values()) closeSync(file);
    files.clear();
  };
  writing(() => {
    mkdirSync(folder, { recursive: true });
    // The plan comes first: without it, nobody would know what the rows are of.
    if (!begun) writePlan(folder, plan);
    for (const name of names) {
      const flags = begun && name === RUNS ? 'a' : 'w';
      files.set(name, openSync(partOf(join(folder, name)), flags));
    }
  });
  return {
    append: (name, text) => writing(() => writeFileSync(files.get(name)!, text)),
    keep: (bytes) => writing(() => ftruncateSync(files.get(RUNS)!, bytes)),
    finish: () =>
      writing(() => {
        const names = [...files.keys()].sort((a, b) => Number(a === RUNS) - Number(b === RUNS));
        close();
        for (const name of names) renameSync(partOf(join(folder, name)), join(folder, name));
        return [RUNS, ...names.slice(0, -1), PLAN].map((name) => join(folder, name));
      }),
    close,
  };
}

/** Whole or not at all. */
function writePlan(folder: string, plan: PlanFile): void {
  const path = join(folder, PLAN);
  writeFileSync(partOf(path), `${JSON.stringify(plan, null, 2)}\n`);
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
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new UsageError(`cannot write to ${folder}: ${REASONS[code] ?? message}`);
}
