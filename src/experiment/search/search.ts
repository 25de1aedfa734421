/** The smallest, largest or best value of a key, by bracketing and bisection; every value meets the same guests. */
import { lastOf, nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import type { MigrationResult } from '../../migration/result.js';
import type { Scenario, StrategyChoice } from '../../scenario/scenario.js';
import { shareInterval } from '../../stats/share-interval.js';
import { mean } from '../../stats/summary.js';
import { type Measures, measured } from '../expect/expect.js';
import type { Batches } from '../parallel/batches.js';
import { loaded } from '../parallel/loaded.js';
import { chosen } from '../parallel/run-worker.js';
import { LIKELY_VALUES, memoryFor } from '../memory-choice.js';
import type { MemoryChoice } from '../memory-words.js';
import type { Find, Found, SearchPoint, Trying } from './point.js';
import { bisected, bestOf, bracketed } from './ways.js';
import { type SearchKey, searchKey } from './key.js';
import { between, firstValues, rounded, scaleOf, type Scale } from './scale.js';
import { ValueRuns } from './value-runs.js';
import { judge, type Judgement, parseWhere, refuseUnreadableWhere, type Where } from './where.js';

/** What is looked for. */
export interface SearchQuestion {
  readonly find: Find;
  /** A key of the scenario, or an option of a strategy or policy: `dirty-limit.vcpu-dirty-limit`. */
  readonly key: string;
  /** Conditions with `and` between them, as `expect:` has them; default `converges >= 95%`. */
  readonly where?: string;
  /** Of `best`: the measure whose mean is to be small, such as `total-time`; or the one that is to be large. */
  readonly minimize?: string;
  readonly maximize?: string;
  /** The values to look between, as users write them; default: all that the key takes. */
  readonly from?: string;
  readonly to?: string;
}

/** How it is looked for. */
export interface SearchConduct {
  /** A label of the scenario or what `--strategy` takes; default: the one whose option the key is, else the first. */
  readonly strategy?: string;
  /** What `--policy` takes; default: the scenario's. */
  readonly policy?: string;
  readonly runs: number;
  readonly seed: number;
  readonly memory: MemoryChoice;
  /** A value whose first run keeps not what is asked gets no more runs, and lows are told apart to 3 %: for answers without a curve. */
  readonly hasty?: boolean;
}

/** What a search found. */
export interface SearchResult {
  readonly find: Find;
  readonly key: string;
  /** As `--set` and `--vary` take it. */
  readonly path: string;
  readonly where: string;
  readonly strategy: string;
  readonly memory: 'page' | 'fluid';
  readonly runs: number;
  readonly seed: number;
  /** null: it holds at no value that the key takes. */
  readonly answer: SearchPoint | null;
  /** The nearest value that was tried and does not hold; null where there is none, as at the end of what the key takes. */
  readonly beyond: SearchPoint | null;
  /** Values at which single runs begin to hold, the first and the last of them; null where that cannot be seen. */
  readonly band: readonly [string, string] | null;
  /** Values at which it holds again, or no longer, beyond the answer: as sentences. Empty where it changes once. */
  readonly notes: readonly string[];
  /** All values tried, from small to large. */
  readonly points: readonly SearchPoint[];
}

/** Throws `UsageError` for what cannot be read, and where the scenario refuses every value. */
export async function searchWith(
  base: Scenario,
  question: SearchQuestion,
  conduct: SearchConduct,
  measures: Measures,
  batches: Batches,
): Promise<SearchResult> {
  const { find } = question;
  const key = searchKey(question.key, base);
  const where = parseWhere(question.where ?? 'converges >= 95%');
  const trying = await openTrying(base, key, question, conduct, where, measures, batches);
  const found =
    find === 'best'
      ? await bestOf(trying, startsAt(trying.scale, key))
      : await edgeOf(trying, find, key, question);
  const answer = found.answer;
  return {
    find,
    key: question.key,
    path: key.path,
    where: where.text,
    strategy: trying.strategy.label.replace(/\(.*$/, ''),
    memory: trying.memory,
    runs: conduct.runs,
    seed: conduct.seed,
    answer,
    beyond: found.beyond,
    band: answer === null || find === 'best' ? null : bandOf(found.points, find),
    notes: found.notes,
    points: found.points,
  };
}

interface OpenTrying extends Trying {
  readonly strategy: StrategyChoice;
  readonly memory: 'page' | 'fluid';
}

async function openTrying(
  base: Scenario,
  key: SearchKey,
  question: SearchQuestion,
  conduct: SearchConduct,
  where: Where,
  measures: Measures,
  batches: Batches,
): Promise<OpenTrying> {
  const file = base.file ?? base.name;
  const set = [...base.set, 'expect={}', ...key.before];
  const refusalOf = refuser(base.text, file, set, key.path);
  const scale = scaleOf(key.path, key.now, refusalOf);
  const words = { strategy: conduct.strategy ?? key.strategy, policy: conduct.policy ?? null };
  // Conditions are judged with the groups and labels of one scenario: a value changes neither.
  const { scenario, strategy } = await chosen({ text: base.text, file, set, ...words });
  refuseUnreadableWhere(where, scenario, strategy, measures);
  const score = scoreOf(question, scenario, measures);
  const memory = memoryFor(
    { ...scenario, strategies: [strategy] },
    conduct.memory,
    conduct.runs * LIKELY_VALUES,
  );
  const judged = (results: readonly MigrationResult[]): Judgement =>
    judge(where, scenario, strategy, results, measures);
  const values = new ValueRuns(
    {
      runs: conduct.runs,
      firstRuns: conduct.hasty === true ? 1 : conduct.runs,
      batch: (value, firstRun, lastRun) => ({
        text: base.text,
        file,
        set: [...set, `${key.path}=${scale.write(value)}`],
        ...words,
        seed: conduct.seed,
        memory,
        firstRun,
        lastRun,
        timelineMs: 0,
        trace: false,
        everything: false,
      }),
      holds: (results) => judged(results).holds,
      point: (value, results) => pointOf(scale.write(value), value, judged(results), score(results), results),
    },
    batches,
  );
  const limit = (text: string | undefined): number | null =>
    text === undefined ? null : readLimit(scale, text);
  const limits = [limit(question.from), limit(question.to)] as const;
  const [low, high] = limits;
  const accepts = (value: number): boolean =>
    !(low !== null && value < low) &&
    !(high !== null && value > high) &&
    refusalOf(scale.write(value)) === null;
  const asGood = conduct.hasty === true ? HASTILY_AS_GOOD : AS_GOOD;
  return { scale, asGood, accepts, run: (some) => values.run(some), strategy, memory, limits };
}

function pointOf(
  text: string,
  value: number,
  { runs: good, holds, lacks, share }: Judgement,
  score: number | null,
  results: readonly MigrationResult[],
): SearchPoint {
  const interval = shareInterval(Math.round(share * results.length), results.length);
  return { text, value, share: interval, holds, lacks, good, score, results };
}

/** Why the loader does not take a value; null where it does. */
function refuser(
  text: string,
  file: string,
  set: readonly string[],
  path: string,
): (value: string) => UsageError | null {
  return remembered((value) => {
    try {
      loaded(text, file, [...set, `${path}=${value}`]);
      return null;
    } catch (error) {
      if (error instanceof UsageError) return error;
      throw error;
    }
  });
}

/** Differences of the score of `best` below this share are none. */
const AS_GOOD = 0.01;
const HASTILY_AS_GOOD = 0.03;

/** A value is often asked for again, and loading a scenario takes milliseconds. */
function remembered<Result>(make: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, { readonly result: Result }>();
  return (text) => {
    const found = known.get(text) ?? { result: make(text) };
    known.set(text, found);
    return found.result;
  };
}

function readLimit(scale: Scale, text: string): number {
  const value = scale.read(text);
  if (Number.isFinite(value)) return rounded(scale, value);
  throw new UsageError(
    `cannot read the end ${JSON.stringify(text)}; expected a value such as ${scale.write(scale.start)}`,
  );
}

function startsAt(scale: Scale, { now }: SearchKey): number {
  if (now === null) return scale.start;
  try {
    const value = scale.read(now);
    return value > 0 && Number.isFinite(value) ? rounded(scale, value) : scale.start;
  } catch {
    // A word such as `unlimited`.
    return scale.start;
  }
}

type Score = (results: readonly MigrationResult[]) => number | null;

/** What `best` compares, always the smaller the better. */
function scoreOf(
  { find, minimize, maximize }: SearchQuestion,
  scenario: Scenario,
  measures: Measures,
): Score {
  if (find !== 'best') {
    if (minimize === undefined && maximize === undefined) return () => null;
    throw new UsageError(
      `${minimize === undefined ? 'maximize' : 'minimize'} goes with best, not with ${find}`,
    );
  }
  const key = minimize ?? maximize;
  if (key === undefined || (minimize !== undefined && maximize !== undefined)) {
    throw new UsageError('best of what? Expected one measure to minimize or to maximize, such as total-time');
  }
  const sign = minimize === undefined ? -1 : 1;
  measured(key, [], scenario, measures);
  return (results) => {
    const values = measured(key, results, scenario, measures).values.map((value) =>
      typeof value === 'boolean' ? Number(value) : value,
    );
    return values.every((value) => typeof value === 'number') ? sign * mean(values) : null;
  };
}

async function edgeOf(
  trying: OpenTrying,
  find: 'smallest' | 'largest',
  key: SearchKey,
  { from, to }: SearchQuestion,
): Promise<Found> {
  const { scale, limits } = trying;
  const [low, high] = limits;
  if (low !== null && high !== null) {
    if (!(low < high)) throw new UsageError(`expected a range that rises, got ${from} to ${to}`);
    await trying.run([low, ...between(scale, low, high, 11), high].filter((value) => trying.accepts(value)));
  } else {
    const start = startsAt(scale, key);
    const first = firstValues(scale, start).filter((value) => trying.accepts(value));
    if (first.length === 0)
      throw new UsageError(`${key.path} takes none of the values around ${scale.write(start)}`);
    await trying.run(first);
  }
  await bracketed(trying, find);
  return bisected(trying, find);
}

/** For each run the value at which it begins to hold; the first and the last of these. */
function bandOf(
  points: readonly SearchPoint[],
  find: 'smallest' | 'largest',
): readonly [string, string] | null {
  const inOrder = find === 'smallest' ? points : points.toReversed();
  const runs = inOrder[0]?.good.length ?? 0;
  const begins = Array.from({ length: runs }, (_, run) => {
    const last = inOrder.findLastIndex(({ good }) => good[run] !== true);
    return inOrder[last + 1];
  });
  const found = begins.filter((point) => point !== undefined).sort((a, b) => a.value - b.value);
  if (found.length < runs || found.length === 0) return null;
  return [nth(found, 0).text, lastOf(found).text];
}
