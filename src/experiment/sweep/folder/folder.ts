/**
 * The folder of a sweep. Its files grow under temporary names, and runs.csv gets its own last: a folder with runs.csv is
 * finished, one with runs.csv.part and the plan.json of the same sweep can be gone on with, whenever its writer was killed.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keysOf } from '../../../lists.js';
import { UsageError } from '../../../errors.js';
import { linkStatusOf, statusOf } from '../../../files.js';
import { version } from '../../version.js';
import { checksumOf } from './journal.js';
import type { Shard } from '../shard.js';
import { type SweepSpec, hashOf } from '../spec.js';

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
  /** The same of each other finished file, by its name. */
  readonly filesSha256?: Readonly<Record<string, string>>;
}

/** What the plan says of the sweep, without what it says of the files. */
export function manifestOf(plan: PlanFile): SweepManifest {
  const { shard: _, runsSha256: _runs, filesSha256: _files, ...manifest } = plan;
  return manifest;
}

export const RUNS = 'runs.csv';
export const PLAN = 'plan.json';
export const JOURNAL = 'runs.sha256';
export const MARKS = 'cells.jsonl';

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

/** Throws `UsageError` when a file is not, byte for byte, what its sweep wrote. */
export function requireWhole(folder: string, { runsSha256 = '', filesSha256 = {} }: PlanFile): void {
  for (const [name, sha256] of Object.entries({ [RUNS]: runsSha256, ...filesSha256 })) {
    const file = join(folder, name);
    const isThere = existsSync(file);
    if (isThere && checksumOf(file) === sha256) continue;
    const what = isThere
      ? 'not what the sweep wrote: cut short or changed since'
      : 'missing, though the sweep wrote it';
    throw new UsageError(`${what}; remove the folder and run it again`, { file });
  }
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

/** Never through a link to a file elsewhere, nor into a pipe, which waits for a reader. */
export function openOwn(path: string, flags: string): number {
  const there = statusOf(path);
  const linked = linkStatusOf(path)?.isSymbolicLink() === true;
  if (there?.isFIFO() === true || (linked && there?.isCharacterDevice() !== true))
    throw new UsageError('a link or a pipe; expected a regular file', { file: path });
  return openSync(path, flags);
}

/** Whole or not at all. */
export function writePlan(folder: string, plan: PlanFile): void {
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
