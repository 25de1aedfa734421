/** Searches for programs and for `migsim search`: with the columns of results as their measures. */
import { threadsWorth } from '../experiment/memory-choice.js';
import type { MemoryChoice } from '../experiment/memory-words.js';
import { type Batches, openBatches } from '../experiment/parallel/batches.js';
import { checkRuns, checkSeed, checkWorkers } from '../experiment/run-options.js';
import { SEARCH_RUNS } from '../experiment/search/point.js';
import { type SearchQuestion, type SearchResult, searchWith } from '../experiment/search/search.js';
import { runColumns } from '../report/columns/runs.js';
import { vcpuColumns } from '../report/columns/vcpus.js';
import type { Scenario } from '../scenario/scenario.js';

/** What is looked for, and how. */
export interface SearchOptions extends SearchQuestion {
  /** A label of the scenario, or what `--strategy` takes; default: the one whose option the key is, else the first listed. */
  readonly strategy?: string;
  /** What `--policy` takes; default: the scenario's. */
  readonly policy?: string;
  /** Runs at each value; default 20. Run i meets the same guest at all of them. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
  /** Default `auto`: page where that takes no more than about half a second, else fluid. */
  readonly memory?: MemoryChoice;
  /** Threads; default 1, this one. The result is the same for any number. */
  readonly workers?: number;
}

/**
 * Finds the smallest, largest or best value of a key for which a condition holds.
 *
 * ```js
 * const { answer } = await search(loadScenario('guest.yaml'), {
 *   find: 'smallest',
 *   key: 'migration.downtime-limit',
 *   where: 'converges >= 95% and total-time <= 5min',
 * });
 * console.log(answer?.text);
 * ```
 *
 * Values are whole numbers where QEMU takes whole numbers. `points` is the curve, `notes` says where it does not change once.
 * @throws UsageError for a key that takes no numbers, and a condition that cannot be read
 */
export async function search(scenario: Scenario, options: SearchOptions): Promise<SearchResult> {
  const { runs = SEARCH_RUNS, seed = 1, memory = 'auto', workers = 1 } = options;
  checkRuns(runs);
  checkSeed(seed);
  checkWorkers(workers);
  const batches = openBatches(threadsWorth(scenario, runs, memory, workers));
  try {
    return await searchIn(batches, scenario, options);
  } finally {
    await batches.close();
  }
}

/** The same in threads that are there already. */
export function searchIn(
  batches: Batches,
  scenario: Scenario,
  options: SearchOptions,
): Promise<SearchResult> {
  const { runs = SEARCH_RUNS, seed = 1, memory = 'auto', strategy, policy } = options;
  const conduct = {
    runs,
    seed,
    memory,
    ...(strategy === undefined ? {} : { strategy }),
    ...(policy === undefined ? {} : { policy }),
  };
  return searchWith(scenario, options, conduct, { run: runColumns, vcpu: vcpuColumns }, batches);
}
