/**
 * migsim as a library: the same functions that the command line uses.
 *
 * ```js
 * import { compare, loadScenario } from 'migsim';
 * const { strategies } = compare(loadScenario('guest.yaml'), { runs: 10 });
 * ```
 */
import { policies as policyRegistry, type PolicyName } from './policies/index.js';
import type { PolicyDefinition, StrategyDefinition } from './strategies/define.js';
import { strategies as strategyRegistry, type StrategyName } from './strategies/index.js';

export { UsageError, ExpectationError, type Place } from './errors.js';

export { choosePolicy, chooseStrategy, type WrittenOptions } from './experiment/choice.js';
export { compare, type CompareOptions, type Comparison, type StrategyResults } from './experiment/compare.js';
export { simulate, type SimulateOptions } from './experiment/simulate.js';

export { loadScenario, type LoadOptions, parseScenario } from './scenario/load.js';
export type { Choice, ExpectationText, PolicyChoice, Scenario, StrategyChoice } from './scenario/scenario.js';

export {
  definePolicy,
  defineStrategy,
  type PolicyDefinition,
  type StrategyDefinition,
} from './strategies/define.js';
export type { StrategyName } from './strategies/index.js';
export type { PolicyName } from './policies/index.js';
/** Every strategy that migsim has, by its name. */
export const strategies: Readonly<Record<StrategyName, StrategyDefinition>> = strategyRegistry;
/** Every policy that migsim has, by its name. */
export const policies: Readonly<Record<PolicyName, PolicyDefinition>> = policyRegistry;
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
export type {
  DecisionFacts,
  Downtime,
  DowntimePart,
  Ending,
  GuestStopped,
  ParameterSet,
  PostcopyOver,
  SyncBegins,
  SyncJudged,
  SyncNotJudged,
  Threshold,
  Turn,
} from './migration/decisions.js';
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
export {
  type LinkPhase,
  type LinkSpec,
  type MigrationParameters,
  type MigrationSetup,
  QEMU_VERSIONS,
  type QemuVersion,
  type StreamSpec,
} from './migration/setup.js';
export type { DirtyPoint } from './guest/dirty-curve.js';
export type { AccessClass, GuestSpec, HostProfile, Phase, VcpuSpec, ZeroExtent } from './guest/spec.js';
