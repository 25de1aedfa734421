/** Whether a migration will finish as it is, and what to change where it will not. */
import { UsageError } from '../errors.js';
import type { Measures } from '../experiment/expect/expect.js';
import type { Batches } from '../experiment/parallel/batches.js';
import type { WhyNot } from '../migration/result.js';
import type { Scenario } from '../scenario/scenario.js';
import { ALWAYS_ON } from '../policies/kit/always-on.js';
import { stretchTo } from '../stats/conformal.js';
import type { AdviseConduct, Advised, Logged } from './advised.js';
import type { Change, Program } from './change.js';
import { type GoalReasons, type Goals, hasReaders } from './goals.js';
import {
  type Late,
  missesOf,
  type Outcome,
  outcomeStretched,
  type OutcomeStretch,
  type Within,
  withinOf,
} from './outcome.js';
import { isPairOpen, isWorthIt, PAIRS, together } from './pairs.js';
import { bandwidth, downtimeLimitMs, remediesFor } from './remedies.js';
import { orderOf, PRICES, type Price, type Remedy } from './remedy.js';
import { Trial, type Tried } from './trial.js';

/** What `advise` found: whether the migration finishes as it is, and the remedies in their order. */
export interface Advice {
  readonly goals: Goals;
  /** Of the goals that were not asked for: why they are what they are, in words. */
  readonly goalReasons: GoalReasons;
  /** How the migration went, where the log of one that completed was given. */
  readonly logged: Logged | null;
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
    /** How it ends by itself, where that is after the deadline; else null. */
    readonly late: Late | null;
  };
  /** finishes: as it is, within the goals. */
  readonly verdict: 'finishes' | 'remedy' | 'none';
  /** Those that keep all goals and can be written down, in the order of the objective. */
  readonly remedies: readonly Advised[];
  /** Those that miss a goal, the nearest first, and those that the program has no setting for. */
  readonly others: readonly Advised[];
  /** What cannot be tried here, and why. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
  /** Where nothing keeps the goals: the nearest ones that something of it would keep; null where none is known. */
  readonly nearest: Nearest | null;
  /** Without max-bandwidth on a link of 10 Gbit/s, where the link is assumed and may carry more; else null. */
  readonly ifLinkCarriesMore: Advised | null;
}

