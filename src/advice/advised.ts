/** How advice is asked for, and what a remedy in it says. */
import type { Change, Program } from './change.js';
import type { GoalReasons, Goals } from './goals.js';
import type { Outcome } from './outcome.js';
import type { Price } from './remedy.js';

export interface AdviseConduct {
  readonly goals: Goals;
  readonly program: Program;
  /** A label of the scenario: what runs now; null: the first that it lists. */
  readonly strategy: string | null;
  readonly runs: number;
  readonly seed: number;
  readonly memory: 'page' | 'fluid';
  readonly goalReasons: GoalReasons;
  /** How the migration went whose log the scenario was learned from, where it completed. */
  readonly logged?: Logged | null;
  /** What the link carries is a guess, as a log shows no more than its cap: nothing is promised that needs more of it. */
  readonly isLinkAssumed?: boolean;
  /** Called when a remedy was tried, one of `of` at most. */
  readonly onTried?: (of: number) => void;
}

/** How a logged migration went. */
export interface Logged {
  readonly totalTimeMs: number;
  /** QEMU's; null: not in the log. */
  readonly downtimeMs: number | null;
}

/** A remedy, tuned and tried. */
export interface Advised {
  /** Names of the remedies in it, one or two. */
  readonly names: readonly string[];
  readonly change: Change;
  /** What a scenario needs to be it, as `--set` takes it. */
  readonly set: readonly string[];
  readonly outcome: Outcome;
  readonly needs: readonly string[];
  readonly risks: readonly string[];
  readonly price: Price;
  /** What to type or write; null: the program has no setting for it. */
  readonly lines: readonly string[] | null;
  /** Goals that it misses, in words; empty: it keeps all of them. */
  readonly misses: readonly string[];
}
