/** Runs what a scenario lists and holds the outcome against its `expect:`. */
import type { Scenario } from '../scenario/scenario.js';
import { compare, type CompareOptions, type Comparison } from './compare.js';
import { compareInThreads } from './parallel/compare.js';
import { type Measures, type Verdict, checkExpectations } from './expect/expect.js';
import { memoryFor } from './memory-choice.js';
import type { MemoryChoice } from './memory-words.js';

/** How a scenario is checked; all have defaults. */
export interface CheckOptions {
  /** Default `auto`: page where that takes no more than about half a second, else fluid; the scenario alone decides. */
  readonly memory?: MemoryChoice;
  /** Repetitions of each strategy; default 1. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
}

/** One line of `expect:` and what became of it. */
export interface CheckedExpectation extends Verdict {
  /** The words after `migsim` that run the same migrations again. */
  readonly repeat: readonly string[];
}

/** What became of a scenario's `expect:`. Plain data: it comes out of worker threads. */
export interface CheckReport {
  readonly file: string;
  readonly scenario: string;
  readonly memory: 'page' | 'fluid';
  readonly runs: number;
  readonly seed: number;
  /** In the order of the file. */
  readonly expectations: readonly CheckedExpectation[];
}

/** Throws `UsageError` for an expectation that cannot be read; one that does not hold is in the report. */
export function checkScenario(
  scenario: Scenario,
  measures: Measures,
  options: CheckOptions = {},
): CheckReport {
  return reportOf(compare(scenario, comparedFor(scenario, options)), measures);
}

/** The same in threads, where that is worth starting them. */
export async function checkScenarioInThreads(
  scenario: Scenario,
  measures: Measures,
  options: CheckOptions,
  threads: number,
): Promise<CheckReport> {
  return reportOf(await compareInThreads(scenario, comparedFor(scenario, options), threads), measures);
}

function comparedFor(scenario: Scenario, options: CheckOptions): CompareOptions {
  const { runs = 1, seed = 1 } = options;
  return { runs, seed, memory: memoryFor(scenario, options.memory ?? 'auto', runs), keep: 'scalars' };
}

function reportOf(comparison: Comparison, measures: Measures): CheckReport {
  const { scenario, memory, runs, seed } = comparison;
  const file = scenario.file ?? scenario.name;
  const expectations = checkExpectations(comparison, measures).map((verdict, index) => ({
    ...verdict,
    repeat: repeatWords(file, scenario.expect[index]?.subject ?? null, { memory, runs, seed }),
  }));
  return { file, scenario: scenario.name, memory, runs, seed, expectations };
}

/** A relation needs all strategies; a condition only the one that it is about. */
function repeatWords(
  file: string,
  subject: string | null,
  { memory, runs, seed }: Pick<CheckReport, 'memory' | 'runs' | 'seed'>,
): string[] {
  const single = subject !== null && runs === 1;
  return [
    single ? 'run' : 'compare',
    file,
    ...(subject === null ? [] : ['--strategy', subject]),
    ...(memory === 'page' ? [] : ['--memory', memory]),
    ...(seed === 1 ? [] : ['--seed', String(seed)]),
    ...(runs === 1 ? [] : ['--runs', String(runs)]),
  ];
}
