/**
 * Gives meaning to `expect:` of a scenario.
 *
 * A line about one strategy is a measure and a condition (`total-time: < 60s`, `reader.work-done: '>= 99%'`,
 * `converges: true`); a relation compares two strategies (`dirty-limit.total-time < 0.5 * auto-converge.total-time`).
 * Either must hold in every run; run i of one strategy is compared with run i of the other. A statistic makes one value of
 * all runs: `p90(total-time): < 60s`, `mean(converges): '>= 90%'`, `median(dirty-limit.downtime) < auto-converge.downtime`.
 */
import { type Place, UsageError } from '../../errors.js';
import type { MigrationResult, VcpuResult } from '../../migration/result.js';
import type { ExpectationText, Scenario } from '../../scenario/scenario.js';
import { splitStatistic } from '../../scenario/expectations.js';
import { unknown as wordingOfUnknown } from '../../options/wording.js';
import { mean, quantile } from '../../stats/summary.js';
import { parseBytes, parseBytesPerSecond, parseDurationUs, parseShare } from '../../units.js';
import type { Comparison } from '../compare.js';
import { type Measure, type Unit, type Value, bareName, show } from './measure.js';
import { largest } from '../../stats/extremes.js';

/** What can be expected: src/report/columns.ts has both lists. */
export interface Measures {
  readonly run: readonly Measure<MigrationResult>[];
  readonly vcpu: readonly Measure<VcpuResult>[];
}

/** Whether one expectation holds. */
export interface Verdict {
  /** What was measured, such as `dirty-limit reader.work-done`, or the left side of a relation. */
  readonly subject: string;
  /** The condition as written, such as `>= 99%`. */
  readonly expected: string;
  readonly ok: boolean;
  /** Of the run that does worst, for people; of a relation with the value of its right side. */
  readonly got: string;
  /** Distance to the bound when it does not hold and there is one to measure, for people. */
  readonly byHowMuch: string | null;
  readonly place: Place | undefined;
}

type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=';

interface Quantity {
  readonly unit: Unit;
  /** One value a run, or a single one for all runs. */
  readonly values: readonly Value[];
  readonly overRuns: boolean;
}

/** Throws `UsageError` for what it cannot read; a condition that does not hold is a verdict. */
export function checkExpectations(comparison: Comparison, measures: Measures): Verdict[] {
  return comparison.scenario.expect.map((expectation) => checkOne(expectation, comparison, measures));
}

/** Throws the `UsageError` that `checkExpectations` would throw after all runs. */
export function refuseUnreadable(scenario: Scenario, measures: Measures): void {
  const strategies = scenario.strategies.map((strategy) => ({ strategy, results: [] }));
  const nothing: Comparison = {
    scenario,
    policy: scenario.policy,
    memory: 'fluid',
    seed: 1,
    runs: 0,
    strategies,
  };
  checkExpectations(nothing, measures);
}

function checkOne(expectation: ExpectationText, comparison: Comparison, measures: Measures): Verdict {
  const { subject, key, condition, place } = expectation;
  if (subject === null) return checkRelation(key, comparison, measures, place);
  const strategy = comparison.strategies.find((entry) => entry.strategy.label === subject);
  if (strategy === undefined) throw unknown('strategy', subject, labels(comparison), place);
  const { statistic, of } = splitStatistic(key);
  const each = measure(of, strategy.results, comparison.scenario, measures, place);
  const quantity = overRuns(statistic, each, of, place);
  const { operator, bound } = parseCondition(condition, key, quantity.unit, place);
  const bounds = { values: [bound], overRuns: true };
  return { subject: `${subject} ${key}`, expected: condition, place, ...judge(quantity, operator, bounds) };
}

