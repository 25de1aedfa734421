/**
 * Jest matchers for migrations, for tests of strategies and of scenarios:
 *
 * ```js
 * import 'migsim/jest';
 * expect(simulate(scenario, strategy)).toConvergeWithin('60s');
 * ```
 *
 * A matcher takes one result, several, what `compare` gives or an entry of it, or rows of a sweep. Of several all must
 * match, and under `.not` none may.
 */
import { expect } from '@jest/globals';
import { isList, isMap, nth } from './lists.js';
import { UsageError } from './errors.js';
import type { Comparison, StrategyResults } from './experiment/compare.js';
import { show } from './experiment/expect/measure.js';
import type { SweepRow } from './api/sweep-row.js';
import type { Sweep } from './api/sweep.js';
import { type MigrationResult, workDoneOf } from './migration/result.js';
import { counted } from './report/terminal/kit/text.js';
import { show as describeValue } from './options/wording.js';
import { parseDurationUs, parseShare } from './units.js';

/** One migration: what `simulate` gives, or a row of a sweep. */
export type Migration = MigrationResult | SweepRow;

/** What `expect` may be given. */
export type Migrations =
  Migration | StrategyResults | Comparison | Sweep | readonly (Migration | StrategyResults)[];

/** The matchers, for the types of `expect`. */
export interface MigrationMatchers<R> {
  /** It came to a switchover by itself. */
  toConverge(): R;
  /** It converged, and total-time is at most this, such as `'60s'`. */
  toConvergeWithin(duration: string): R;
  /** vCPUs that only read did more than this share of the work of an unmigrated run, such as `'95%'`. */
  toKeepReadersAbove(share: string): R;
  /** It converged, and in less time than the other; of several, run by run. One that did not converge never finishes. */
  toFinishBefore(other: Migrations): R;
}

// Adding to an interface takes the very parameters that it has, used or not, and no members of its own.
/* eslint-disable @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type */
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends MigrationMatchers<R> {}
}

declare global {
  // For those who use Jest's globals with @types/jest.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace jest {
    interface Matchers<R, T> extends MigrationMatchers<R> {}
  }
}
/* eslint-enable */

/** Whether one migration is as wanted, and what it did, in words that follow its name. */
interface Judgement {
  readonly ok: boolean;
  readonly did: string;
}

interface Answer {
  readonly pass: boolean;
  message(): string;
}

/** What Jest passes to a matcher. */
interface Asked {
  readonly isNot?: boolean;
}

expect.extend({
  toConverge(this: Asked, received: unknown): Answer {
    const results = resultsOf('toConverge', received);
    return answer(this, results, 'to converge', (result) => ({ ok: result.converged, did: ending(result) }));
  },

  toConvergeWithin(this: Asked, received: unknown, duration: unknown): Answer {
    const results = resultsOf('toConvergeWithin', received);
    const limitMs = parsed('toConvergeWithin', duration, (text) => parseDurationUs(text) / 1e3);
    return answer(this, results, `to converge within ${show('ms', limitMs)}`, (result) => {
      const late = result.totalTimeMs - limitMs;
      const ok = result.converged && late <= 0;
      return { ok, did: ending(result) + (result.converged && !ok ? `, ${show('ms', late)} too late` : '') };
    });
  },

  toKeepReadersAbove(this: Asked, received: unknown, share: unknown): Answer {
    const results = resultsOf('toKeepReadersAbove', received);
    const least = parsed('toKeepReadersAbove', share, parseShare);
    return answer(this, results, `to keep readers above ${show('share', least)}`, (result) => {
      const work = readersWorkOf(result);
      if (work === null) throw wrong('toKeepReadersAbove', `${nameOf(result)} has no vCPU that only reads`);
      return { ok: work > least, did: `left them ${shareBeside(work, least)} of their work` };
    });
  },

  toFinishBefore(this: Asked, received: unknown, other: unknown): Answer {
    const mine = resultsOf('toFinishBefore', received);
    const others = resultsOf('toFinishBefore', other);
    if (mine.length !== others.length) {
      const counts = `${counted(mine.length, 'run')} cannot be compared with ${counted(others.length, 'run')}`;
      throw wrong('toFinishBefore', `${counts}; expected as many of both`);
    }
    return answer(this, mine, `to finish before ${nameOf(nth(others, 0))}`, (result, index) => {
      const rival = nth(others, index);
      const rivalMs = rival.converged ? rival.totalTimeMs : Infinity;
      const ok = result.converged && result.totalTimeMs < rivalMs;
      return { ok, did: `${ending(result)}; ${rival.strategy} ${ending(rival)}` };
    });
  },
});

