/** One migration of one scenario under one strategy and one policy. */
import { allOf, InfeasibleError, UsageError } from '../errors.js';
import { runMigration } from '../migration/engine.js';
import type { MigrationResult } from '../migration/result.js';
import type { MigrationSetup } from '../migration/setup.js';
import { drawSetup } from '../scenario/draw.js';
import type { Choice, PolicyChoice, Scenario, StrategyChoice } from '../scenario/scenario.js';
import { unreadBy } from '../strategies/kit/runtime-options.js';
import type { StrategyDefinition } from '../strategies/define.js';
import { blamingOwnCode } from './own-code.js';
import { checkRunOptions } from './run-options.js';

/** How one migration is run; all have defaults. */
export interface SimulateOptions {
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
  /** Repetition: changes every random stream, the same for all strategies; default 1. */
  readonly run?: number;
  /** Whether everything uncertain is drawn, as run `run` of several meets it, or at its median. Default: drawn where `run` is given. */
  readonly draw?: boolean;
  /** `page` draws every write, `fluid` counts them; default `page`. */
  readonly memory?: 'page' | 'fluid';
  /** Instead of the scenario's. */
  readonly policy?: PolicyChoice;
  /** Period of `timeline`, ms; default 0, none. */
  readonly timelineMs?: number;
  /** Default true; false leaves `syncs` empty. */
  readonly keepSyncs?: boolean;
  /** Default false; true adds what QEMU's own rules decided to `decisions`. */
  readonly trace?: boolean;
}

/** Throws `UsageError` when the strategy or the policy refuses this scenario, and for an option that no run can have. */
export function simulate(
  scenario: Scenario,
  strategy: StrategyChoice,
  options: SimulateOptions = {},
): MigrationResult {
  checkRunOptions(options);
  const policy = options.policy ?? scenario.policy;
  const setup = preparedSetup(scenario, strategy, options);
  const names = { strategy: strategy.label, policy: policy.label };
  return blamingOwnCode([strategy, policy], () =>
    runMigration(setup, names, (migration) => {
      strategy.definition.start(strategy.options, migration);
      policy.definition.start(policy.options, migration);
    }),
  );
}

/** What the engine is given: the scenario's setup after the strategy and the policy had their say. Throws `UsageError`. */
export function preparedSetup(
  scenario: Scenario,
  strategy: StrategyChoice,
  options: SimulateOptions = {},
): MigrationSetup {
  const {
    seed = 1,
    run = 1,
    memory = 'page',
    policy = scenario.policy,
    timelineMs = 0,
    keepSyncs = true,
    trace = false,
    draw = options.run !== undefined,
  } = options;
  const met = draw ? drawSetup(scenario, seed, run) : scenario.setup;
  // All keys in one literal: V8 gives an object with a new key behind a spread a shape of its own each time, and code that
  // has seen many shapes is several times as slow.
  const { name, guest, host, link, sendDrift, migration } = met;
  const given = { name, guest, host, link, migration, memory, seed, run, timelineMs, keepSyncs, trace };
  const setup: MigrationSetup = sendDrift === undefined ? given : { sendDrift, ...given };
  return blamingOwnCode([strategy, policy], () =>
    withoutDefaultEnd(policy, prepare(policy, prepare(strategy, reading(strategy, policy, setup)))),
  );
}

/** A policy with a time-out of its own ends the migration: a give-up-after that is only a default must not come first. */
export function withoutDefaultEnd(policy: PolicyChoice, setup: MigrationSetup): MigrationSetup {
  if (setup.migration.giveUpByDefault !== true) return setup;
  const ends = policy.definition.ends?.(policy.options, setup) ?? null;
  return ends === null ? setup : { ...setup, migration: { ...setup.migration, giveUpAfterUs: 0 } };
}

/** Throws one `UsageError` with a line for each strategy that is refused here, and for the policy. */
export function refuseImpossible(
  scenario: Scenario,
  strategies: readonly StrategyChoice[],
  options: Pick<SimulateOptions, 'policy' | 'memory'> = {},
): void {
  const refused = strategies.flatMap((strategy) => {
    try {
      preparedSetup(scenario, strategy, options);
      return [];
    } catch (error) {
      if (error instanceof UsageError) return [error];
      throw error;
    }
  });
  // The policy refuses under every strategy alike.
  const different = refused.filter(
    ({ message }, i) => refused.findIndex((one) => one.message === message) === i,
  );
  if (different.length > 0) throw allOf(different);
}

/** What the scenario or the policy sets on the way must have a reader. */
function reading(
  { definition, label, place }: StrategyChoice,
  policy: PolicyChoice,
  setup: MigrationSetup,
): MigrationSetup {
  const scheduled = (setup.migration.schedule ?? []).map(({ set }) => set);
  const unread =
    unreadBy(definition, scheduled, 'migration.at') ??
    unreadBy(definition, policy.definition.sets?.(policy.options) ?? [], `the policy ${policy.label}`);
  if (unread !== null) throw new InfeasibleError(`${label} cannot run here: ${unread}`, place);
  return setup;
}

function prepare(choice: Choice<StrategyDefinition>, setup: MigrationSetup): MigrationSetup {
  const { definition, options, label, place } = choice;
  const refusal = definition.refuses?.(options, setup) ?? null;
  if (refusal !== null) throw new InfeasibleError(`${label} cannot run here: ${refusal}`, place);
  return definition.prepare?.(options, setup) ?? setup;
}
