/** One side of `migsim diff`: a results folder, or some of its runs. */
import { lastOf, nth } from '../../lists.js';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.js';
import { noSuchFile } from '../../files.js';
import type { Manifest } from '../../experiment/manifest.js';
import type { Value } from '../../experiment/expect/measure.js';
import type { Outcome } from '../../experiment/outcomes.js';
import { unknown } from '../../options/wording.js';
import { syncColumns } from '../columns/syncs.js';
import { readManifest } from '../files/manifest-file.js';
import { csvRecords, readOutcomes } from '../files/outcome-csv.js';

export interface DiffSide {
  /** As the user wrote it. */
  readonly text: string;
  readonly folder: string;
  /** null: all strategies of the folder. */
  readonly strategy: string | null;
  readonly manifest: Manifest;
  /** Of the strategy and the run that were chosen. */
  readonly outcomes: readonly Outcome[];
}

/** `folder`, `folder#strategy` or `folder#strategy:run`. Throws `UsageError`. */
export function readSide(text: string): DiffSide {
  const [, folder = '', word = null, run] = /^([^#]*)(?:#(.+?)(?::(\d+))?)?$/s.exec(text) ?? [];
  if (!existsSync(folder))
    throw new UsageError(noSuchFile(folder, 'a folder that --out has written', 'folder'), { file: folder });
  const file = join(folder, 'runs.csv');
  const manifest = readManifest(folder);
  if (manifest === null || !existsSync(file)) {
    throw new UsageError('no results of migsim run or compare; expected a folder that --out has written', {
      file: folder,
    });
  }
  const all = readOutcomes(readFileSync(file, 'utf8'), file);
  const labels = [...new Set(all.map((outcome) => outcome.strategy))];
  const strategy = word === null ? null : labelOf(word, labels);
  if (word !== null && strategy === null)
    throw new UsageError(`${text}: ${unknown('strategy', word, labels)}`);
  const outcomes = all.filter(
    (outcome) =>
      (strategy === null || outcome.strategy === strategy) &&
      (run === undefined || outcome.run === Number(run)),
  );
  if (outcomes.length === 0) throw new UsageError(`${text}: there is no run ${run ?? '1'}`);
  return { text, folder, strategy, manifest, outcomes };
}

/** The strategy of that label, or else the only one of that name. */
function labelOf(word: string, labels: readonly string[]): string | null {
  if (labels.includes(word)) return word;
  const named = labels.filter((label) => label.startsWith(`${word}(`));
  return named.length === 1 ? nth(named, 0) : null;
}

/** The one strategy, or the one run, of a folder that has two of them, as two sides. Throws `UsageError`. */
export function twoSidesOf(text: string): [DiffSide, DiffSide] {
  const whole = readSide(text);
  const labels = [...new Set(whole.outcomes.map(({ strategy }) => strategy))];
  const words = labels.length === 1 ? whole.outcomes.map(({ run }) => `${nth(labels, 0)}:${run}`) : labels;
  if (words.length !== 2) {
    throw new UsageError(
      `${text} has ${words.length === 1 ? 'one run' : `${words.length} of them`}; expected two sides, such as ` +
        `${whole.folder}#${nth(words, 0)} and ${whole.folder}#${lastOf(words)}`,
    );
  }
  return [readSide(`${whole.folder}#${nth(words, 0)}`), readSide(`${whole.folder}#${nth(words, 1)}`)];
}

/** One row of syncs.csv. */
export type SyncRow = Readonly<Record<string, Value>>;

/** Those of a run; empty where the folder has no syncs.csv. */
export function syncsOf({ folder }: DiffSide, { strategy, run }: Outcome): SyncRow[] {
  const file = join(folder, 'syncs.csv');
  if (!existsSync(file)) return [];
  const rows = csvRecords(readFileSync(file, 'utf8'), file);
  const mine = rows.filter((row) => row['strategy'] === strategy && Number(row['run']) === run);
  return mine.map((row) =>
    Object.fromEntries(
      syncColumns.map(({ name, unit }) => {
        const cell = row[name] ?? '';
        return [name, cell === '' ? null : unit === 'text' ? cell : Number(cell)];
      }),
    ),
  );
}
