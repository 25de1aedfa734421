/**
 * What a command line demands of every run: `--fail-unless converged`, `--fail-unless 'total-time < 5min'`. The words are
 * those of `expect:` in a scenario, without the strategy: every strategy that is run has to keep them.
 */
import { nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import type { MigrationResult } from '../../migration/result.js';
import type { ExpectationText, PolicyChoice, Scenario, StrategyChoice } from '../../scenario/scenario.js';
import type { Comparison } from '../compare.js';
import {
  type Measures,
  type Verdict,
  checkExpectations,
  checkValues,
  refuseUnreadable,
  runMeasure,
} from './expect.js';
import type { Measure, Value } from './measure.js';

/** Such as `total-time` and `< 5min`; of a measure alone, which is true or false, `true`. */
export interface Demand {
  readonly text: string;
  readonly key: string;
  readonly condition: string;
}

/** Reads `converged`, `total-time < 5min` or `p90(total-time) < 60s`. Throws `UsageError`. */
export function parseDemand(text: string): Demand {
  const [, key = '', condition = 'true'] =
    /^\s*([^<>=!]+?)\s*(?:((?:<=|>=|==|!=|<|>).*))?$/s.exec(text) ?? [];
  if (key !== '') return { text, key, condition: condition.trim() };
  const such = "converged, or 'total-time < 5min'";
  throw new UsageError(`cannot read the expectation ${JSON.stringify(text)}; expected ${such}`);
}

/** Throws the `UsageError` that `unmet` would throw after all runs. */
export function refuseUnreadableDemands(
  demands: readonly Demand[],
  scenario: Scenario,
  strategies: readonly StrategyChoice[],
  measures: Measures,
): void {
  refuseUnreadable({ ...scenario, strategies, expect: expectations(demands, strategies) }, measures);
}

/** A sentence for each demand and strategy that do not go together; none where all is kept. */
export function unmet(demands: readonly Demand[], comparison: Comparison, measures: Measures): string[] {
  const strategies = comparison.strategies.map(({ strategy }) => strategy);
  const scenario = { ...comparison.scenario, expect: expectations(demands, strategies) };
  return checkExpectations({ ...comparison, scenario }, measures)
    .filter(({ ok }) => !ok)
    .map(sentence);
}

/** The same for a single run, such as that of one guest of a drained host. */
export function unmetInRun(
  demands: readonly Demand[],
  ran: { readonly scenario: Scenario; readonly strategy: StrategyChoice; readonly policy: PolicyChoice },
  result: MigrationResult,
  measures: Measures,
): string[] {
  const { scenario, strategy, policy } = ran;
  const { memory, seed } = result;
  const strategies = [{ strategy, results: [result] }];
  return unmet(demands, { scenario, policy, memory, seed, runs: 1, strategies }, measures);
}

/** Demands on rows that are not kept: those of a sweep, of which `group` names the cell and the strategy. */
export interface RowDemands<Row> {
  add(group: string, row: Row): void;
  unmet(): string[];
}

/** Throws `UsageError` for what cannot be read. */
export function demandsOnRows<Row>(
  demands: readonly Demand[],
  measures: readonly Measure<Row>[],
): RowDemands<Row> {
  const read = demands.map((demand) => ({ demand, measure: runMeasure(demand.key, measures) }));
  for (const { demand, measure } of read) checkValues('', demand, measure.unit, []);
  const groups = new Map<string, Value[][]>();
  return {
    add(group, row) {
      const values = groups.get(group) ?? read.map((): Value[] => []);
      groups.set(group, values);
      for (const [index, { measure }] of read.entries()) nth(values, index).push(measure.get(row));
    },
    unmet: () =>
      [...groups].flatMap(([group, values]) =>
        read
          .map(({ demand, measure }, index) => checkValues(group, demand, measure.unit, nth(values, index)))
          .filter(({ ok }) => !ok)
          .map(sentence),
      ),
  };
}

function sentence({ subject, expected, got, byHowMuch }: Verdict): string {
  return `${subject}: expected ${expected}, got ${got}${byHowMuch === null ? '' : ` (${byHowMuch} off)`}`;
}

function expectations(demands: readonly Demand[], strategies: readonly StrategyChoice[]): ExpectationText[] {
  return strategies.flatMap(({ label }) =>
    demands.map(({ key, condition }) => ({ subject: label, key, condition, place: undefined })),
  );
}
