/**
 * How named workloads are made: one file each, one line in the registry. Options are described by a plain table, from
 * which scenario files get their validation, defaults and completion.
 */
import type { DirtyPoint } from '../dirty-curve.js';
import type { AccessClass, Phase } from '../spec.js';

interface OptionBase {
  /** What it means, one sentence without a full stop. */
  readonly summary: string;
}

/** An option with a default, both as users write them (`512MiB`, `2GiB/s`, `30%`). */
interface QuantityOption extends OptionBase {
  /** `size` becomes bytes, `rate` bytes/s, `duration` µs, `share` a number of 0..1, or beyond where it may exceed 100%. */
  readonly kind: 'size' | 'rate' | 'duration' | 'share';
  readonly default: string;
}

/** One word of several. */
interface ChoiceOption extends OptionBase {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}

/** A list of `[duration, size]`; it has no default. */
interface CurveOption extends OptionBase {
  readonly kind: 'curve';
}

/** How one option of a workload is described. */
export type WorkloadOption = QuantityOption | ChoiceOption | CurveOption;
/** The options of a workload, by the names that scenario files have. */
export type WorkloadOptions = Readonly<Record<string, WorkloadOption>>;

/** What `plan` is given, in plain numbers. */
export type OptionValues<Options extends WorkloadOptions> = {
  readonly [Key in keyof Options]: Options[Key] extends { kind: 'choice'; choices: readonly (infer Word)[] }
    ? Word
    : Options[Key] extends { kind: 'curve' }
      ? readonly DirtyPoint[]
      : number;
};

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
export interface WorkloadDefinition<Options extends WorkloadOptions = WorkloadOptions> {
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
  plan(options: OptionValues<Options>, surroundings: Surroundings): WorkloadPlan;
}

/** Makes a workload: gives `plan` the types of its own options. Returns the same object. */
export function defineWorkload<const Options extends WorkloadOptions>(
  definition: WorkloadDefinition<Options>,
): WorkloadDefinition<Options> {
  return definition;
}
