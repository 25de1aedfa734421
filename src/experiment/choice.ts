/** Strategies and policies for programs: by name, or a definition of one's own. */
import { nth } from '../lists.js';
import { UsageError } from '../errors.js';
import { expected, TABLE_NAME, TABLE_NAME_WORDS } from '../options/wording.js';
import { parsePolicyText, parseStrategyText } from '../scenario/choices.js';
import { type Kind, POLICY, STRATEGY, choose } from '../scenario/form/choice-schema.js';
import { pathText } from '../scenario/form/problems.js';
import type { PolicyChoice, Scenario, StrategyChoice } from '../scenario/scenario.js';
import type { PolicyDefinition, StrategyDefinition } from '../strategies/define.js';

/** Options as a scenario file has them: `{ 'vcpu-dirty-limit': '20MiB/s' }`. */
export type WrittenOptions = Readonly<Record<string, unknown>>;

/**
 * A strategy to run: one of migsim's by its name (`'auto-converge'`), or one made with `defineStrategy`. Options that are
 * left out have their defaults. Throws `UsageError` for unknown names and options.
 */
export function chooseStrategy(
  strategy: string | StrategyDefinition,
  options: WrittenOptions = {},
): StrategyChoice {
  const named = typeof strategy === 'string' ? parseStrategyText(strategy) : null;
  return withOptions(named, strategy, options, STRATEGY);
}

/** The same for policies. */
export function choosePolicy(policy: string | PolicyDefinition, options: WrittenOptions = {}): PolicyChoice {
  const named = typeof policy === 'string' ? parsePolicyText(policy) : null;
  return withOptions(named, policy, options, POLICY);
}

/**
 * A strategy by the word of `--strategy`: one that the scenario lists has the options that it has there, be it named by
 * its label or, where only one has it, by its name. undefined: the scenario lists no such one.
 */
export function listedStrategy(text: string, { strategies }: Scenario): StrategyChoice | undefined {
  const byName = strategies.filter(({ definition }) => definition.name === text);
  return strategies.find(({ label }) => label === text) ?? (byName.length === 1 ? byName[0] : undefined);
}

function withOptions(
  named: StrategyChoice | null,
  given: string | StrategyDefinition,
  options: WrittenOptions,
  { registry }: Kind,
): StrategyChoice {
  if (named !== null && Object.keys(options).length === 0) return named;
  const definition = named?.definition ?? (given as StrategyDefinition);
  if (!TABLE_NAME.test(definition.name))
    throw new UsageError(`name: ${expected(TABLE_NAME_WORDS, definition.name)}`);
  const result = choose(definition, options);
  if ('chosen' in result) {
    const known = registry[definition.name] === definition;
    const text = `${definition.name}:${JSON.stringify(options)}`;
    return { ...result.chosen, place: undefined, ...(known ? { text } : {}) };
  }
  const { path, at, message } = nth(result.problems, 0);
  const where = at === 'key' ? path.slice(0, -1) : path;
  throw new UsageError(`${pathText([definition.name, ...where])}: ${message}`);
}