/** Goals, and what keeps them; `change` null: the migration as it is. */
export interface Nearest extends Within {
  readonly change: Change | null;
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

export async function adviseWith(
  scenario: Scenario,
  conduct: AdviseConduct,
  measures: Measures,
  batches: Batches,
): Promise<Advice> {
  const { goals, goalReasons, program, runs, seed, memory, logged = null, isLinkAssumed = false } = conduct;
  const trial = new Trial(scenario, conduct, measures, batches);
  const { outcome: predicted, why: whyNot, late } = await trial.asItIs();
  const why = whyNot?.text ?? null;
  const by = stretchOf(predicted, logged);
  const asItIs = { outcome: outcomeStretched(predicted, by), why, misses: missesOf(predicted, goals), late };
  const head = { goals, goalReasons, hasReaders: hasReaders(scenario), runs, seed, memory, program };
  const common = { ...head, objective: OBJECTIVE, logged, asItIs };
  if (asItIs.misses.length === 0) {
    return { ...common, verdict: 'finishes', remedies: [], others: [], refused: [], ...NOTHING_MORE };
  }
  const remedies = remediesFor(scenario, goals, program, !isLinkAssumed);
  const isCapOpen = isLinkAssumed && scenario.setup.migration.maxBandwidth > 0;
  const of = remedies.length + PAIRS.length + (isCapOpen ? 1 : 0);
  const refused: { readonly name: string; readonly why: string }[] = [...(ALWAYS_ON[program] ?? [])];
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
  const nowMs = downtimeLimitMs(scenario);
  const pairs = await Promise.all(
    openPairs(singles, whyNot?.binds ?? null).map(async ([first, second]) => {
      const names = [first.remedy.name, second.remedy.name];
      const both = await attempt(together(first, second.remedy, goals, nowMs), names);
      return both !== null && isWorthIt(both, [first, second]) ? both : null;
    }),
  );
  const open = isCapOpen ? await attempt(onUsualLink(), ['bandwidth']) : null;
  const all = [...singles, ...pairs.filter(isTried)]
    .map(({ advised }) => ({ ...advised, outcome: outcomeStretched(advised.outcome, by) }))
    .sort(byRank);
  const isGood = ({ misses: missed, lines }: Advised): boolean => missed.length === 0 && lines !== null;
  const good = all.filter(isGood);
  return {
    ...common,
    verdict: good.length > 0 ? 'remedy' : 'none',
    remedies: good,
    others: all.filter((one) => !isGood(one)),
    refused,
    nearest: good.length > 0 ? null : nearestOf(asItIs.outcome, late, all, goals),
    ifLinkCarriesMore: open?.advised ?? null,
  };
}

const NOTHING_MORE = { nearest: null, ifLinkCarriesMore: null } as const;

/** Of what was tried and can be written down, and of the migration as it is, what asks for the least more. */
function nearestOf(
  outcome: Outcome,
  late: Late | null,
  all: readonly Advised[],
  goals: Goals,
): Nearest | null {
  const more = ({ deadlineMs, maxDowntimeMs }: Within): number =>
    (deadlineMs / goals.deadlineMs) * (maxDowntimeMs / Math.max(1, goals.maxDowntimeMs));
  const found = [
    { within: withinOf(outcome, goals, late), change: null },
    ...all
      .filter(({ lines }) => lines !== null)
      .map((one) => ({ within: withinOf(one.outcome, goals), change: one.change })),
  ].flatMap(({ within, change }): Nearest[] => (within === null ? [] : [{ ...within, change }]));
  return found.sort((a, b) => more(a) - more(b))[0] ?? null;
}

/** Pairs of remedies of which the two together may do what each alone does not. */
function openPairs(singles: readonly Tried[], binds: WhyNot['binds'] | null): [Tried, Tried][] {
  const named = (name: string): Tried | undefined => singles.find(({ remedy }) => remedy.name === name);
  return PAIRS.flatMap(([a, b]): [Tried, Tried][] => {
    const [first, second] = [named(a), named(b)];
    if (first === undefined || second === undefined) return [];
    return isPairOpen(first, second, singles, binds) ? [[first, second]] : [];
  });
}

/** How far the bands of this guest have to reach for the log's own outcome to lie in them. */
function stretchOf({ totalTimeMs, blackoutMs }: Outcome, logged: Logged | null): OutcomeStretch {
  const none = { below: 1, above: 1 };
  return {
    totalTimeMs: totalTimeMs === null ? none : stretchTo(totalTimeMs, logged?.totalTimeMs ?? null),
    blackoutMs: blackoutMs === null ? none : stretchTo(blackoutMs, logged?.downtimeMs ?? null),
  };
}

/** What 10 Gbit/s of Ethernet carries: what a log that shows no more than its cap leaves to be measured. */
const USUAL_LINK = 'link.bandwidth=1177MB/s';

function onUsualLink(): Remedy {
  const remedy = bandwidth();
  return { ...remedy, set: [USUAL_LINK, ...remedy.set] };
}

const isTried = (one: Tried | null): one is Tried => one !== null;

function reasonOf({ message }: UsageError): string {
  return message
    .replace(/\n.*/s, '')
    .replace(/^.*?cannot run here: /, '')
    .replace(/^--set [^:]*: /, '');
}

/** Cheap remedies first, then those after which the guest lost least. */
function byRank(a: Advised, b: Advised): number {
  const price = PRICES.indexOf(a.price) - PRICES.indexOf(b.price);
  if (a.misses.length !== b.misses.length) return a.misses.length - b.misses.length;
  return price !== 0 ? price : a.outcome.lostSeconds - b.outcome.lostSeconds;
}