/** The same for values that were measured elsewhere, one per run. */
export function checkValues(
  subject: string,
  { key, condition }: Pick<ExpectationText, 'key' | 'condition'>,
  unit: Unit,
  values: readonly Value[],
): Verdict {
  const { statistic, of } = splitStatistic(key);
  const quantity = overRuns(statistic, { unit, values, overRuns: false }, of, undefined);
  const { operator, bound } = parseCondition(condition, key, quantity.unit, undefined);
  const bounds = { values: [bound], overRuns: true };
  return {
    subject: `${subject} ${key}`,
    expected: condition,
    place: undefined,
    ...judge(quantity, operator, bounds),
  };
}

/** The measure of runs that a key is about. Throws `UsageError`. */
export function runMeasure<Row>(key: string, measures: readonly Measure<Row>[]): Measure<Row> {
  const { of } = splitStatistic(key);
  const found = find(of === 'converges' ? 'converged' : of, measures);
  if (found === undefined) throw unknown('measure', of, ['converges', ...measures.map(keyOf)], undefined);
  return found;
}

/** One value per run of any key of `expect:`, such as `total-time` or `reader.work-done`. Throws `UsageError`. */
export function measured(
  key: string,
  results: readonly MigrationResult[],
  scenario: Scenario,
  measures: Measures,
): { readonly unit: Unit; readonly values: readonly Value[] } {
  return measure(key, results, scenario, measures, undefined);
}

function checkRelation(
  text: string,
  comparison: Comparison,
  measures: Measures,
  place: Place | undefined,
): Verdict {
  const parts = /^(.+?)\s*(<=|>=|==|!=|<|>)\s*(.+)$/.exec(text.trim());
  if (parts === null) {
    throw new UsageError(
      `cannot read the expectation ${JSON.stringify(text)}; expected a relation such as "dirty-limit.total-time < auto-converge.total-time"`,
      place,
    );
  }
  const [, leftText = '', operator = '', rightText = ''] = parts;
  const left = operand(leftText, comparison, measures, place);
  const right = operand(rightText, comparison, measures, place);
  if (left.unit !== right.unit) {
    throw new UsageError(`${JSON.stringify(text)} compares ${left.unit} with ${right.unit}`, place);
  }
  const expected = `${operator} ${rightText}`;
  return { subject: leftText, expected, place, ...judge(left, operator as Operator, right, true) };
}

/** `dirty-limit.total-time` or `0.5 * auto-converge.reader.work-done`. */
function operand(
  text: string,
  comparison: Comparison,
  measures: Measures,
  place: Place | undefined,
): Quantity {
  const scaled = /^(\d+(?:\.\d+)?)\s*\*\s*(.+)$/.exec(text);
  const factor = scaled === null ? 1 : Number(scaled[1]);
  const { statistic, of: name } = splitStatistic(scaled?.[2] ?? text);
  // Labels may contain dots, as in `dirty-limit(x=0.5)`; the longest that fits is meant.
  const fitting = comparison.strategies.filter(({ strategy }) => name.startsWith(`${strategy.label}.`));
  const [chosen] = fitting.sort((a, b) => b.strategy.label.length - a.strategy.label.length);
  if (chosen === undefined) throw unknown('strategy', name.split('.')[0] ?? name, labels(comparison), place);
  const key = name.slice(chosen.strategy.label.length + 1);
  const each = measure(key, chosen.results, comparison.scenario, measures, place);
  const quantity = overRuns(statistic, each, key, place);
  if (factor === 1) return quantity;
  const values = quantity.values.map((value) => (typeof value === 'number' ? value * factor : value));
  return { ...quantity, values };
}

/** One value of all runs, null when a run has none: its place among the others is not known. */
function overRuns(statistic: string | null, each: Quantity, key: string, place: Place | undefined): Quantity {
  if (statistic === null) return each;
  if (each.unit === 'text')
    throw new UsageError(`${key} is a word: there is no ${statistic} of words`, place);
  // Of truths it is the share of runs in which it is true.
  const unit = each.unit === 'flag' ? 'share' : each.unit;
  if (each.values.length === 0 || each.values.includes(null)) return { unit, values: [null], overRuns: true };
  return { unit, values: [statisticOf(statistic, each.values.map(Number))], overRuns: true };
}

