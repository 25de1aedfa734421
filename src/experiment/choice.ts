/** Strategies and policies for programs: by name, or a definition of one's own. */
import { UsageError } from '../errors.js';
import { parsePolicyText, parseStrategyText } from '../scenario/choices.js';
import { choose } from '../scenario/choice-schema.js';
import { pathText } from '../scenario/problems.js';
import type { PolicyChoice, StrategyChoice } from '../scenario/scenario.js';
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
  return withOptions(named, strategy, options);
}

/** The same for policies. */
export function choosePolicy(policy: string | PolicyDefinition, options: WrittenOptions = {}): PolicyChoice {
  const named = typeof policy === 'string' ? parsePolicyText(policy) : null;
  return withOptions(named, policy, options);
}

function withOptions(
  named: StrategyChoice | null,
  given: string | StrategyDefinition,
  options: WrittenOptions,
): StrategyChoice {
  if (named !== null && Object.keys(options).length === 0) return named;
  const definition = named?.definition ?? (given as StrategyDefinition);
  const result = choose(definition, options);
  if ('chosen' in result) return { ...result.chosen, place: undefined };
  const { path, at, message } = result.problems[0]!;
  const where = at === 'key' ? path.slice(0, -1) : path;
  throw new UsageError(`${pathText([definition.name, ...where])}: ${message}`);
}
