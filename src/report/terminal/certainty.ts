/** How sure a comparison of several runs is: bands of a migration, borderline verdicts, and what the spread comes from. */
import type { Comparison, StrategyResults } from '../../experiment/compare.js';
import { show } from '../../experiment/measure.js';
import { HOST_DRAWS } from '../../guest/variability.js';
import { drawOf } from '../../random/draws.js';
import { mean } from '../../stats/summary.js';
import { strategyBands } from '../files/bands.js';

/** Between these shares of draws a verdict is called borderline. */
const BORDERLINE = 0.1;
/** Below it a share of the variance is chance: 1 / runs is what an input without effect has. */
const NOTICED = 3;
const FEWEST_RUNS = 10;

/** Lines for below the table; none for single runs. */
export function certaintyLines(comparison: Comparison): string[] {
  if (comparison.runs < 2) return [];
  return comparison.strategies.flatMap((entry) => [
    ...bandLine(entry),
    ...borderlineLine(entry),
    ...sourcesLine(comparison, entry),
  ]);
}

function bandLine(entry: StrategyResults): string[] {
  const bands = strategyBands(entry);
  const text = (column: string): string | null => {
    const band = bands.find(({ measure }) => measure === column);
    return band === undefined ? null : `${show('ms', band.low)} to ${show('ms', band.high)}`;
  };
  const [total, downtime] = [text('total_time_ms'), text('downtime_ms')];
  if (total === null || downtime === null) return [];
  return [`${entry.strategy.label}: 90 % band of a migration: total time ${total}, downtime ${downtime}.`];
}

function borderlineLine({ strategy, results }: StrategyResults): string[] {
  const converged = results.filter((result) => result.converged).length;
  const share = converged / results.length;
  if (share < BORDERLINE || share > 1 - BORDERLINE) return [];
  return [
    `${strategy.label}: a borderline case, which converges in ${converged} of ${results.length} draws.`,
  ];
}

/** The two inputs that total time depends on most: squared correlation of what was drawn with what came of it. */
function sourcesLine({ scenario, seed }: Comparison, { strategy, results }: StrategyResults): string[] {
  const totals = results.map(({ totalTimeMs }) => totalTimeMs);
  if (results.length < FEWEST_RUNS) return [];
  const hostKeys = scenario.setup.host.variability === undefined ? [] : HOST_DRAWS;
  const keys = [...scenario.uncertainty.values.map(({ key }) => key), ...hostKeys];
  const shares = keys
    .map((key) => ({
      key,
      share: sharedVariance(
        results.map(({ run }) => drawOf(key, seed, run)),
        totals,
      ),
    }))
    .filter(({ share }) => share > NOTICED / results.length)
    .sort((a, b) => b.share - a.share)
    .slice(0, 2);
  if (shares.length === 0) return [];
  const texts = shares.map(({ key, share }) => `${Math.round(share * 100)} % from ${key}`);
  return [`${strategy.label}: of the spread of total time ${texts.join(', ')}.`];
}

function sharedVariance(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const sum = (of: (i: number) => number): number => a.reduce((total, _, i) => total + of(i), 0);
  const cross = sum((i) => (a[i]! - meanA) * (b[i]! - meanB));
  const squares = sum((i) => (a[i]! - meanA) ** 2) * sum((i) => (b[i]! - meanB) ** 2);
  return squares === 0 ? 0 : cross ** 2 / squares;
}