function statisticOf(statistic: string, values: readonly number[]): number {
  const shares: Readonly<Record<string, number>> = { min: 0, median: 0.5, max: 1 };
  if (statistic === 'mean') return mean(values);
  return quantile(values, shares[statistic] ?? Number(statistic.slice(1)) / 100);
}

function measure(
  key: string,
  results: readonly MigrationResult[],
  scenario: Scenario,
  measures: Measures,
  place: Place | undefined,
): Quantity {
  const ofRun = find(key === 'converges' ? 'converged' : key, measures.run);
  if (ofRun !== undefined) {
    return { unit: ofRun.unit, values: results.map((result) => ofRun.get(result)), overRuns: false };
  }
  const groups = [...new Set(scenario.setup.guest.vcpus.map((vcpu) => vcpu.group))];
  const dot = key.lastIndexOf('.');
  if (dot < 0) {
    const keys = ['converges', ...measures.run.map(keyOf), ...groups.map((group) => `${group}.work-done`)];
    throw unknown('measure', key, keys, place);
  }
  const group = key.slice(0, dot);
  const ofVcpu = find(key.slice(dot + 1), measures.vcpu);
  if (!groups.includes(group)) throw unknown('vCPU group', group, groups, place);
  if (ofVcpu === undefined) throw unknown('measure', key.slice(dot + 1), measures.vcpu.map(keyOf), place);
  const values = results.map((result) =>
    overGroup(
      ofVcpu,
      result.vcpus.filter((vcpu) => vcpu.group === group),
    ),
  );
  return { unit: ofVcpu.unit, values, overRuns: false };
}

