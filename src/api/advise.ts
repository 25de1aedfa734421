/** Advice for programs and for `migsim advise`. */
import { ADVISE_RUNS } from '../advice/defaults.js';
import { type Advice, adviseWith } from '../advice/advise.js';
import { type Program, PROGRAMS } from '../advice/change.js';
import type { Logged } from '../advice/advised.js';
import { checkGoals, type Goals, goalReasonsFor, goalsFor } from '../advice/goals.js';
import { UsageError } from '../errors.js';
import { openBatches } from '../experiment/parallel/batches.js';
import { checkRunOptions, checkRuns, checkWorkers } from '../experiment/run-options.js';
import { threadsWorth } from '../experiment/memory-choice.js';
import { isOneOf } from '../lists.js';
import { expectedWord } from '../options/wording.js';
import { runColumns } from '../report/columns/runs.js';
import { vcpuColumns } from '../report/columns/vcpus.js';
import type { Scenario } from '../scenario/scenario.js';

/** What is wanted of the migration, and how it is looked for; all have defaults. */
export interface AdviseOptions extends Partial<Goals> {
  /** Whose lines to write; default: those of the scenario's policy, else QMP. */
  readonly program?: Program;
  /** What runs now: a label of the scenario; default: the first that it lists. */
  readonly strategy?: string;
  /** Runs of each remedy; default 20. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
  /** Default `fluid`. */
  readonly memory?: 'page' | 'fluid';
  /** Threads at most; default 1, this one. The advice is the same for any number. */
  readonly workers?: number;
  /** How the migration went whose log the scenario was learned from, where it completed: bands then hold it. */
  readonly logged?: Logged;
  /** Whether what the link carries is a guess: nothing is then promised that needs more of it. Default false. */
  readonly isLinkAssumed?: boolean;
  /** Called once the number of remedies is known, and when one was tried; of `of` at most. */
  readonly onTried?: (of: number) => void;
}

/**
 * Says whether a migration will finish as it is, and tries every remedy where it will not.
 *
 * ```js
 * const { verdict, remedies } = await advise(loadScenario('guest.yaml'), { deadlineMs: 300_000, maxDowntimeMs: 500 });
 * if (verdict === 'remedy') console.log(remedies[0].lines.join('\n'));
 * ```
 *
 * `objective` says in words what the order goes by: settings alone first, then what rests on the content of memory, a restart
 * of the guest, hardware, and a risk; of the same rank, the remedy after which the guest lost least work.
 * @throws UsageError when the scenario cannot run, and when an option is none, by its name
 */
export async function advise(scenario: Scenario, options: AdviseOptions = {}): Promise<Advice> {
  const {
    program = programOf(scenario),
    strategy = null,
    runs = ADVISE_RUNS,
    seed = 1,
    memory = 'fluid',
  } = options;
  const {
    workers = 1,
    onTried,
    logged = null,
    isLinkAssumed = false,
    deadlineMs,
    maxDowntimeMs,
    keepReaders,
    probability,
  } = options;
  checkGoals({ deadlineMs, maxDowntimeMs, keepReaders, probability });
  if (!isOneOf(PROGRAMS, program)) throw new UsageError(`program: ${expectedWord(PROGRAMS, program)}`);
  const wanted = Object.fromEntries(
    Object.entries({ deadlineMs, maxDowntimeMs, keepReaders, probability }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as Partial<Goals>;
  checkRuns(runs);
  checkRunOptions({ seed, memory });
  checkWorkers(workers);
  const goals = goalsFor(scenario, wanted, logged?.totalTimeMs);
  const conduct = {
    goals,
    goalReasons: goalReasonsFor(scenario, wanted, logged?.totalTimeMs),
    logged,
    isLinkAssumed,
    program,
    strategy,
    runs,
    seed,
    memory,
    ...(onTried === undefined ? {} : { onTried }),
  };
  const batches = openBatches(threadsWorth(scenario, runs, memory, workers));
  try {
    return await adviseWith(scenario, conduct, { run: runColumns, vcpu: vcpuColumns }, batches);
  } finally {
    await batches.close();
  }
}

/** By the orchestrator that decides in the scenario. */
export function programOf({ policy }: Scenario): Program {
  const { name } = policy.definition;
  if (name.startsWith('kubevirt')) return 'kubevirt';
  if (name === 'libvirt') return 'virsh';
  return name === 'nova' || name === 'ovirt' || name === 'proxmox' ? name : 'qmp';
}
