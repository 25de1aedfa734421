/** The files of a sweep's folder while they grow, and what stays of them when the sweep does not end. */
import { closeSync, ftruncateSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError, errorMessage } from '../../../errors.js';
import { removeEmpty, untilDone, whyNotWritten } from '../../../files.js';
import { JOURNAL, MARKS, PLAN, type PlanFile, RUNS, openOwn, partOf, stateOf, writePlan } from './folder.js';
import {
  type Checksum,
  checksumOf,
  confirmed,
  extend,
  journalLine,
  newChecksum,
  stateOfSum,
} from './journal.js';
import { lockFolder } from './lock.js';
import { BY_CELL, type ByCell, type FoundMark, type Mark, lastMark, markLine } from './marks.js';

export interface SweepFiles {
  /** The cells of an earlier call that are taken as they are; null: none. */
  readonly taken: Mark | null;
  append(name: string, text: string | Uint8Array): void;
  /** Cuts what was there of runs.csv. */
  keep(bytes: number): void;
  /** Notes that a cell is complete: with the last row of runs.csv, or, of those there before, with the row that ends at `bytes`. */
  mark(at: Pick<Mark, 'next' | 'rows'> & { readonly bytes?: number }): void;
  /** Gives all files their names, runs.csv last, and returns their paths. */
  finish(): string[];
  /** Leaves what there is, to be gone on with; removes it where no row has come, and returns false. */
  close(): boolean;
  /** Removes what was written. */
  abandon(): void;
}

/** How the files of a folder are opened. */
export interface Opening {
  /** What there was of runs.csv stays as far as its journal confirms it. */
  readonly begun: boolean;
  /** Whether complete cells are taken as they are; else the caller wants every row, and appends their cells again. */
  readonly takesCells: boolean;
  /** What becomes of rows when the program is ended on the way: they can be gone on with, or not. */
  readonly whenEnded: 'kept' | 'removed';
}

/**
 * Opens `names`, runs.csv among them, for this process alone. Throws `UsageError` when one cannot be written, or another
 * process has the folder.
 */
export function openFiles(
  folder: string,
  plan: PlanFile,
  names: readonly string[],
  opening: Opening,
): SweepFiles {
  const files = new OpenFiles(folder, plan, opening);
  files.open(names);
  return files;
}

class OpenFiles implements SweepFiles {
  private readonly folder: string;
  private readonly plan: PlanFile;
  private readonly opening: Opening;
  private readonly files = new Map<string, number>();
  private readonly unlock: () => void;
  private readonly done: () => void;
  private sum = newChecksum();
  /** Of each file that grows by cells. */
  private readonly sums = new Map<string, Checksum>();
  private hasRows: boolean;
  private hasPlan = false;
  /** The first folder on the way that was made for it. */
  private made: string | undefined;
  taken: Mark | null = null;

  constructor(folder: string, plan: PlanFile, opening: Opening) {
    this.folder = folder;
    this.plan = plan;
    this.opening = opening;
    this.hasRows = opening.begun;
    this.unlock = this.writing(() => {
      this.made = mkdirSync(folder, { recursive: true });
      try {
        return lockFolder(folder);
      } catch (error) {
        removeEmpty(upTo(folder, this.made));
        throw error;
      }
    });
    this.done = untilDone({
      undo: () => void this.close(),
      left: () =>
        this.stays()
          ? `what is finished stays in ${folder}, and the same command goes on`
          : `nothing is written to ${folder}`,
    });
  }