/** All must be as wanted, under `not` none; the message is about the first that is wrong. */
function answer(
  { isNot = false }: Asked,
  results: readonly Migration[],
  wanted: string,
  judge: (result: Migration, index: number) => Judgement,
): Answer {
  const judgements = results.map(judge);
  const wrongs = [...judgements.keys()].filter((index) => nth(judgements, index).ok === isNot);
  const failed = wrongs.length > 0;
  const message = (): string => {
    const about = wrongs[0] ?? 0;
    const { did } = nth(judgements, about);
    const name = nameOf(nth(results, about));
    return `expected ${name}${isNot ? ' not' : ''} ${wanted}, but it ${did}${whichOf(results, about, wrongs.length)}`;
  };
  return { pass: failed === isNot, message };
}

/** ` (run 2)`, ` (link.bandwidth=1Gbit/s, run 2; 3 of 20 are wrong)`; nothing for a single result. */
function whichOf(results: readonly Migration[], about: number, wrongs: number): string {
  const result = nth(results, about);
  const varied =
    'varied' in result ? Object.entries(result.varied).map(([key, value]) => `${key}=${value}`) : [];
  const words = [...varied, ...(results.length > 1 ? [`run ${result.run}`] : [])];
  const others = wrongs > 1 ? `; ${wrongs} of ${results.length} are wrong` : '';
  return words.length === 0 ? '' : ` (${words.join(', ')}${others})`;
}

/** `converged in 25.9 s with a downtime of 197 ms`, `gave up after 1 min: …`. */
function ending(result: Migration): string {
  const { converged, status, totalTimeMs, downtimeMs } = result;
  const time = show('ms', totalTimeMs);
  if (converged) return `converged in ${time} with a downtime of ${show('ms', downtimeMs)}`;
  const words = { completed: 'ended', 'gave-up': 'gave up', cancelled: 'was cancelled', failed: 'failed' };
  // Rows of a sweep have no sentences.
  const said = 'varied' in result ? [result.binds] : [result.error, result.why?.text];
  const reasons = said.filter((reason) => reason !== null && reason !== undefined);
  return `${words[status]} after ${time}${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`;
}

function readersWorkOf(result: Migration): number | null {
  return 'varied' in result ? result.readersWorkDone : workDoneOf(result, 'readers');
}

/** With as many digits as distinguish it from the bound: 98.96 % is not above 99 %, and does not look like it. */
function shareBeside(value: number, bound: number): string {
  const percent = (share: number, digits: number): string => String(Number((share * 100).toFixed(digits)));
  const digits = [1, 2, 3, 4].find((count) => percent(value, count) !== percent(bound, count)) ?? 1;
  return `${percent(value, digits)} %`;
}

function nameOf({ strategy, scenario }: Migration): string {
  return `${strategy} on ${scenario}`;
}

function resultsOf(matcher: string, received: unknown): readonly Migration[] {
  const results = flattened(received);
  if (results !== null && results.length > 0) return results;
  const got =
    received instanceof Promise ? 'a promise: await it' : results === null ? describe(received) : 'none';
  throw wrong(matcher, `expected results of simulate(), compare() or sweep(), got ${got}`);
}

/** null: there is something else among them. */
function flattened(value: unknown): readonly Migration[] | null {
  if (isMigration(value)) return [value];
  const parts = isList(value)
    ? value
    : isMap(value)
      ? [value['strategies'], value['results'], value['rows']].find(isList)
      : undefined;
  if (parts === undefined) return null;
  const inside = parts.map(flattened);
  return inside.includes(null) ? null : inside.flatMap((results) => results ?? []);
}

function isMigration(value: unknown): value is Migration {
  return isMap(value) && typeof value['converged'] === 'boolean' && 'totalTimeMs' in value;
}

function parsed(matcher: string, text: unknown, parse: (text: string) => number): number {
  if (typeof text !== 'string') throw wrong(matcher, `expected a text with a unit, got ${describe(text)}`);
  try {
    return parse(text);
  } catch (error) {
    throw error instanceof UsageError ? wrong(matcher, error.message) : error;
  }
}

function describe(value: unknown): string {
  return typeof value === 'function' ? 'a function' : describeValue(value);
}

function wrong(matcher: string, what: string): UsageError {
  return new UsageError(`${matcher}: ${what}`);
}
