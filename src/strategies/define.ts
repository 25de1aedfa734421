/** How strategies and policies are made. One file each, one line in the registry; everything else learns of it from there. */
import type { OptionSource, OptionValues } from '../options/table.js';
import type { Controls } from '../migration/controls.js';
import type { RuntimeParameter, RuntimeParameters } from '../migration/runtime-parameters.js';
import type { Place } from '../errors.js';
import type { MigrationSetup } from '../migration/setup.js';

/** A strategy: how fast the guest may write while it is migrated. docs/strategies.md shows how to write one. */
export interface StrategyDefinition<Options extends OptionSource = OptionSource> {
  /** The word in scenario files, tables and CSV. */
  readonly name: string;
  /** One sentence, no full stop, that fits a list. */
  readonly summary: string;
  /** The QEMU function, patch series or paper that the rule is taken from. */
  readonly source: string;
  /** The rule in words, a few short paragraphs, for `explain`. */
  readonly rule: string;
  /**
   * Every option: kind, bounds, default, summary. Validation, help, docs and completion come from it. A parser of one's
   * own, such as an object of zod, is accepted in its place.
   */
  readonly options: Options;
  /** Parameters that it takes up when they are set while it runs. */
  readonly takesUp?: readonly RuntimeParameter[];
  /** Of a policy: what it may set while the migration runs. */
  sets?(options: OptionValues<Options>): readonly RuntimeParameters[];
  /** Refuse impossible combinations as QEMU does: a sentence, or null when it can run. */
  refuses?(options: OptionValues<Options>, setup: MigrationSetup): string | null;
  /** Change the migration's own parameters before it starts (throttle-trigger-threshold is one). */
  prepare?(options: OptionValues<Options>, setup: MigrationSetup): MigrationSetup;
  /**
   * Of a policy: how it ends, by time or passes, a migration that does not end by itself, such as `aborts after 5 min`; null
   * when it would wait forever. Such an end replaces the give-up-after that a scenario leaves at its default.
   */
  ends?(options: OptionValues<Options>, setup: MigrationSetup): string | null;
  /** Attach to a migration that is about to start. */
  start(options: OptionValues<Options>, migration: Controls): void;
}

/** Makes a strategy: gives `start` the types of its own options. Returns the same object. */
export function defineStrategy<const Options extends OptionSource>(
  definition: StrategyDefinition<Options>,
): StrategyDefinition<Options> {
  return definition;
}

/** A policy decides from outside, by polling like an orchestrator; the form is the same. */
export type PolicyDefinition<Options extends OptionSource = OptionSource> = StrategyDefinition<Options>;

/** Makes a policy, likewise. */
export function definePolicy<const Options extends OptionSource>(
  definition: PolicyDefinition<Options>,
): PolicyDefinition<Options> {
  return definition;
}

/** A strategy (or policy) with its options checked and defaults filled in. */
export interface Choice<Definition> {
  readonly definition: Definition;
  /** As the definition's schema gives them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Unique within a scenario: the name, or the name with the options that differ from the defaults. */
  readonly label: string;
  readonly place: Place | undefined;
  /** What `--strategy` or `--policy` calls it, which chooses it again; none where a scenario lists it or a program made it. */
  readonly text?: string;
  /** The file that it comes from, where it is not one of migsim's. */
  readonly from?: string;
  /** URL of that file where it is a program, as stacks name it. */
  readonly module?: string;
  /** What a user should know of how it was read: settings of an orchestrator's file that are not its own. */
  readonly notes?: readonly string[];
}
/** A strategy to run, with its options. */
export type StrategyChoice = Choice<StrategyDefinition>;
/** A policy to run with, and its options. */
export type PolicyChoice = Choice<PolicyDefinition>;
