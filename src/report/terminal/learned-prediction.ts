/** What is predicted of a learned guest: its migration without and with auto-converge, in 90 % bands, and what both depend on. */
import { chooseStrategy, listedStrategy } from '../../experiment/choice.js';
import { compare } from '../../experiment/compare.js';
import type { Scenario } from '../../scenario/scenario.js';
import { certaintyLines } from './kit/certainty.js';
import { dependenceLines } from './dependence-text.js';

/** Fewer say nothing of what a spread comes from. */
const RUNS = 10;
const STRATEGIES = ['none', 'auto-converge'];

/** Of the strategies that converge; with none of them, empty. */
export function predictionLines(scenario: Scenario): string[] {
  const memory = 'fluid';
  // As the log has it, where it shows the strategy's parameters.
  const chosen = STRATEGIES.map((name) => listedStrategy(name, scenario) ?? chooseStrategy(name, {}));
  const single = compare(scenario, { strategies: chosen, memory, keep: 'scalars' });
  const converging = single.strategies.filter(({ results }) => results[0]?.converged === true);
  if (converging.length === 0) return [];
  const strategies = converging.map(({ strategy }) => strategy);
  const several = compare(scenario, { strategies, memory, runs: RUNS, keep: 'scalars' });
  // What a load's share of its time changes, throttles alone show: of those that converge the last.
  const last = { ...single, strategies: converging.slice(-1) };
  return [...certaintyLines(several), ...dependenceLines(last, true)];
}
