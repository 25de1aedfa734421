/** The same migration under several strategies, each meeting the same guest: common random numbers. */
import type { MigrationResult } from '../migration/result.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../scenario/scenario.js';
import { type PredictedFrom, predictedFrom } from './predicted.js';
import { checkRunOptions, checkRuns } from './run-options.js';
import { refuseImpossible, simulate } from './simulate.js';

/** How strategies are compared; all have defaults. */
export interface CompareOptions {
  /** Instead of the scenario's. */
  readonly strategies?: readonly StrategyChoice[];
  /** Instead of the scenario's. */
  readonly policy?: PolicyChoice;
  /** Repetitions of each strategy; default 1. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
  /** Default `page`. */
  readonly memory?: 'page' | 'fluid';
  /** Period of `timeline`, ms; default 0, none. */
  readonly timelineMs?: number;
  /** Default false; true adds what QEMU's own rules decided to `decisions`. */
  readonly trace?: boolean;
  /** `scalars` drops syncs, timeline and decisions of each result once `onResult` has seen it; default `everything`. */
  readonly keep?: 'everything' | 'scalars';
  /** Called after every run, in the order of the result: strategy by strategy, run by run. */
  readonly onResult?: (result: MigrationResult) => void;
}

/** The runs of one strategy. */
export interface StrategyResults {
  readonly strategy: StrategyChoice;
  /** Index i is run i + 1. */
  readonly results: readonly MigrationResult[];
  /** What a migration is predicted from; absent where nothing is drawn, and for single runs. */
  readonly predicted?: PredictedFrom;
}

/** What came of a comparison, and how it was run. */
export interface Comparison {
  readonly scenario: Scenario;
  readonly policy: PolicyChoice;
  readonly memory: 'page' | 'fluid';
  readonly seed: number;
  readonly runs: number;
  readonly strategies: readonly StrategyResults[];
}

/**
 * Run i of every strategy has the same seed, so that its guest would do the same if nothing held it back, and differences
 * between strategies are not those of the dice. Several runs draw everything uncertain, the same for all strategies of a
 * run; a single one meets the median. Throws `UsageError` before the first run when a strategy refuses.
 */
export function compare(scenario: Scenario, options: CompareOptions = {}): Comparison {
  const { runs = 1, seed = 1, memory = 'page', policy = scenario.policy, timelineMs = 0 } = options;
  const { strategies = scenario.strategies, trace = false, keep = 'everything', onResult } = options;
  checkRuns(runs);
  checkRunOptions({ seed, memory, timelineMs });
  refuseImpossible(scenario, strategies, { policy, memory });

  const repeat = (strategy: StrategyChoice): StrategyResults => {
    const results: MigrationResult[] = [];
    for (let run = 1; run <= runs; run++) {
      const result = simulate(scenario, strategy, {
        seed,
        run,
        draw: runs > 1,
        memory,
        policy,
        timelineMs,
        trace,
      });
      onResult?.(result);
      results.push(keep === 'everything' ? result : { ...result, syncs: [], timeline: [], decisions: [] });
    }
    const predicted = predictedFrom(scenario, strategy, { runs, seed, memory, policy });
    return { strategy, results, ...(predicted === null ? {} : { predicted }) };
  };
  return { scenario, policy, memory, seed, runs, strategies: strategies.map(repeat) };
}
