/** How sure a comparison of several runs is: bands of a migration, borderline verdicts, and what the spread comes from. */
import { zip } from '../../../lists.js';
import type { Comparison, StrategyResults } from '../../../experiment/compare.js';
import { measureOf } from '../../../experiment/dependence.js';
import { show } from '../../../experiment/expect/measure.js';
import { HOST_DRAWS } from '../../../guest/variability.js';
import type { MigrationResult } from '../../../migration/result.js';
import { drawOf } from '../../../random/draws.js';
import { type Stretch, stretched, stretchTo } from '../../../stats/conformal.js';
import { mean } from '../../../stats/summary.js';
import { strategyBands } from '../../files/bands.js';

/** Between these shares of draws a verdict is called borderline. */
const BORDERLINE = 0.1;
/** Below it a share of the variance is chance: 1 / runs is what an input without effect has. */
const NOTICED = 3;
const FEWEST_RUNS = 10;
/** Inputs that are named. */
const SHOWN = 2;

/** By how much bands are widened, by column. */
export type BandStretch = Readonly<Record<string, Stretch>>;

/** What has the bands of a strategy hold how a logged migration went under it. */
export function bandStretch(
  entry: StrategyResults,
  logged: { readonly totalTimeMs: number; readonly downtimeMs: number | null },
): BandStretch {
  const seen: Readonly<Record<string, number | null>> = {
    total_time_ms: logged.totalTimeMs,
    downtime_ms: logged.downtimeMs,
  };
  const rows = strategyBands(entry).filter(({ measure }) => Object.hasOwn(seen, measure));
  return Object.fromEntries(rows.map((row) => [row.measure, stretchTo(row, seen[row.measure] ?? null)]));
}

/** Lines for below the table; none for single runs. */
export function certaintyLines(comparison: Comparison, stretch: BandStretch = {}): string[] {
  if (comparison.runs < 2) return [];
  return comparison.strategies.flatMap((entry) => [
    ...bandLine(entry, stretch),
    ...borderlineLine(comparison, entry),
    ...sourcesLine(comparison, entry),
  ]);
}

function bandLine(entry: StrategyResults, stretch: BandStretch): string[] {
  const bands = strategyBands(entry);
  const text = (column: string): string | null => {
    const band = bands.find(({ measure }) => measure === column);
    if (band === undefined) return null;
    const { low, high } = stretched(band, stretch[column] ?? { below: 1, above: 1 });
    return `${show('ms', low)} to ${show('ms', high)}`;
  };
  const [total, downtime] = [text('total_time_ms'), text('downtime_ms')];
  if (total === null || downtime === null) return [];
  return [`${entry.strategy.label}: 90 % band of a migration: total time ${total}, downtime ${downtime}.`];
}

function borderlineLine(comparison: Comparison, { strategy, results }: StrategyResults): string[] {
  const converged = results.filter((result) => result.converged).length;
  const share = converged / results.length;
  if (share < BORDERLINE || share > 1 - BORDERLINE) return [];
  const verdicts = results.map((result) => (result.converged ? 1 : 0));
  const [first] = results.length < FEWEST_RUNS ? [] : sharesOf(comparison, results, verdicts);
  const decides =
    first === undefined ? mechanismOf(results) : `${first.key} (${Math.round(first.share * 100)} % of it)`;
  return [
    `${strategy.label}: a borderline case, which converges in ${converged} of ${results.length} draws. What decides it: ${decides}.`,
  ];
}

/** What dice of a run decide where no input does. */
function mechanismOf(results: readonly MigrationResult[]): string {
  if (results.some(({ maxRingFullSleepUs }) => maxRingFullSleepUs > 0))
    return 'whether what the rings release at once fits the threshold';
  if (results.some(({ maxThrottlePercent }) => maxThrottlePercent > 0))
    return "the phase of the throttle's timer against the syncs, and the bandwidth of one window";
  return 'the bandwidth of one window, and where in their memory sender and writer are';
}

interface Share {
  readonly key: string;
  /** Of the variance, 0..1. */
  readonly share: number;
}

/**
 * Squared correlation of what was drawn with what came of it, the largest first, and of the next with what that leaves: of few
 * runs, inputs correlate with each other by chance. Inputs whose share could be chance are left out.
 */
function sharesOf(
  { scenario, seed }: Comparison,
  results: readonly MigrationResult[],
  outcomes: readonly number[],
): Share[] {
  const hostKeys = scenario.setup.host.variability === undefined ? [] : HOST_DRAWS;
  const keys = [...scenario.uncertainty.values.map(({ key }) => key), ...hostKeys];
  const drawn = new Map(keys.map((key) => [key, results.map(({ run }) => drawOf(key, seed, run))]));
  // The vCPUs' own speeds count together.
  const { vcpus } = scenario.setup.guest;
  const speedOf = (run: number): number =>
    mean(vcpus.map((_, id) => drawOf(`host vcpu-speed ${id}`, seed, run)));
  if (hostKeys.length > 0)
    drawn.set(
      'host vcpu-speed',
      results.map(({ run }) => speedOf(run)),
    );
  const found: Share[] = [];
  let rest = outcomes;
  let left = 1;
  while (found.length < SHOWN) {
    const shares = [...drawn].map(([key, values]) => ({ key, values, of: sharedVariance(values, rest) }));
    const best = shares.reduce((most, one) => (one.of > most.of ? one : most), {
      key: '',
      values: rest,
      of: 0,
    });
    if (best.of * left <= NOTICED / results.length) break;
    found.push({ key: best.key, share: best.of * left });
    rest = residuals(best.values, rest);
    left *= 1 - best.of;
    drawn.delete(best.key);
  }
  return found;
}

/** What a straight line through `values` leaves of `outcomes`. */
function residuals(values: readonly number[], outcomes: readonly number[]): number[] {
  const [meanV, meanO] = [mean(values), mean(outcomes)];
  const cross = zip(values, outcomes).reduce(
    (sum, [value, outcome]) => sum + (value - meanV) * (outcome - meanO),
    0,
  );
  const slope = cross / values.reduce((sum, value) => sum + (value - meanV) ** 2, 0);
  return zip(outcomes, values).map(([outcome, value]) => outcome - meanO - slope * (value - meanV));
}

/** The two inputs that total time depends on most, and how to know them better. */
function sourcesLine(comparison: Comparison, { strategy, results }: StrategyResults): string[] {
  if (results.length < FEWEST_RUNS) return [];
  const totals = results.map(({ totalTimeMs }) => totalTimeMs);
  return sharesOf(comparison, results, totals).map(
    ({ key, share }) =>
      `${strategy.label}: ${Math.round(share * 100)} % of the spread of total time comes from ${key}; measure it with ${measureOf(key)}.`,
  );
}

function sharedVariance(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const apart = zip(a, b).map(([one, other]) => [one - meanA, other - meanB] as const);
  const sum = (of: (pair: readonly [number, number]) => number): number =>
    apart.reduce((total, pair) => total + of(pair), 0);
  const cross = sum(([one, other]) => one * other);
  const squares = sum(([one]) => one ** 2) * sum(([, other]) => other ** 2);
  return squares === 0 ? 0 : cross ** 2 / squares;
}