  open(names: readonly string[]): void {
    const { begun } = this.opening;
    try {
      this.writing(() => {
        if (stateOf(this.folder, this.plan) !== (begun ? 'begun' : 'fresh'))
          throw new UsageError(`${this.folder} was changed by another process; run the same command again`);
        // The plan comes first: without it, the rows would have no meaning.
        this.hasPlan = !begun;
        if (!begun) writePlan(this.folder, this.plan);
        if (begun) this.sum = confirmed(this.part(RUNS), this.part(JOURNAL));
        const byCell = BY_CELL.filter((name) => names.includes(name));
        const mark = this.markThatHolds(byCell);
        const kept = [...(begun ? [RUNS, JOURNAL] : []), ...(mark === null ? [] : [MARKS, ...byCell])];
        for (const name of [...names, JOURNAL, MARKS]) {
          this.files.set(name, openOwn(this.part(name), kept.includes(name) ? 'a' : 'w'));
        }
        if (begun) this.cut(this.sum.bytes);
        this.take(mark, byCell);
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  append(name: string, text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    this.writing(() => {
      writeFileSync(this.file(name), bytes);
      const sum = this.sums.get(name);
      if (sum !== undefined) extend(sum, bytes);
      if (name !== RUNS) return;
      // The first line has the names of the columns.
      this.hasRows ||= this.sum.bytes > 0;
      extend(this.sum, bytes);
      writeFileSync(this.file(JOURNAL), journalLine(this.sum));
    });
  }

  keep(bytes: number): void {
    this.writing(() => this.cut(bytes));
  }

  mark({ next, rows, bytes = this.sum.bytes }: Parameters<SweepFiles['mark']>[0]): void {
    const files = Object.fromEntries([...this.sums].map(([name, sum]) => [name, stateOfSum(sum)]));
    const line = markLine({ next, rows, bytes, files }, this.plan.hash);
    this.writing(() => writeFileSync(this.file(MARKS), line));
  }

  finish(): string[] {
    return this.writing(() => {
      const { folder, plan } = this;
      const written = [...this.files.keys()].filter((name) => ![RUNS, JOURNAL, MARKS].includes(name));
      this.closeAll();
      const filesSha256 = Object.fromEntries(written.map((name) => [name, checksumOf(this.part(name))]));
      writePlan(folder, { ...plan, runsSha256: this.sum.hash.copy().digest('hex'), filesSha256 });
      for (const name of [...written, RUNS]) renameSync(this.part(name), join(folder, name));
      for (const name of [JOURNAL, MARKS]) rmSync(this.part(name), { force: true });
      this.leave();
      return [RUNS, ...written, PLAN].map((name) => join(folder, name));
    });
  }

  close(): boolean {
    if (this.stays()) this.leave();
    else this.abandon();
    return this.stays();
  }

  abandon(): void {
    const plans = this.hasPlan ? [PLAN, `${PLAN}.part`] : [];
    const parts = [...this.files.keys()].map((name) => partOf(name));
    this.leave();
    for (const name of [...parts, ...plans]) rmSync(join(this.folder, name), { force: true });
    removeEmpty(upTo(this.folder, this.made));
  }

  private stays(): boolean {
    return this.hasRows && this.opening.whenEnded === 'kept';
  }

  private leave(): void {
    this.done();
    this.closeAll();
    this.unlock();
  }

  private closeAll(): void {
    for (const file of this.files.values()) closeSync(file);
    this.files.clear();
  }

  private markThatHolds(names: readonly ByCell[]): FoundMark | null {
    const { begun, takesCells } = this.opening;
    if (!begun || !takesCells) return null;
    return lastMark(this.part(MARKS), this.plan.hash, this.sum.bytes, names, (name) => this.part(name));
  }

  /** Cuts what stands behind the cells of `mark` in the files that grow by them. */
  private take(mark: FoundMark | null, names: readonly ByCell[]): void {
    this.taken = mark;
    for (const name of names) this.sums.set(name, mark?.sums.get(name) ?? newChecksum());
    if (mark === null) return;
    for (const [name, { bytes }] of this.sums) ftruncateSync(this.file(name), bytes);
    ftruncateSync(this.file(MARKS), mark.end);
  }

  private cut(bytes: number): void {
    const { sum } = this;
    ftruncateSync(this.file(RUNS), bytes);
    ftruncateSync(this.file(JOURNAL), 0);
    if (bytes !== sum.bytes) throw new Error(`${bytes} of ${sum.bytes} confirmed bytes are whole units`);
    if (bytes > 0) writeFileSync(this.file(JOURNAL), journalLine(sum));
  }

  private file(name: string): number {
    const file = this.files.get(name);
    if (file === undefined) throw new Error(`${name} was not opened`);
    return file;
  }

  private part(name: string): string {
    return partOf(join(this.folder, name));
  }

  private writing<Result>(write: () => Result): Result {
    try {
      return write();
    } catch (error) {
      throw error instanceof UsageError ? error : cannotWrite(this.folder, error);
    }
  }
}

/** The folder and those that were made on the way to it, the deepest first. */
function* upTo(folder: string, made: string | undefined): Generator<string> {
  if (made === undefined) return;
  for (let path = resolve(folder); path.length >= resolve(made).length; path = dirname(path)) yield path;
}

function cannotWrite(folder: string, error: unknown): UsageError {
  const reason = whyNotWritten(error) ?? errorMessage(error);
  return new UsageError(`cannot write to ${folder}: ${reason}`);
}
