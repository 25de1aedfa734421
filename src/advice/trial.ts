/** A remedy tuned by searches and tried: what it comes to, and how it is written down. */
import { UsageError } from '../errors.js';
import { nth } from '../lists.js';
import type { Measures } from '../experiment/expect/expect.js';
import { isUncertain, type PredictedFrom } from '../experiment/predicted.js';
import { lostWorkSeconds } from '../experiment/regret.js';
import type { Batches } from '../experiment/parallel/batches.js';
import { loaded } from '../experiment/parallel/loaded.js';
import type { SearchPoint } from '../experiment/search/point.js';
import { searchWith, type SearchResult } from '../experiment/search/search.js';
import type { MigrationResult, WhyNot } from '../migration/result.js';
import type { Scenario } from '../scenario/scenario.js';
import { largest } from '../stats/extremes.js';
import { PAGE_BYTES } from '../units.js';
import type { AdviseConduct, Advised } from './advised.js';
import { conditions, LONGEST_MS } from './goals.js';
import { linesFor } from './lines.js';
import { keepsAll, type Late, type Outcome, missesOf, outcomeOf } from './outcome.js';
import type { Price, Remedy, Tune } from './remedy.js';

/** A remedy, and what came of it. */
export interface Tried {
  readonly remedy: Remedy;
  /** Its values, tuned, as `--set` takes them. */
  readonly assigned: readonly string[];
  readonly values: readonly string[];
  readonly advised: Advised;
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

/** Times the deadline: what ends by then is late, what does not is not worth waiting for. */
const LONGER = 2;

/** Runs after which it is clear that none will do. */
const FEW = 3;

/** What a scenario comes to as it is, and with remedies. */
export class Trial {
  readonly #scenario: Scenario;
  readonly #conduct: AdviseConduct;
  readonly #measures: Measures;
  readonly #batches: Batches;
  readonly #base: readonly string[];

  constructor(scenario: Scenario, conduct: AdviseConduct, measures: Measures, batches: Batches) {
    this.#scenario = scenario;
    this.#conduct = conduct;
    this.#measures = { run: [...measures.run, LOST_WORK], vcpu: measures.vcpu };
    this.#batches = batches;
    // No run is followed for longer than anybody would wait.
    const patience = `migration.give-up-after=${Math.ceil(conduct.goals.deadlineMs)}ms`;
    this.#base = [...scenario.set, 'expect={}', patience];
  }

  /** `late`: how it ends by itself, where no run does in time. */
  async asItIs(): Promise<{
    readonly outcome: Outcome;
    readonly why: WhyNot | null;
    readonly late: Late | null;
  }> {
    const { goals, runs, strategy } = this.#conduct;
    const few = await this.#run(this.#base, strategy, Math.min(FEW, runs));
    // Where no run does, more of them say nothing else.
    const hopeless = few.every((result) => !keepsAll(result, goals));
    const inTime = hopeless || runs <= FEW ? few : await this.#run(this.#base, strategy);
    const isCut = inTime.some(({ converged }) => !converged);
    const byItself = isCut ? await this.#run(this.#withoutEnd(), strategy, 1) : inTime;
    const why = byItself.find((result) => result.why !== null)?.why ?? null;
    const from = hopeless ? null : await this.#predicted(this.#base, strategy);
    const [first] = byItself;
    const isLate = first?.converged === true && inTime.every(({ converged }) => !converged);
    const late = isLate ? { totalTimeMs: first.totalTimeMs, blackoutMs: first.blackoutMs ?? 0 } : null;
    return { outcome: outcomeOf(inTime, goals, from), why, late };
  }

  /** For as long as the scenario says, but longer than the deadline; Proxmox VE doubles downtime-limit until it ends. */
  #withoutEnd(): readonly string[] {
    const { set, policy, setup } = this.#scenario;
    const deadlineMs = this.#conduct.goals.deadlineMs;
    const ownMs = setup.migration.giveUpAfterUs / 1000;
    const patience = (limit: string): string[] => [...set, 'expect={}', `migration.give-up-after=${limit}`];
    if (policy.definition.name === 'proxmox') return patience('24h');
    return ownMs > 0 && ownMs <= deadlineMs
      ? patience(`${Math.min(LONGEST_MS, Math.ceil(LONGER * deadlineMs))}ms`)
      : [...set, 'expect={}'];
  }