/** The mean of a group; of stalls the longest, which the other vCPUs do not make up for. */
function overGroup(ofVcpu: Measure<VcpuResult>, vcpus: readonly VcpuResult[]): Value {
  const values = vcpus.map((vcpu) => ofVcpu.get(vcpu)).filter((value) => typeof value === 'number');
  if (values.length === 0) return null;
  if (ofVcpu.name === 'longest_stall_ms') return largest(values);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function parseCondition(
  condition: string,
  key: string,
  unit: Unit,
  place: Place | undefined,
): { operator: Operator; bound: Value } {
  const [, written, text = ''] = /^\s*(<=|>=|==|!=|<|>)?\s*(.*?)\s*$/.exec(condition) ?? [];
  const plain = unit === 'flag' || unit === 'text';
  if (text === '' || (written === undefined && !plain)) {
    throw new UsageError(
      `cannot read the condition "${condition}" of ${key}; expected ==, <, <=, > or >= and ${EXAMPLES[unit]}`,
      place,
    );
  }
  if (plain && written !== undefined && written !== '==' && written !== '!=') {
    throw new UsageError(`${key} has no order: "${condition}"; expected ${EXAMPLES[unit]}`, place);
  }
  return { operator: (written ?? '==') as Operator, bound: parseValue(text, key, unit, place) };
}

const EXAMPLES: Readonly<Record<Unit, string>> = {
  text: 'a word',
  flag: 'true or false',
  count: 'a number',
  ms: 'a duration such as 60s',
  us: 'a duration such as 300us',
  bytes: 'a size such as 4GiB',
  'bytes/s': 'a rate such as 1GiB/s',
  pages: 'a number',
  'pages/s': 'a number',
  percent: 'a percentage such as 50%',
  share: 'a percentage such as 99%',
};

function parseValue(text: string, key: string, unit: Unit, place: Place | undefined): Value {
  try {
    switch (unit) {
      case 'ms':
        return parseDurationUs(text) / 1e3;
      case 'us':
        return parseDurationUs(text);
      case 'bytes':
        return parseBytes(text);
      case 'bytes/s':
        return parseBytesPerSecond(text);
      case 'share':
        return parseShare(text);
      case 'percent':
        return parseShare(text) * 100;
      case 'text':
        return text;
      case 'flag':
        if (text === 'true' || text === 'false') return text === 'true';
        break;
      default:
        if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
    }
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${key}: ${error.message}`, place);
    throw error;
  }
  throw new UsageError(`cannot read ${JSON.stringify(text)} for ${key}; expected ${EXAMPLES[unit]}`, place);
}

/** In the words of conditions: `true`, not `yes`. */
function told(unit: Unit, value: Value): string {
  if (value === null) return 'no value';
  return typeof value === 'boolean' ? String(value) : show(unit, value);
}

/** Shares differ by points: 1 % of 50 % is another thing. */
function distanceText(unit: Unit, distance: number): string {
  return unit === 'percent' || unit === 'share'
    ? show(unit, distance).replace(' %', ' points')
    : show(unit, distance);
}

/** Takes the run that is farthest on the wrong side, or nearest to the bound when all are on the right one. */
function judge(
  quantity: Quantity,
  operator: Operator,
  bounds: Pick<Quantity, 'values' | 'overRuns'>,
  boundIsMeasured = false,
): Pick<Verdict, 'ok' | 'got' | 'byHowMuch'> {
  const at = (side: typeof bounds, run: number): Value => side.values[side.overRuns ? 0 : run] ?? null;
  const count = Math.max(quantity.values.length, bounds.values.length);
  const excesses = Array.from({ length: count }, (_, run) =>
    excess(at(quantity, run), operator, at(bounds, run)),
  );
  const worst = excesses.indexOf(largest(excesses));
  const value = at(quantity, worst);
  const ok = excesses.every((amount) => amount <= 0);
  const distance = excesses[worst] ?? 0;
  const measurable =
    !ok && typeof value === 'number' && Number.isFinite(distance) && distance >= Number.MIN_VALUE;
  const missed = typeof value === 'number' ? Math.abs(value - Number(at(bounds, worst))) : 0;
  const which = count > 1 ? ` in run ${worst + 1}` : '';
  const against = boundIsMeasured ? ` compared with ${told(quantity.unit, at(bounds, worst))}` : '';
  return {
    ok,
    got: `${told(quantity.unit, value)}${against}${which}`,
    byHowMuch: measurable && missed > 0 ? distanceText(quantity.unit, missed) : null,
  };
}

/** Positive when the condition does not hold, the more the farther; infinite where there is nothing to compare. */
function excess(value: Value, operator: Operator, bound: Value): number {
  if (value === null || bound === null) return Infinity;
  if (operator === '!=') return value === bound ? Infinity : -1;
  if (typeof value !== 'number' || typeof bound !== 'number') return value === bound ? 0 : Infinity;
  const beyond = value - bound;
  if (operator === '==') return Math.abs(beyond);
  const wrongSide = operator === '<' || operator === '<=' ? beyond : -beyond;
  const strict = operator === '<' || operator === '>';
  return strict && wrongSide === 0 ? Number.MIN_VALUE : wrongSide;
}

/** `total-time` of `total_time_ms`. */
function keyOf(of: { readonly name: string; readonly unit: Unit }): string {
  return bareName(of).replaceAll('_', '-');
}

/** By its key, or by the column's whole name in either spelling. */
function find<Row>(key: string, among: readonly Measure<Row>[]): Measure<Row> | undefined {
  return among.find((one) => keyOf(one) === key || one.name === key.replaceAll('-', '_'));
}

function labels(comparison: Comparison): string[] {
  return comparison.strategies.map(({ strategy }) => strategy.label);
}

function unknown(what: string, word: string, known: readonly string[], place: Place | undefined): UsageError {
  return new UsageError(wordingOfUnknown(what, word, known), place);
}
