/** What is predicted of a learned guest: its migration under each strategy, in 90 % bands, and what they depend on. */
import { chooseStrategy, listedStrategy } from '../../experiment/choice.js';
import { compare } from '../../experiment/compare.js';
import type { StrategyName } from '../../strategies/index.js';
import type { Scenario } from '../../scenario/scenario.js';
import type { Logged } from '../../advice/advised.js';
import { bandStretch, certaintyLines } from './kit/certainty.js';
import { dependenceLines } from './dependence-text.js';

/** As many as `advise` takes: both have the same bands. Fewer than ten say nothing of what a spread comes from. */
const RUNS = 20;

/** Of those of `names` that converge; with none of them, empty. `logged`: how the log's migration went, which bands then hold. */
export function predictionLines(
  scenario: Scenario,
  names: readonly StrategyName[],
  logged: Logged | null,
): string[] {
  const memory = 'fluid';
  // As the log has it, where it shows the strategy's parameters.
  const chosen = names.map((name) => listedStrategy(name, scenario) ?? chooseStrategy(name, {}));
  const single = compare(scenario, { strategies: chosen, memory, keep: 'scalars' });
  const converging = single.strategies.filter(({ results }) => results[0]?.converged === true);
  const again = single.strategies[0]?.results[0];
  const eased =
    logged !== null && again?.converged === false && again.strategy === scenario.strategies[0]?.label
      ? [
          'The log completed, and its guest as learned would not: it wrote less in the end, or something ended it that the log does not show.',
        ]
      : [];
  if (converging.length === 0) return eased;
  const strategies = converging.map(({ strategy }) => strategy);
  const several = compare(scenario, { strategies, memory, runs: RUNS, keep: 'scalars' });
  // What a load's share of its time changes, throttles alone show: of those that converge the last.
  const last = { ...single, strategies: converging.slice(-1) };
  const entry = several.strategies.find(({ strategy }) => strategy.label === scenario.strategies[0]?.label);
  const stretch = entry === undefined || logged === null ? {} : bandStretch(entry, logged);
  return [...eased, ...certaintyLines(several, stretch), ...dependenceLines(last, true)];
}
