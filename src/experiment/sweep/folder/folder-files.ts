/** The files of a sweep's folder while they grow, and what stays of them when the sweep does not end. */
import { closeSync, ftruncateSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError, errorMessage } from '../../../errors.js';
import { removeEmpty, untilDone, whyNotWritten } from '../../../files.js';
import { JOURNAL, PLAN, type PlanFile, RUNS, openOwn, partOf, stateOf, writePlan } from './folder.js';
import { confirmed, extend, journalLine, newChecksum } from './journal.js';
import { lockFolder } from './lock.js';

export interface SweepFiles {
  append(name: string, text: string | Uint8Array): void;
  /** Cuts what was there of runs.csv. */
  keep(bytes: number): void;
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
  private hasRows: boolean;
  private hasPlan = false;
  /** The first folder on the way that was made for it. */
  private made: string | undefined;

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
        for (const name of [...names, JOURNAL]) {
          const flags = begun && (name === RUNS || name === JOURNAL) ? 'a' : 'w';
          this.files.set(name, openOwn(this.part(name), flags));
        }
        if (begun) this.cut(this.sum.bytes);
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

  finish(): string[] {
    return this.writing(() => {
      const { folder, plan } = this;
      const written = [...this.files.keys()].filter((name) => name !== RUNS && name !== JOURNAL);
      this.closeAll();
      writePlan(folder, { ...plan, runsSha256: this.sum.hash.copy().digest('hex') });
      for (const name of [...written, RUNS]) renameSync(this.part(name), join(folder, name));
      rmSync(this.part(JOURNAL), { force: true });
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
