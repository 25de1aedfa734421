/**
 * How named workloads are made: one file each, one line in the registry. Options are a table (src/options/table.ts), from
 * which scenario files get their validation, defaults and completion.
 */
import type { OptionTable, TableValues } from '../../options/table.js';
import type { AccessClass, Phase } from '../spec.js';

/** An access class whose place in memory is not decided yet. Rates are those of one vCPU. */
export type ClassPlan = Omit<AccessClass, 'firstPage'>;

/** What each vCPU of a group does. */
export interface WorkloadPlan {
  readonly classes: readonly ClassPlan[];
  /** See `VcpuSpec.busy`. */
  readonly busy: number;
  /** See `VcpuSpec.catchesUp`. */
  readonly catchesUp: boolean;
  /** true: the vCPUs of the group use one set of pages together; false: each has its own, unless the user says otherwise. */
  readonly shared: boolean;
  readonly phases: readonly Phase[];
  readonly phasePeriodUs: number;
}

/** Where the workload runs. */
export interface Surroundings {
  readonly ramPages: number;
  /** vCPUs of the group that runs it, and of the whole guest. */
  readonly groupVcpus: number;
  readonly guestVcpus: number;
  /** Pages of the working sets of another group, which it uses; 0: it has sets of its own. */
  readonly setPages: number;
}

/** What the vCPUs of a group do, by a name and with options. */
export interface WorkloadDefinition<Options extends OptionTable = OptionTable> {
  /** The word in scenario files. */
  readonly name: string;
  /** One sentence, no full stop, that fits a list. */
  readonly summary: string;
  /** Program, paper or data set that it stands for. */
  readonly source: string;
  /** What `count` and `guest.memory` change in it, one sentence without a full stop. */
  readonly scaling: string;
  /** What its numbers were fitted to, or that they are an assumption. */
  readonly fittedTo: string;
  readonly options: Options;
  /** @throws UsageError when it cannot run in such a guest */
  plan(options: TableValues<Options>, surroundings: Surroundings): WorkloadPlan;
}

/** Makes a workload: gives `plan` the types of its own options. Returns the same object. */
export function defineWorkload<const Options extends OptionTable>(
  definition: WorkloadDefinition<Options>,
): WorkloadDefinition<Options> {
  return definition;
}
