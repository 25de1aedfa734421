/** Whether a migration will finish as it is, and what to change where it will not. */
import { UsageError } from '../errors.js';
import type { Measures } from '../experiment/expect/expect.js';
import { lostWorkSeconds } from '../experiment/regret.js';
import type { Batches } from '../experiment/parallel/batches.js';
import { loaded } from '../experiment/parallel/loaded.js';
import type { SearchPoint } from '../experiment/search/point.js';
import { searchWith } from '../experiment/search/search.js';
import type { MigrationResult } from '../migration/result.js';
import type { Scenario } from '../scenario/scenario.js';
import { PAGE_BYTES } from '../units.js';
import type { Change, Program } from './change.js';
import { conditions, type Goals, hasReaders } from './goals.js';
import { linesFor } from './lines.js';
import { keepsAll, type Outcome, missesOf, outcomeOf } from './outcome.js';
import { PAIRS, orderOf, PRICES, type Price, type Remedy, type Tune, remediesFor } from './remedies.js';

export interface AdviseConduct {
  readonly goals: Goals;
  readonly program: Program;
  /** A label of the scenario: what runs now; null: the first that it lists. */
  readonly strategy: string | null;
  readonly runs: number;
  readonly seed: number;
  readonly memory: 'page' | 'fluid';
  /** Called when a remedy was tried, one of `of` at most. */
  readonly onTried?: (of: number) => void;
}

/** A remedy, tuned and tried. */
export interface Advised {
  /** Names of the remedies in it, one or two. */
  readonly names: readonly string[];
  readonly change: Change;
  /** What a scenario needs to be it, as `--set` takes it. */
  readonly set: readonly string[];
  readonly outcome: Outcome;
  readonly needs: readonly string[];
  readonly risks: readonly string[];
  readonly price: Price;
  /** What to type or write; null: the program has no setting for it. */
  readonly lines: readonly string[] | null;
  /** Goals that it misses, in words; empty: it keeps all of them. */
  readonly misses: readonly string[];
}

