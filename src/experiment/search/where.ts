/** `converges >= 95% and total-time <= 5min`: what a search asks of the runs at one value. */
import { nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import type { MigrationResult } from '../../migration/result.js';
import type { Scenario, StrategyChoice } from '../../scenario/scenario.js';
import { splitStatistic } from '../../scenario/expectations.js';
import { parseShare } from '../../units.js';
import type { Measures } from '../expect/expect.js';
import {
  type Demand,
  parseDemand,
  refuseUnreadableDemands,
  unmet,
  unmetInRun,
} from '../expect/fail-unless.js';

/** What was asked, taken apart. */
export interface Where {
  /** As written. */
  readonly text: string;
  /** Share (0..1) of the runs in which all of `each` must hold: that of `converges >= 95%`, else 1. */
  readonly share: number;
  /** What must hold in a run, `converged` among it. */
  readonly each: readonly Demand[];
  /** What must hold of all runs together, such as `p90(total-time) < 60s`. */
  readonly together: readonly Demand[];
}

const OFTEN = /^\s*(converges|converged)\s*>=?\s*(.+%)\s*$/;

/** Conditions with `and` between them. Throws `UsageError` for what cannot be read. */
export function parseWhere(text: string): Where {
  const parts = text.split(/\s+and\s+/);
  let share = 1;
  const demands = parts.map((part) => {
    const often = OFTEN.exec(part);
    if (often === null) return parseDemand(part.replace(/^\s*converges\s*$/, 'converged'));
    share = parseShare(nth(often, 2));
    if (share > 1 || share <= 0) throw new UsageError(`${part}: expected a share above 0% and up to 100%`);
    return parseDemand('converged');
  });
  const isTogether = ({ key }: Demand): boolean => splitStatistic(key).statistic !== null;
  return {
    text,
    share,
    each: demands.filter((demand) => !isTogether(demand)),
    together: demands.filter(isTogether),
  };
}

/** Throws the `UsageError` that `judge` would throw. */
export function refuseUnreadableWhere(
  { each, together }: Where,
  scenario: Scenario,
  strategy: StrategyChoice,
  measures: Measures,
): void {
  refuseUnreadableDemands([...each, ...together], scenario, [strategy], measures);
}

/** What became of the runs at one value. */
export interface Judgement {
  /** Run by run: whether everything that is asked of a run holds. */
  readonly runs: readonly boolean[];
  /** Share of the runs in which it holds, 0..1. */
  readonly share: number;
  /** Of `each`, then `together`: the indexes of those that do not hold, or not as often as asked. */
  readonly lacks: readonly number[];
  /** Whether that is as often as asked, and what is asked of all runs together holds as well. */
  readonly holds: boolean;
}

export function judge(
  where: Where,
  scenario: Scenario,
  strategy: StrategyChoice,
  results: readonly MigrationResult[],
  measures: Measures,
): Judgement {
  const { policy } = scenario;
  const ran = { scenario, strategy, policy };
  const kept = where.each.map((demand) =>
    results.map((result) => unmetInRun([demand], ran, result, measures).length === 0),
  );
  const runs = results.map((_, run) => kept.every((held) => held[run]));
  const share = shareOf(runs);
  const [first] = results;
  const all = {
    scenario,
    policy,
    memory: first?.memory ?? 'fluid',
    seed: first?.seed ?? 1,
    runs: results.length,
    strategies: [{ strategy, results }],
  } as const;
  const together = where.together.map((demand) => unmet([demand], all, measures).length === 0);
  // A run that did not converge lacks that; what it has no value of must not count as lacking too.
  const asks = where.each.some(({ key }) => key === 'converged');
  const counts = (run: number, index: number): boolean =>
    !asks || nth(where.each, index).key === 'converged' || nth(results, run).converged;
  const enough = kept.map((held, index) => {
    const counted = held.filter((_, run) => counts(run, index));
    return counted.length === 0 || shareOf(counted) >= where.share;
  });
  const lacks = [...enough, ...together].flatMap((held, index) => (held ? [] : [index]));
  return { runs, share, lacks, holds: share >= where.share && together.every(Boolean) };
}

function shareOf(truths: readonly boolean[]): number {
  return truths.filter(Boolean).length / truths.length;
}
