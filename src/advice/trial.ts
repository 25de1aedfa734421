/** A remedy tuned by searches and tried: what it comes to, and how it is written down. */
import { UsageError } from '../errors.js';
import type { Measures } from '../experiment/expect/expect.js';
import { isUncertain, type PredictedFrom } from '../experiment/predicted.js';
import { lostWorkSeconds } from '../experiment/regret.js';
import type { Batches } from '../experiment/parallel/batches.js';
import { loaded } from '../experiment/parallel/loaded.js';
import type { SearchPoint } from '../experiment/search/point.js';
import { searchWith, type SearchResult } from '../experiment/search/search.js';
import type { MigrationResult, WhyNot } from '../migration/result.js';
import type { Scenario } from '../scenario/scenario.js';
import { PAGE_BYTES } from '../units.js';
import type { AdviseConduct, Advised } from './advised.js';
import { conditions } from './goals.js';
import { linesFor } from './lines.js';
import { keepsAll, type Outcome, missesOf, outcomeOf } from './outcome.js';
import type { Price, Remedy, Tune } from './remedy.js';

/** A remedy, and what came of it. */
export interface Tried {
  readonly remedy: Remedy;
  /** Its values, tuned, as `--set` takes them. */
  readonly assigned: readonly string[];
  readonly values: readonly string[];
  readonly advised: Advised;
}

export interface Trial {
  asItIs(): Promise<{ readonly outcome: Outcome; readonly why: WhyNot | null }>;
  tried(remedy: Remedy, names: readonly string[]): Promise<Tried>;
}

/** Values are tried with this part of the runs that the answer is tried with; of what comes later anyway with less. */
const TUNING: Readonly<Record<Price, number>> = {
  settings: 4,
  content: 10,
  restart: 10,
  hardware: 10,
  risk: 20,
};
/** Post-copy takes many times as long to simulate as anything else, and comes last: by fewer runs, which promise less. */
const RUNS_OF_RISK = 0.5;

const LOST_WORK = {
  name: 'lost_work',
  unit: 'count',
  meaning: 'guest work lost, s of a vCPU at full speed',
  get: lostWorkSeconds,
} as const;

/** Runs after which it is clear that none will do. */
const FEW = 3;