/** What `advise` found: whether the migration finishes as it is, and the remedies in their order. */
export interface Advice {
  readonly goals: Goals;
  readonly hasReaders: boolean;
  readonly runs: number;
  readonly seed: number;
  readonly memory: 'page' | 'fluid';
  readonly program: Program;
  /** What the order of the remedies goes by. */
  readonly objective: Objective;
  /** As it is, and by the reason that its run gives where it does not converge. */
  readonly asItIs: {
    readonly outcome: Outcome;
    readonly why: string | null;
    readonly misses: readonly string[];
  };
  /** finishes: as it is, within the goals. */
  readonly verdict: 'finishes' | 'remedy' | 'none';
  /** Those that keep all goals and can be written down, in the order of the objective. */
  readonly remedies: readonly Advised[];
  /** Those that miss a goal, the nearest first, and those that the program has no setting for. */
  readonly others: readonly Advised[];
  /** What cannot be tried here, and why. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

/** Among remedies that keep the goals: the lowest price first, and at the same price the smallest measure. */
export interface Objective {
  readonly minimizes: 'lostSeconds';
  /** The cheapest first. */
  readonly prices: readonly Price[];
  readonly text: string;
}

const OBJECTIVE: Objective = {
  minimizes: 'lostSeconds',
  prices: PRICES,
  text: `of the remedies that keep what is wanted, ${orderOf(PRICES)}; of the same rank, the one after which the guest lost least work (lostSeconds: s of a vCPU at full speed, stops, throttles and the cost of tracking counted alike)`,
};

/** A pair has to lose less than its halves by this share: what is simpler is better. */
const WORTH_A_PAIR = 0.9;

export async function adviseWith(
  scenario: Scenario,
  conduct: AdviseConduct,
  measures: Measures,
  batches: Batches,
): Promise<Advice> {
  const { goals, program, runs, seed, memory } = conduct;
  const trial = openTrial(scenario, conduct, measures, batches);
  const asItIs = await trial.asItIs();
  const misses = missesOf(asItIs.outcome, goals);
  const common = {
    goals,
    hasReaders: hasReaders(scenario),
    runs,
    seed,
    memory,
    program,
    objective: OBJECTIVE,
  };
  const now = { outcome: asItIs.outcome, why: asItIs.why, misses };
  if (misses.length === 0) {
    return { ...common, asItIs: now, verdict: 'finishes', remedies: [], others: [], refused: [] };
  }
  const remedies = remediesFor(scenario, goals);
  const of = remedies.length + PAIRS.length;
  const refused: { name: string; why: string }[] = [];
  const attempt = async (remedy: Remedy, names: readonly string[]): Promise<Tried | null> => {
    try {
      return await trial.tried(remedy, names);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      refused.push({ name: remedy.name, why: reasonOf(error) });
      return null;
    } finally {
      conduct.onTried?.(of);
    }
  };
  const singles = (await Promise.all(remedies.map((remedy) => attempt(remedy, [remedy.name])))).filter(
    isTried,
  );
  const pairs = (
    await Promise.all(
      PAIRS.map(async ([a, b]) => {
        const first = singles.find(({ remedy }) => remedy.name === a);
        const second = singles.find(({ remedy }) => remedy.name === b);
        if (first === undefined || second === undefined || !isPairOpen(first, second, singles)) return null;
        const both = await attempt(together(first, second.remedy, goals), [a, b]);
        return both !== null && isWorthIt(both, [first, second]) ? both : null;
      }),
    )
  ).filter(isTried);
  const all = [...singles, ...pairs].map(({ advised }) => advised).sort(byRank);
  const isGood = ({ misses: missed, lines }: Advised): boolean => missed.length === 0 && lines !== null;
  const good = all.filter(isGood);
  return {
    ...common,
    asItIs: now,
    verdict: good.length > 0 ? 'remedy' : 'none',
    remedies: good,
    others: all.filter((one) => !isGood(one)),
    refused,
  };
}

interface Tried {
  readonly remedy: Remedy;
  /** Its values, tuned, as `--set` takes them. */
  readonly assigned: readonly string[];
  readonly values: readonly string[];
  readonly advised: Advised;
}

const isTried = (one: Tried | null): one is Tried => one !== null;

function reasonOf({ message }: UsageError): string {
  return message
    .split('\n')[0]!
    .replace(/^.*?cannot run here: /, '')
    .replace(/^--set [^:]*: /, '');
}

/** Cheap remedies first, then those after which the guest lost least. */
function byRank(a: Advised, b: Advised): number {
  const price = PRICES.indexOf(a.price) - PRICES.indexOf(b.price);
  if (a.misses.length !== b.misses.length) return a.misses.length - b.misses.length;
  return price !== 0 ? price : a.outcome.lostSeconds - b.outcome.lostSeconds;
}

/** A pair may be the best of the first rank, or the only one of its own: others are not tried. */
function isPairOpen(first: Tried, second: Tried, singles: readonly Tried[]): boolean {
  const rankOf = ({ remedy }: Tried): number => PRICES.indexOf(remedy.price);
  const rank = Math.max(rankOf(first), rankOf(second));
  return (
    rank === 0 || !singles.some((single) => rankOf(single) <= rank && single.advised.misses.length === 0)
  );
}

function isWorthIt(both: Tried, halves: readonly Tried[]): boolean {
  if (both.advised.misses.length > 0) return false;
  // What costs more than the pair is no reason against it.
  const rank = PRICES.indexOf(both.advised.price);
  const good = halves.filter(
    ({ advised }) => advised.misses.length === 0 && PRICES.indexOf(advised.price) <= rank,
  );
  return good.every(
    ({ advised }) => both.advised.outcome.lostSeconds < WORTH_A_PAIR * advised.outcome.lostSeconds,
  );
}

/** The first as it was tuned; a downtime-limit as high as the goal allows, as alone it may not have been enough. */
function together(first: Tried, second: Remedy, { maxDowntimeMs }: Goals): Remedy {
  const isLimit = first.remedy.name === 'downtime-limit';
  const limitMs = Math.max(1, Math.floor(maxDowntimeMs * SHARED_LIMIT));
  const values = isLimit ? [`${limitMs}ms`] : first.values;
  const assigned = isLimit ? [`${pathOf(first.remedy.tunes[0]!)}=${limitMs}ms`] : first.assigned;
  return {
    name: `${first.remedy.name} and ${second.name}`,
    set: [...first.remedy.set, ...assigned, ...second.set],
    tunes: second.tunes,
    change: (tuned, results) => ({
      ...first.remedy.change(values, results),
      ...second.change(tuned, results),
    }),
    needs: [...first.remedy.needs, ...second.needs],
    risk: [first.remedy.risk, second.risk].filter((risk) => risk !== null).join('; ') || null,
    price: PRICES[Math.max(PRICES.indexOf(first.remedy.price), PRICES.indexOf(second.price))]!,
  };
}

/** Of the longest pause that is wanted: the last pass and the start of the destination take their part. */
const SHARED_LIMIT = 0.7;

function pathOf({ key }: Tune): string {
  return key.startsWith('nova.') ? `policy.${key}` : key;
}

interface Trial {
  asItIs(): Promise<{ readonly outcome: Outcome; readonly why: string | null }>;
  tried(remedy: Remedy, names: readonly string[]): Promise<Tried>;
}

function openTrial(scenario: Scenario, conduct: AdviseConduct, measures: Measures, batches: Batches): Trial {
  const { goals, program, runs, seed, memory } = conduct;
  const file = scenario.file ?? scenario.name;
  const run = async (
    set: readonly string[],
    strategy: string | null,
    lastRun = runs,
  ): Promise<readonly MigrationResult[]> => {
    const [outcome] = await batches.run([
      {
        text: scenario.text,
        file,
        set,
        strategy,
        policy: null,
        seed,
        memory,
        firstRun: 1,
        lastRun,
        timelineMs: 0,
        trace: false,
        everything: false,
      },
    ]);
    if (outcome === undefined || 'refusal' in outcome)
      throw new UsageError(outcome?.refusal ?? 'nothing ran');
    return outcome.results;
  };
  // No run is followed for longer than anybody would wait.
  const base = [...scenario.set, 'expect={}', `migration.give-up-after=${Math.ceil(goals.deadlineMs)}ms`];
  const where = conditions(goals, scenario);
  const lost = { run: [...measures.run, LOST_WORK], vcpu: measures.vcpu };
  const runsNow = (set: readonly string[]): boolean => !set.some((one) => one.startsWith('strategies='));
  return {
    async asItIs() {
      const few = await run(base, conduct.strategy, FEW);
      // Where no run does, more of them say nothing else.
      const hopeless = few.every((result) => !keepsAll(result, goals));
      const inTime = hopeless || runs <= FEW ? few : await run(base, conduct.strategy);
      const byItself = hopeless ? await run([...scenario.set, 'expect={}'], conduct.strategy, 1) : inTime;
      const why = byItself.find((result) => result.why !== null)?.why?.text ?? null;
      return { outcome: outcomeOf(hopeless ? few : inTime, goals), why };
    },
    async tried(remedy, names) {
      const set = [...base, ...remedy.set];
      const strategy = runsNow(remedy.set) ? conduct.strategy : null;
      const assigned: string[] = [];
      const values: string[] = [];
      let best: readonly MigrationResult[] = [];
      let hopeless = false;
      for (const tune of remedy.tunes) {
        const question =
          tune.find === 'smallest'
            ? ({ ...tune, find: 'smallest', where } as const)
            : ({ ...tune, find: 'best', where, minimize: 'lost-work' } as const);
        const how = {
          runs: Math.max(1, Math.ceil(runs / TUNING)),
          seed,
          memory,
          hasty: true,
          ...(strategy === null ? {} : { strategy }),
        };
        const found = await searchWith(
          loaded(scenario.text, file, [...set, ...assigned]),
          question,
          how,
          lost,
          batches,
        );
        const point =
          found.answer === null
            ? nearest(found.points)
            : tune.find === 'smallest'
              ? clearOf(found.points, found.answer)
              : steady(found.points, found.answer);
        hopeless ||= found.answer === null;
        assigned.push(`${found.path}=${point.text}`);
        values.push(point.text);
        best = point.results;
      }
      // A value that the search gave up may still keep the goals in its few runs: that is no promise.
      const isOver = hopeless && missesOf(outcomeOf(best, goals), goals).length > 0;
      const results = isOver || best.length === runs ? best : await run([...set, ...assigned], strategy);
      const change = remedy.change(values, results);
      const outcome = outcomeOf(results, goals);
      const advised: Advised = {
        names,
        change,
        set: [...remedy.set, ...assigned],
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

/** Values are tried with this part of the runs that the answer is tried with. */
const TUNING = 4;

const LOST_WORK = {
  name: 'lost_work',
  unit: 'count',
  meaning: 'guest work lost, s of a vCPU at full speed',
  get: lostWorkSeconds,
} as const;

/** Runs after which it is clear that none will do. */
const FEW = 3;

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
