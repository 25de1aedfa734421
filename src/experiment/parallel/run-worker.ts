/** What a worker thread does with a batch of runs. */
import { UsageError } from '../../errors.js';
import { loadPolicy, loadStrategy } from '../../scenario/choices.js';
import type { MigrationResult } from '../../migration/result.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../../scenario/scenario.js';
import { listedStrategy } from '../choice.js';
import { loaded } from './loaded.js';
import { refusalOf, type Refusal } from './refusal.js';
import { simulate } from '../simulate.js';

/** Runs of one strategy in one scenario, as plain data. */
export interface Batch {
  readonly text: string;
  readonly file: string;
  readonly set: readonly string[];
  /** A label of the scenario, or a text as `--strategy` takes it; null: the first that the scenario lists. */
  readonly strategy: string | null;
  /** A text as `--policy` takes it; null: the scenario's. */
  readonly policy: string | null;
  readonly seed: number;
  readonly memory: 'page' | 'fluid';
  /** Both inclusive. */
  readonly firstRun: number;
  readonly lastRun: number;
  readonly timelineMs: number;
  readonly trace: boolean;
  /** Whether everything uncertain is drawn, or at its median; default true. */
  readonly draw?: boolean;
  /** Syncs, timeline and decisions too. */
  readonly everything: boolean;
}

/** The runs, or the sentence with which the scenario, the strategy or the policy refuses them. */
export type BatchOutcome = { readonly results: readonly MigrationResult[] } | Refusal;

export default async function runBatch(batch: Batch): Promise<BatchOutcome> {
  try {
    return { results: await resultsOf(batch) };
  } catch (error) {
    if (error instanceof UsageError) return refusalOf(error);
    throw error;
  }
}

async function resultsOf(batch: Batch): Promise<MigrationResult[]> {
  const { scenario, strategy, policy } = await chosen(batch);
  const { seed, memory, timelineMs, trace, everything, draw = true } = batch;
  const results: MigrationResult[] = [];
  for (let run = batch.firstRun; run <= batch.lastRun; run++) {
    const options = { seed, run, draw, memory, policy, timelineMs, trace, keepSyncs: everything };
    const result = simulate(scenario, strategy, options);
    results.push(everything ? result : { ...result, syncs: [], timeline: [], decisions: [] });
  }
  return results;
}

/** The objects that a batch names. Throws `UsageError`. */
export async function chosen({
  text,
  file,
  set,
  strategy,
  policy,
}: Pick<Batch, 'text' | 'file' | 'set' | 'strategy' | 'policy'>): Promise<{
  readonly scenario: Scenario;
  readonly strategy: StrategyChoice;
  readonly policy: PolicyChoice;
}> {
  const scenario = loaded(text, file, set);
  const listed = strategy === null ? scenario.strategies[0] : listedStrategy(strategy, scenario);
  return {
    scenario,
    strategy: listed ?? (await loadStrategy(strategy ?? 'none')),
    policy: policy === null ? scenario.policy : await loadPolicy(policy),
  };
}