export function openTrial(
  scenario: Scenario,
  conduct: AdviseConduct,
  measures: Measures,
  batches: Batches,
): Trial {
  const { goals, program, runs, seed, memory } = conduct;
  const file = scenario.file ?? scenario.name;
  const run = async (
    set: readonly string[],
    strategy: string | null,
    lastRun = runs,
    draw = true,
  ): Promise<readonly MigrationResult[]> => {
    const how = { policy: null, seed, memory, firstRun: 1, lastRun, timelineMs: 0, trace: false };
    const [outcome] = await batches.run([
      { text: scenario.text, file, set, strategy, ...how, draw, everything: false },
    ]);
    if (outcome === undefined || 'refusal' in outcome)
      throw new UsageError(outcome?.refusal ?? 'nothing ran');
    return outcome.results;
  };
  // No run is followed for longer than anybody would wait.
  const base = [...scenario.set, 'expect={}', `migration.give-up-after=${Math.ceil(goals.deadlineMs)}ms`];
  const lost = { run: [...measures.run, LOST_WORK], vcpu: measures.vcpu };
  /** What bands are made from; null where nothing is drawn. */
  const predicted = async (
    set: readonly string[],
    strategy: string | null,
  ): Promise<PredictedFrom | null> => {
    if (runs < 2 || !isUncertain(scenario)) return null;
    const [median] = await run(set, strategy, 1, false);
    return median === undefined ? null : { median, residuals: scenario.setup.host.residuals };
  };
  const found = (
    set: readonly string[],
    strategy: string | null,
    tune: Tune,
    price: Price,
  ): Promise<SearchResult> => {
    const { key, from, to } = tune;
    const where = conditions(goals, scenario);
    const range = {
      key,
      where,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    };
    const question =
      tune.find === 'smallest'
        ? ({ ...range, find: 'smallest' } as const)
        : ({ ...range, find: 'best', minimize: 'lost-work' } as const);
    const tuning = { runs: Math.max(1, Math.ceil(runs / TUNING[price])), seed, memory, hasty: true };
    const how = strategy === null ? tuning : { ...tuning, strategy };
    return searchWith(loaded(scenario.text, file, set), question, how, lost, batches);
  };
  return {
    async asItIs() {
      const few = await run(base, conduct.strategy, Math.min(FEW, runs));
      // Where no run does, more of them say nothing else.
      const hopeless = few.every((result) => !keepsAll(result, goals));
      const inTime = hopeless || runs <= FEW ? few : await run(base, conduct.strategy);
      const byItself = hopeless ? await run([...scenario.set, 'expect={}'], conduct.strategy, 1) : inTime;
      const why = byItself.find((result) => result.why !== null)?.why ?? null;
      const from = hopeless ? null : await predicted(base, conduct.strategy);
      return { outcome: outcomeOf(inTime, goals, from), why };
    },
    async tried(remedy, names) {
      const set = [...base, ...remedy.set];
      const bringsStrategy = remedy.set.some((one) => one.startsWith('strategies='));
      const strategy = bringsStrategy ? null : conduct.strategy;
      const assigned: string[] = [];
      const values: string[] = [];
      let best: readonly MigrationResult[] = [];
      let hopeless = false;
      for (const tune of remedy.tunes) {
        const result = await found([...set, ...assigned], strategy, tune, remedy.price);
        const point = pointOf(result, tune);
        const text = tune.settle?.(point.text) ?? point.text;
        hopeless ||= result.answer === null;
        assigned.push(`${result.path}=${text}`);
        values.push(text);
        best = text === point.text ? point.results : [];
      }
      // A value that the search gave up may still keep the goals in its few runs: that is no promise.
      const isOver = hopeless && best.length > 0 && missesOf(outcomeOf(best, goals), goals).length > 0;
      const all = [...set, ...assigned];
      const enough = remedy.price === 'risk' ? Math.ceil(runs * RUNS_OF_RISK) : runs;
      const results = isOver || best.length === enough ? best : await run(all, strategy, enough);
      const isGood = missesOf(outcomeOf(results, goals), goals).length === 0;
      const outcome = outcomeOf(results, goals, isGood ? await predicted(all, strategy) : null);
      const change = remedy.change(values, results);
      const advised: Advised = {
        names,
        change,
        set: lastOf([...remedy.set, ...assigned]),
        outcome,
        needs: remedy.needs,
        risks: remedy.risk === null ? [] : [remedy.risk],
        price: remedy.price,
        lines: linesFor(program, { change, ramBytes: scenario.setup.guest.ramPages * PAGE_BYTES }),
        misses: missesOf(outcome, goals),
      };
      return { remedy, assigned, values, advised };
    },
  };
}

/** Of values of one key, the last. */
function lastOf(set: readonly string[]): string[] {
  const keyOf = (text: string): string => text.slice(0, text.indexOf('='));
  return set.filter((text, at) => !set.slice(at + 1).some((later) => keyOf(later) === keyOf(text)));
}

function pointOf({ answer, points }: SearchResult, { find }: Tune): SearchPoint {
  if (answer === null) return nearest(points);
  return find === 'smallest' ? clearOf(points, answer) : steady(points, answer);
}

/** A value whose neighbours so near fail is no advice: guests and memories differ by more. */
const NEAR = 0.04;

/** The smallest of the values that are clear of those that fail. */
function clearOf(points: readonly SearchPoint[], answer: SearchPoint): SearchPoint {
  const least = (1 + NEAR) * answer.value;
  return points.find(({ value, holds }) => holds && value >= least) ?? answer;
}

/** The best of the values whose neighbours that were tried hold too. */
function steady(points: readonly SearchPoint[], answer: SearchPoint): SearchPoint {
  const failing = points.filter(({ holds }) => !holds);
  const isSteady = ({ value }: SearchPoint): boolean =>
    failing.every((point) => Math.abs(point.value - value) > NEAR * value);
  const candidates = points.filter((point) => point.holds && point.score !== null && isSteady(point));
  return (
    candidates.reduce<SearchPoint | null>((a, b) => (a === null || b.score! < a.score! ? b : a), null) ??
    answer
  );
}

/** Where none keeps the goals: the one that most runs keep, and of those the one after which least was left or lost. */
function nearest(points: readonly SearchPoint[]): SearchPoint {
  const converged = ({ results }: SearchPoint): number => results.filter((result) => result.converged).length;
  return points.reduce((a, b) => {
    const more = b.share.estimate - a.share.estimate || converged(b) - converged(a);
    return more > 0 || (more === 0 && (b.score ?? Infinity) < (a.score ?? Infinity)) ? b : a;
  });
}
