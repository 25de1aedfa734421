/**
 * migsim as a library: the same functions that the command line uses.
 *
 * ```js
 * import { compare, loadScenario } from 'migsim';
 * const { strategies } = compare(loadScenario('guest.yaml'), { runs: 10 });
 * ```
 *
 * Scenarios come from `loadScenario` or `parseScenario`. `simulate` runs one migration, `compare` strategies side by side,
 * `sweep` all combinations of varied values, `search` for the value that will do, `drain` the guests of a host over one link, `checkScenario` what a scenario
 * expects. `learnFromLog` and `validateRecordings` start from real migrations. Whatever a user can mend is thrown as a
 * `UsageError` of one line; the same seed gives the same results on every machine.
 *
 * @packageDocumentation
 */
import { legacyBuilder, type LegacyBuilder } from './options/legacy.js';
import { policies as policyRegistry, type PolicyName } from './policies/index.js';
import type { PolicyDefinition, StrategyDefinition } from './strategies/define.js';
import { strategies as strategyRegistry, type StrategyName } from './strategies/index.js';

export { UsageError, ExpectationError, type Place } from './errors.js';

// Scenarios, and what runs in them.
export { loadScenario } from './scenario/load.js';
export { type LoadOptions, parseScenario } from './scenario/parse.js';
export type { Choice, ExpectationText, PolicyChoice, Scenario, StrategyChoice } from './scenario/scenario.js';
export { choosePolicy, chooseStrategy, type WrittenOptions } from './experiment/choice.js';
export { loadPolicy, loadStrategy } from './scenario/choices.js';

// Experiments.
export { simulate, type SimulateOptions } from './experiment/simulate.js';
export { compare, type CompareOptions, type Comparison, type StrategyResults } from './experiment/compare.js';
export {
  type LoadedSweep,
  loadSweep,
  type MergeOptions,
  mergeShards,
  sweep,
  type Sweep,
  type SkippedCell,
  type SweepOptions,
  type VariedKey,
  type VaryAxis,
} from './api/sweep.js';
export type { SweepRow } from './api/sweep-row.js';
export type { SweepCell } from './experiment/sweep/folder/results.js';
export type { SweepManifest } from './experiment/sweep/folder/folder.js';
export type { SweepSpec } from './experiment/sweep/spec.js';
export type { Variation } from './experiment/sweep/variation.js';
export type { SourceFile } from './experiment/manifest.js';
export type { Shard } from './experiment/sweep/shard.js';
export type { DifferenceRow, SummaryRow } from './experiment/sweep/summary.js';
export { advise, type AdviseOptions } from './api/advise.js';
export type { Advice, Nearest as AdvisedNearest, Objective } from './advice/advise.js';
export type { Advised, Logged } from './advice/advised.js';
export type { PredictedFrom } from './experiment/predicted.js';
export type { Change, Program } from './advice/change.js';
export type { GoalReasons, Goals } from './advice/goals.js';
export type {
  Band as AdvisedBand,
  Late as AdvisedLate,
  Outcome as AdvisedOutcome,
  Within as AdvisedWithin,
} from './advice/outcome.js';
export { search, type SearchOptions } from './api/search.js';
export type { Find, SearchPoint } from './experiment/search/point.js';
export type { SearchQuestion, SearchResult } from './experiment/search/search.js';
export {
  drain,
  type Drain,
  type DrainedGuest,
  type DrainGuest,
  type DrainOptions,
  type Share,
} from './experiment/drain.js';
export { checkScenario } from './api/check.js';
export type { CheckedExpectation, CheckOptions, CheckReport } from './experiment/check.js';
export type { Verdict } from './experiment/expect/expect.js';
export type { MemoryChoice } from './experiment/memory-words.js';

