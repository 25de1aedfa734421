/** Comparisons spread over threads: the same results in the same order as `compare` makes in one. */
import type { PolicyChoice, Scenario, StrategyChoice } from '../../scenario/scenario.js';
import type { MigrationResult } from '../../migration/result.js';
import { type CompareOptions, type Comparison, type StrategyResults, compare } from '../compare.js';
import { isLongWork } from '../memory-choice.js';
import { predictedFrom } from '../predicted.js';
import { refuseImpossible } from '../simulate.js';
import { openBatches } from './batches.js';
import { usageErrorFrom } from './refusal.js';
import type { Batch } from './run-worker.js';

/**
 * As `compare`, in as many as `threads` threads where that is worth starting them. What a program made itself no thread can
 * have: it runs here. Throws `UsageError` before the first run when a strategy refuses.
 */
export async function compareInThreads(
  scenario: Scenario,
  options: CompareOptions,
  threads: number,
): Promise<Comparison> {
  const { runs = 1, seed = 1, memory = 'page', policy = scenario.policy, keep = 'everything' } = options;
  const { strategies = scenario.strategies, onResult, timelineMs = 0, trace = false } = options;
  const words = wordsOf(scenario, strategies, policy);
  const count = Math.min(threads, strategies.length * runs);
  // A thread even for a single run: this one stays free for signals.
  if (words === null || threads < 2 || !isLongWork(scenario, strategies.length * runs, memory)) {
    return compare(scenario, options);
  }
  refuseImpossible(scenario, strategies, { policy, memory });
  const size = Math.max(1, Math.floor((strategies.length * runs) / (count * BATCHES_EACH)));
  const perStrategy = words.strategies.map((strategy): Batch[] =>
    Array.from({ length: Math.ceil(runs / size) }, (_, index) => ({
      text: scenario.text,
      file: scenario.file ?? scenario.name,
      set: scenario.set,
      strategy,
      policy: words.policy,
      seed,
      memory,
      firstRun: index * size + 1,
      lastRun: Math.min(runs, (index + 1) * size),
      timelineMs,
      trace,
      draw: runs > 1,
      everything: keep === 'everything' || timelineMs > 0 || trace,
    })),
  );
  const results: MigrationResult[] = [];
  const batches = openBatches(Math.max(2, count));
  try {
    await batches.run(perStrategy.flat(), (outcome) => {
      if ('refusal' in outcome) throw usageErrorFrom(outcome);
      for (const result of outcome.results) {
        onResult?.(result);
        results.push(keep === 'everything' ? result : { ...result, syncs: [], timeline: [], decisions: [] });
      }
    });
  } finally {
    await batches.close();
  }
  const each = strategies.map((strategy, index): StrategyResults => {
    const predicted = predictedFrom(scenario, strategy, { runs, seed, memory, policy });
    const own = results.slice(index * runs, (index + 1) * runs);
    return { strategy, results: own, ...(predicted === null ? {} : { predicted }) };
  });
  return { scenario, policy, memory, seed, runs, strategies: each };
}

/** Batches of each thread: enough that none waits long for the last. */
const BATCHES_EACH = 8;

/** What names the strategies and the policy in a thread; null where something has no name. */
function wordsOf(
  scenario: Scenario,
  strategies: readonly StrategyChoice[],
  policy: PolicyChoice,
): { readonly strategies: readonly string[]; readonly policy: string | null } | null {
  const words = strategies.map((one) => (scenario.strategies.includes(one) ? one.label : one.text));
  const ofPolicy = policy === scenario.policy ? null : policy.text;
  if (ofPolicy === undefined || !words.every((word) => word !== undefined)) return null;
  return { strategies: words, policy: ofPolicy };
}
