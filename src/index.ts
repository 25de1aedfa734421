/**
 * migsim as a library: the same functions that the command line uses.
 *
 * ```js
 * import { compare, loadScenario } from 'migsim';
 * const { strategies } = compare(loadScenario('guest.yaml'), { runs: 10 });
 * ```
 */
export { UsageError, ExpectationError, type Place } from './errors.js';

export { choosePolicy, chooseStrategy, type WrittenOptions } from './experiment/choice.js';
export { compare, type CompareOptions, type Comparison, type StrategyResults } from './experiment/compare.js';
export { simulate, type SimulateOptions } from './experiment/simulate.js';

export { loadScenario, parseScenario } from './scenario/load.js';
export type { Choice, ExpectationText, PolicyChoice, Scenario, StrategyChoice } from './scenario/scenario.js';

export {
  definePolicy,
  defineStrategy,
  type PolicyDefinition,
  type StrategyDefinition,
} from './strategies/define.js';
export { strategies, type StrategyName } from './strategies/index.js';
export { policies, type PolicyName } from './policies/index.js';
export {
  type ClassPlan,
  defineWorkload,
  type OptionValues,
  type Surroundings,
  type WorkloadDefinition,
  type WorkloadOption,
  type WorkloadOptions,
  type WorkloadPlan,
} from './guest/workloads/define.js';
/** The library in which the options of a strategy are described. */
export { z } from 'zod';

export { runMigration } from './migration/engine.js';
export type { Controls, DetectorEvent, MigrationStats, SyncEvent, Timer } from './migration/controls.js';
export {
  type Decision,
  type MigrationResult,
  type MigrationStatus,
  type SyncCause,
  type SyncRecord,
  type TimelinePoint,
  type VcpuResult,
  type WhyNot,
  workDoneOf,
} from './migration/result.js';
export type {
  LinkPhase,
  LinkSpec,
  MigrationParameters,
  MigrationSetup,
  QemuVersion,
  StreamSpec,
} from './migration/setup.js';
export type { AccessClass, GuestSpec, HostProfile, Phase, VcpuSpec, ZeroExtent } from './guest/spec.js';