// Real migrations.
export { learnFromFiles, learnFromLog, type LearnResult } from './recording/learn/learn-from-log.js';
export type { Outlook } from './recording/learn/answer/outlook.js';
export type { Understood } from './recording/learn/answer/understood.js';
export {
  learnFromGuestperf,
  type Beside,
  type GuestperfCheck,
  type GuestperfPass,
  type LearnedGuestperfRun,
} from './experiment/learn-guestperf.js';
export type { LearnedGuestperf } from './recording/learn/learn-guestperf.js';
export type { GuestperfInWords, NamedOptions } from './formats/guestperf/words.js';
export type {
  CurveReading,
  Learned,
  LearnedGuest,
  LearnedMigration,
  LearnOptions,
  Plateau,
  ThrottleStep as LearnedThrottleStep,
  WeightedPoint,
} from './recording/learn/learned.js';
export type { MemoryLayout } from './recording/learn/memory-layout.js';
export type { Pass } from './recording/learn/passes.js';
export type { UniformSet } from './guest/dirty-curve.js';
export type { ComparedPass, PlateauFigures, SelfCheck } from './recording/learn/answer/self-check.js';
export { readRecordings, validateRecordings } from './recording/validate/validate.js';
export type {
  Outcome,
  OutcomeName,
  Prediction,
  Spread,
  ThrottleStep,
  Verdict as RecordedVerdict,
} from './recording/validate/outcome.js';
export type { Tally, ValidatedRecording, ValidationSummary } from './recording/validate/summary.js';
export type { ValidateOptions, Validation } from './recording/validate/validate.js';
export type { Recording } from './recording/recording-file.js';
export { type GuestperfForm, type GuestperfReport, readGuestperf } from './formats/guestperf/read.js';
export type { MigrateSample } from './formats/complete.js';
export { guestperfReport, type GuestperfRun } from './formats/guestperf/write.js';

// What comes of results.
export { drawFigures, type FigureOptions } from './api/figures.js';
export type { Drawing } from './report/figures/kit/figure.js';
export { type Interval, meanInterval, pairedInterval } from './stats/interval.js';
export { mean, median, quantile, standardDeviation } from './stats/summary.js';

// Strategies, policies and workloads of one's own.
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
  type Surroundings,
  type WorkloadDefinition,
  type WorkloadPlan,
} from './guest/workloads/define.js';
export type {
  ChoiceEntry,
  CurveEntry,
  CurvePoint,
  CustomEntry,
  EntryBase,
  FlagEntry,
  NumberEntry,
  OptionEntry,
  OptionParser,
  OptionSource,
  OptionTable,
  OptionValue,
  OptionValues,
  ParserIssue,
  PerVcpuEntry,
  QuantityEntry,
  TableValues,
  VcpusEntry,
  WholeQuantityEntry,
  WholeValue,
} from './options/table.js';
/**
 * With it strategies described their options before there were tables. It will go.
 *
 * @deprecated Describe options by a table: `{ step: { kind: 'count', min: 1, default: 20, summary: '…' } }`
 */
export const z: LegacyBuilder = legacyBuilder;
export type { LegacyBuilder, LegacySchema, LegacyValues } from './options/legacy.js';

export { runMigration } from './migration/engine.js';
export type { RunLabels } from './migration/observe/outcome.js';
export type {
  Controls,
  DetectorEvent,
  MigrationStats,
  SyncCause,
  SyncEvent,
  Timer,
} from './migration/controls.js';
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
} from './migration/observe/decisions.js';
export {
  type Decision,
  type MigrationResult,
  type MigrationStatus,
  type SyncRecord,
  type TimelinePoint,
  type VcpuResult,
  type ParametersInForce,
  type WhyNot,
  workDoneOf,
} from './migration/result.js';
export {
  type LinkPhase,
  type LinkSpec,
  type MigrationParameters,
  type MigrationSetup,
  type StreamSpec,
} from './migration/setup.js';
export { QEMU_VERSIONS, type QemuVersion } from './migration/rules/versions.js';
export type { DirtyPoint } from './guest/dirty-curve.js';
export type {
  AccessClass,
  DeviceSpec,
  Fork,
  ContentExtent,
  DmaSpec,
  GuestSpec,
  HostProfile,
  Phase,
  VcpuSpec,
  ZeroExtent,
} from './guest/spec.js';
export type { ModelResiduals, ResidualFigure } from './guest/host-profiles/residuals.js';
export type { HostVariability } from './guest/host-profiles/variability.js';
export type { Price } from './advice/remedy.js';
export type { LogSource } from './formats/migration-log.js';
export type { LogFile } from './formats/readers/read-logs.js';
export type { Intensity, LoadPattern, LoggedPostcopy } from './recording/learn/learned.js';
export type { RuntimeParameters, ScheduledAction } from './migration/runtime-parameters.js';
export type { UncertainValue, Uncertainty } from './scenario/scenario.js';
export type { Coverage } from './recording/validate/bands.js';
export type { FigureErrors } from './recording/validate/summary.js';
