/** The key of a search: where in the scenario it stands, and who runs. */
import { policies } from '../../policies/index.js';
import type { Scenario } from '../../scenario/scenario.js';
import { strategies } from '../../strategies/index.js';
import { listedStrategy } from '../choice.js';
import { writtenValue } from '../../scenario/overrides.js';

/** A key, found. */
export interface SearchKey {
  /** As `--set` takes it: `strategies.dirty-limit.vcpu-dirty-limit`. */
  readonly path: string;
  /** What has to be in the scenario before the key can be set. */
  readonly before: readonly string[];
  /** The strategy whose option it is, else null. */
  readonly strategy: string | null;
  /** Its value in the scenario, as written; null where it is left out. */
  readonly now: string | null;
}

/**
 * `migration.downtime-limit` as it is; `dirty-limit.vcpu-dirty-limit` is an option of that strategy, which need not be in the
 * scenario, and `nova.completion-timeout` of that policy, which then decides.
 */
export function searchKey(text: string, scenario: Scenario): SearchKey {
  const [first = '', second = '', ...rest] = text.split('.');
  const isStrategy = first === 'strategies' && Object.hasOwn(strategies, second);
  if (isStrategy || Object.hasOwn(strategies, first)) {
    const name = isStrategy ? second : first;
    const option = isStrategy ? rest : [second, ...rest];
    const path = ['strategies', name, ...option].join('.');
    const listed = listedStrategy(name, scenario) !== undefined;
    return withValue(path, listed ? [] : [`strategies=[${name}]`], name, scenario);
  }
  if (Object.hasOwn(policies, first)) {
    const isSet = scenario.policy.definition.name === first;
    return withValue(`policy.${text}`, isSet ? [] : [`policy=${first}`], null, scenario);
  }
  return withValue(text, [], null, scenario);
}

function withValue(
  path: string,
  before: readonly string[],
  strategy: string | null,
  scenario: Scenario,
): SearchKey {
  return { path, before, strategy, now: before.length > 0 ? null : writtenValue(scenario, path) };
}