  async tried(remedy: Remedy, names: readonly string[]): Promise<Tried> {
    const { goals, program, runs } = this.#conduct;
    const set = [...this.#base, ...remedy.set];
    const bringsStrategy = remedy.set.some((one) => one.startsWith('strategies='));
    const strategy = bringsStrategy ? null : this.#conduct.strategy;
    const isGood = (results: readonly MigrationResult[]): boolean =>
      missesOf(outcomeOf(results, goals), goals).length === 0;
    const tuneWith = async (tuningRuns: number): Promise<Tuned> => {
      const tuned = await this.#tuned(remedy, set, strategy, tuningRuns);
      const { best, hopeless, assigned } = tuned;
      // A value that the search gave up may still keep the goals in its few runs: that is no promise.
      const isOver = hopeless && best.length > 0 && !isGood(best);
      if (isOver || best.length === enough) return tuned;
      return { ...tuned, best: await this.#run([...set, ...assigned], strategy, enough) };
    };
    const enough = remedy.price === 'risk' ? Math.ceil(runs * RUNS_OF_RISK) : runs;
    const few = await tuneWith(Math.max(1, Math.ceil(runs / TUNING[remedy.price])));
    // Few draws of what is uncertain are far from its ends: where more of them miss, all of them decide.
    const isLucky = !few.hopeless && remedy.tunes.length > 0 && !isGood(few.best);
    const again = isLucky && remedy.price === 'settings' && isUncertain(this.#scenario);
    const { assigned, values, best: results } = again ? await tuneWith(enough) : few;
    const all = [...set, ...assigned];
    const outcome = outcomeOf(results, goals, isGood(results) ? await this.#predicted(all, strategy) : null);
    const change = remedy.change(values, results);
    const advised: Advised = {
      names,
      change,
      set: lastOf([...remedy.set, ...assigned]),
      outcome,
      needs: remedy.needs,
      risks: remedy.risk === null ? [] : [remedy.risk],
      price: remedy.price,
      lines: linesFor(program, { change, ramBytes: this.#scenario.setup.guest.ramPages * PAGE_BYTES }),
      misses: missesOf(outcome, goals),
    };
    return { remedy, assigned, values, advised };
  }

  /** The values of a remedy, one search after another. `best`: the runs of the last value, where it is the one that was run. */
  async #tuned(
    remedy: Remedy,
    set: readonly string[],
    strategy: string | null,
    tuningRuns: number,
  ): Promise<Tuned> {
    const assigned: string[] = [];
    const values: string[] = [];
    let best: readonly MigrationResult[] = [];
    let hopeless = false;
    for (const tune of remedy.tunes) {
      const result = await this.#found([...set, ...assigned], strategy, tune, tuningRuns);
      const point = pointOf(result, tune);
      const text = tune.settle?.(point.text) ?? point.text;
      hopeless ||= result.answer === null;
      assigned.push(`${result.path}=${text}`);
      values.push(text);
      best = text === point.text ? point.results : [];
    }
    return { assigned, values, best, hopeless };
  }

  #found(set: readonly string[], strategy: string | null, tune: Tune, runs: number): Promise<SearchResult> {
    const { goals, seed, memory } = this.#conduct;
    const { key, from, to } = tune;
    const where = conditions(goals, this.#scenario);
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
    const tuning = { runs, seed, memory, hasty: true };
    const how = strategy === null ? tuning : { ...tuning, strategy };
    const base = loaded(this.#scenario.text, fileOf(this.#scenario), set);
    return searchWith(base, question, how, this.#measures, this.#batches);
  }

  /** What bands are made from; null where nothing is drawn. */
  async #predicted(set: readonly string[], strategy: string | null): Promise<PredictedFrom | null> {
    if (this.#conduct.runs < 2 || !isUncertain(this.#scenario)) return null;
    const [median] = await this.#run(set, strategy, 1, false);
    return median === undefined ? null : { median, residuals: this.#scenario.setup.host.residuals };
  }

  async #run(
    set: readonly string[],
    strategy: string | null,
    lastRun = this.#conduct.runs,
    draw = true,
  ): Promise<readonly MigrationResult[]> {
    const { seed, memory } = this.#conduct;
    const how = { policy: null, seed, memory, firstRun: 1, lastRun, timelineMs: 0, trace: false };
    const { text } = this.#scenario;
    const [outcome] = await this.#batches.run([
      { text, file: fileOf(this.#scenario), set, strategy, ...how, draw, everything: false },
    ]);
    if (outcome === undefined || 'refusal' in outcome)
      throw new UsageError(outcome?.refusal ?? 'nothing ran');
    return outcome.results;
  }
}

interface Tuned extends Pick<Tried, 'assigned' | 'values'> {
  readonly best: readonly MigrationResult[];
  /** At some value nothing kept the goals. */
  readonly hopeless: boolean;
}

function fileOf({ file, name }: Scenario): string {
  return file ?? name;
}

/** Of values of one key, the last. */
function lastOf(set: readonly string[]): string[] {
  const keyOf = (text: string): string => text.slice(0, text.indexOf('='));
  return set.filter((text, at) => !set.slice(at + 1).some((later) => keyOf(later) === keyOf(text)));
}

function pointOf({ answer, points }: SearchResult, tune: Tune): SearchPoint {
  if (answer === null) return nearest(points, tune);
  return tune.find === 'smallest' ? clearOf(points, answer) : steady(points, answer);
}

/** A value whose neighbours so near fail is no advice: guests and memories differ by more. */
const NEAR = 0.04;

/** The smallest of the values that are clear of those that fail. */
function clearOf(points: readonly SearchPoint[], answer: SearchPoint): SearchPoint {
  const least = (1 + NEAR) * answer.value;
  return points.find(({ value, holds }) => holds && value >= least) ?? answer;
}

function isClearOf(failing: readonly SearchPoint[], { value }: SearchPoint): boolean {
  return failing.every((point) => Math.abs(point.value - value) > NEAR * value);
}

/** The best of the values whose neighbours that were tried hold too. */
function steady(points: readonly SearchPoint[], answer: SearchPoint): SearchPoint {
  const failing = points.filter(({ holds }) => !holds);
  const candidates = points.flatMap((point) =>
    point.holds && point.score !== null && isClearOf(failing, point) ? [{ point, score: point.score }] : [],
  );
  const [first, ...others] = candidates;
  if (first === undefined) return answer;
  return others.reduce((best, one) => (one.score < best.score ? one : best), first).point;
}

/** Where no value keeps the goals: of those with which most runs do, or at least end, the one after which least was lost. */
function nearest(points: readonly SearchPoint[], { strongest = 'last' }: Tune): SearchPoint {
  const ended = ({ results }: SearchPoint): number => results.filter((result) => result.converged).length;
  const most = largest(points.map(({ share }) => share.estimate));
  const closest = points.filter(({ share }) => share.estimate === most);
  // What is lost until the deadline says nothing of a value with which nothing ends. That the strongest does not do says it all.
  const end = nth(points, strongest === 'last' ? points.length - 1 : 0);
  const mostEnded = largest(closest.map(ended));
  if (mostEnded === 0) return end;
  const failing = points.filter((point) => ended(point) < mostEnded);
  const ending = closest.filter((point) => ended(point) === mostEnded);
  const clear = ending.filter((point) => isClearOf(failing, point));
  const candidates = clear.length > 0 ? clear : ending;
  return candidates.reduce((a, b) => ((b.score ?? Infinity) < (a.score ?? Infinity) ? b : a));
}
