/** Outcomes of the same experiment at two times, or of two experiments: what changed beyond a tolerance. */
import type { Unit, Value } from './expect/measure.js';

/** The outcome of one run. */
export interface Outcome {
  readonly scenario: string;
  readonly strategy: string;
  readonly run: number;
  /** By the name of the measure, such as `total_time_ms`. */
  readonly values: Readonly<Record<string, Value>>;
}

export interface OutcomeMeasure {
  readonly name: string;
  readonly unit: Unit;
}

export interface ValueChange {
  readonly measure: OutcomeMeasure;
  readonly before: Value;
  readonly after: Value;
}

export interface OutcomeChange {
  readonly scenario: string;
  readonly strategy: string;
  readonly run: number;
  readonly what: 'changed' | 'new' | 'gone';
  /** What changed, in the order of the measures; empty unless `what` says so. */
  readonly values: readonly ValueChange[];
}

/** By the name of a measure; `''` is that of all others. Shares of the value before, 0 to 1. */
export type Tolerances = Readonly<Record<string, number>>;

/** A change no larger than this is none, however small the value: differences of rounding, one event more or less. */
const FLOORS: Readonly<Record<Unit, number>> = {
  text: 0,
  flag: 0,
  count: 1,
  ms: 1,
  us: 1000,
  bytes: 2 ** 20,
  'bytes/s': 2 ** 20,
  pages: 256,
  'pages/s': 256,
  percent: 0.5,
  share: 0.001,
};

/** Runs are matched by scenario, strategy and run, and come in the order of `after`, with those that are gone at the end. */
export function outcomeChanges(
  before: readonly Outcome[],
  after: readonly Outcome[],
  measures: readonly OutcomeMeasure[],
  tolerances: Tolerances,
): OutcomeChange[] {
  const earlier = new Map(before.map((outcome) => [keyOf(outcome), outcome]));
  const later = new Set(after.map(keyOf));
  const found = after.flatMap((now): OutcomeChange[] => {
    const then = earlier.get(keyOf(now));
    if (then === undefined) return [change(now, 'new', [])];
    const values = valueChanges(then, now, measures, tolerances);
    return values.length === 0 ? [] : [change(now, 'changed', values)];
  });
  const gone = before.filter((outcome) => !later.has(keyOf(outcome)));
  return [...found, ...gone.map((outcome) => change(outcome, 'gone', []))];
}

export function valueChanges(
  before: Pick<Outcome, 'values'>,
  after: Pick<Outcome, 'values'>,
  measures: readonly OutcomeMeasure[],
  tolerances: Tolerances,
): ValueChange[] {
  return measures
    .map((measure) => ({
      measure,
      before: before.values[measure.name] ?? null,
      after: after.values[measure.name] ?? null,
    }))
    .filter(({ measure, before: then, after: now }) => {
      const share = tolerances[measure.name] ?? tolerances[''] ?? 0;
      return !alike(then, now, share, FLOORS[measure.unit]);
    });
}

/** A tolerance of 0 is exact: not even rounding is forgiven. */
function alike(before: Value, after: Value, share: number, floor: number): boolean {
  if (typeof before !== 'number' || typeof after !== 'number') return before === after;
  const allowed = share === 0 ? 0 : Math.max(floor, share * Math.abs(before));
  return Math.abs(after - before) <= allowed;
}

function change(
  { scenario, strategy, run }: Outcome,
  what: OutcomeChange['what'],
  values: readonly ValueChange[],
): OutcomeChange {
  return { scenario, strategy, run, what, values };
}

function keyOf({ scenario, strategy, run }: Outcome): string {
  return JSON.stringify([scenario, strategy, run]);
}
