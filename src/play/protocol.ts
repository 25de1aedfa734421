/** What the page asks of a worker, and what comes back. All of it can be cloned: no functions. */
import type { Bands } from './bands.js';
import type { StrategyView } from './view.js';

interface Experiment {
  readonly text: string;
  readonly file: string;
  readonly seed: number;
  readonly memory: 'fluid' | 'page';
}

/** One run of each strategy, at the median of everything uncertain. */
export interface AskRuns extends Experiment {
  readonly kind: 'runs';
}

/** A number of drawn runs of each strategy, for the bands. */
export interface AskDraws extends Experiment {
  readonly kind: 'draws';
  readonly runs: number;
  /** Where the time of the bands ends, s. */
  readonly endS: number;
}

/** An axis of the convergence map: a path of `--set`, and its values. */
export interface Axis {
  readonly path: string;
  readonly values: readonly string[];
}

/** Each strategy over all pairs of two inputs. */
export interface AskMap extends Experiment {
  readonly kind: 'map';
  readonly x: Axis;
  readonly y: Axis;
}

/** A table of results as CSV, as `compare --out` writes it. */
export interface AskCsv extends Experiment {
  readonly kind: 'csv';
  readonly table: string;
}

/** A guest from logs, as `learn` reads them; or a scenario file as it is. */
export interface AskLearn {
  readonly kind: 'learn';
  readonly files: readonly { readonly file: string; readonly text: string }[];
}

export type Ask = AskRuns | AskDraws | AskMap | AskCsv | AskLearn;

/** A table of the terminal, cell by cell. */
export interface TableView {
  /** What was run, on what: name, guest, conditions. */
  readonly heading: readonly string[];
  readonly heads: readonly string[];
  readonly rows: readonly {
    readonly label: string;
    readonly cells: readonly { readonly text: string; readonly best: boolean; readonly bad: boolean }[];
  }[];
  readonly notes: readonly string[];
  /** Bands of a migration, borderline verdicts, what the spread comes from. */
  readonly certainty: readonly string[];
  /** Why those that did not converge did not. */
  readonly why: readonly string[];
}

/** Where a strategy ends: the total time in s where it converges, null where it does not, a sentence where it cannot run. */
export type Ending = number | null | string;

export type Answer =
  | { readonly kind: 'wrong'; readonly message: string }
  /** The strategies that are to run; `done` of them have. `simulatedS`: how far the one that runs has come. */
  | {
      readonly kind: 'progress';
      readonly labels: readonly string[];
      readonly done: number;
      readonly simulatedS: number;
    }
  | { readonly kind: 'strategy'; readonly index: number; readonly view: StrategyView }
  | {
      readonly kind: 'table';
      readonly runs: number;
      readonly table: TableView;
      readonly policy: string;
      readonly notes: readonly string[];
    }
  | { readonly kind: 'bands'; readonly bands: Bands; readonly of: number }
  | {
      readonly kind: 'cell';
      readonly x: number;
      readonly y: number;
      readonly span: number;
      readonly endings: readonly Ending[];
      readonly labels: readonly string[];
      readonly share: number;
    }
  | { readonly kind: 'csv'; readonly text: string }
  | {
      readonly kind: 'learned';
      readonly file: string;
      readonly text: string;
      readonly lines: readonly (readonly [label: string, text: string])[];
    }
  | { readonly kind: 'end' };

/** What travels: a question and its answers have the same number. */
export interface Question {
  readonly id: number;
  readonly ask: Ask;
}
export interface Reply {
  readonly id: number;
  readonly answer: Answer;
}
