/** What to measure next: the two inputs that an answer depends on most, and with what it turns. */
import type { Comparison } from '../../experiment/compare.js';
import { type Dependence, dependences, inputsOf } from '../../experiment/dependence.js';
import { show } from '../../experiment/expect/measure.js';
import { simulate } from '../../experiment/simulate.js';
import type { MigrationResult } from '../../migration/result.js';

/** Lines that a page still has room for. */
const SHOWN = 2;
/** Longer migrations are not run again for this. */
const LONGEST_MS = 1800e3;

/**
 * Of the first strategy that converges, or of the first: single runs in the fluid memory with one input moved at a time. Empty
 * where nothing moves it, and where the runs themselves draw: then the spread of the draws says it. `isNamed`: lines begin with
 * the strategy even where there is only one.
 */
export function dependenceLines(
  { scenario, policy, seed, runs, strategies }: Comparison,
  isNamed = false,
): string[] {
  const entry = strategies.find(({ results }) => results[0]?.converged === true) ?? strategies[0];
  const first = entry?.results[0];
  if (entry === undefined || first === undefined || runs > 1 || first.totalTimeMs > LONGEST_MS) return [];
  const options = { seed, run: 1, draw: false, memory: 'fluid', policy, keepSyncs: false } as const;
  const found = dependences(inputsOf(scenario.setup, scenario.uncertainty), (setup) =>
    simulate({ ...scenario, setup }, entry.strategy, options),
  );
  const label = isNamed || strategies.length > 1 ? `${entry.strategy.label}: ` : '';
  if (found.length > 0 || first.converged) return dependenceText(found, label);
  return [`${label}neither a fifth fewer writes nor a link that carries a tenth more makes it converge.`];
}

/** `label`: what stands before each line. */
export function dependenceText(found: readonly Dependence[], label: string): string[] {
  return found.slice(0, SHOWN).map(({ input, low, high }, index) => {
    const lead = index === 0 ? 'depends most on this' : 'then on this';
    const turns = low.converged === high.converged ? '' : ' The answer turns here.';
    return `${label}${lead}: with ${input.less} ${outcome(low, high)}, ${input.more} ${outcome(high, low)}; measure it with ${input.measure}.${turns}`;
  });
}

function outcome(result: MigrationResult, other: MigrationResult): string {
  if (!result.converged) return 'it does not converge';
  const differs = result.maxThrottlePercent !== other.maxThrottlePercent && other.converged;
  const throttle = differs ? ` at ${show('percent', result.maxThrottlePercent)}` : '';
  return `${show('ms', result.totalTimeMs)}${throttle}`;
}
