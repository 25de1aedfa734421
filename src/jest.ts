/**
 * Jest matchers for migrations, for tests of strategies and of scenarios:
 *
 * ```js
 * import 'migsim/jest';
 * expect(simulate(scenario, strategy)).toConvergeWithin('60s');
 * ```
 *
 * A matcher takes one result, several, or an entry of `compare(…).strategies`; several must all match.
 */
import { expect } from '@jest/globals';
import type { StrategyResults } from './experiment/compare.js';
import { UsageError } from './errors.js';
import { show } from './experiment/measure.js';
import { type MigrationResult, workDoneOf } from './migration/result.js';
import { parseDurationUs, parseShare } from './units.js';

/** What `expect` may be given. */
export type Migrations = MigrationResult | readonly MigrationResult[] | StrategyResults;

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
    interface Matchers<R, T = unknown> extends MigrationMatchers<R> {}
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

expect.extend({
  toConverge(received: unknown): Answer {
    return answer(received, 'to converge', (result) => ({ ok: result.converged, did: ending(result) }));
  },

  toConvergeWithin(received: unknown, duration: unknown): Answer {
    const limitMs = parsed('toConvergeWithin', duration, (text) => parseDurationUs(text) / 1e3);
    return answer(received, `to converge within ${show('ms', limitMs)}`, (result) => {
      const late = result.totalTimeMs - limitMs;
      const ok = result.converged && late <= 0;
      return { ok, did: ending(result) + (result.converged && !ok ? `, ${show('ms', late)} too late` : '') };
    });
  },

  toKeepReadersAbove(received: unknown, share: unknown): Answer {
    const least = parsed('toKeepReadersAbove', share, parseShare);
    return answer(received, `to keep readers above ${show('share', least)}`, (result) => {
      const work = workDoneOf(result, 'readers');
      if (work === null) throw new Error(`toKeepReadersAbove: ${nameOf(result)} has no vCPU that only reads`);
      return { ok: work > least, did: `left them ${show('share', work)} of their work` };
    });
  },

  toFinishBefore(received: unknown, other: unknown): Answer {
    const mine = resultsOf(received);
    const others = resultsOf(other);
    if (mine.length !== others.length) {
      throw new Error(`toFinishBefore: ${mine.length} runs cannot be compared with ${others.length}`);
    }
    return answer(received, `to finish before ${nameOf(others[0]!)}`, (result, index) => {
      const rival = others[index]!;
      const rivalMs = rival.converged ? rival.totalTimeMs : Infinity;
      const ok = result.converged && result.totalTimeMs < rivalMs;
      return { ok, did: `${ending(result)}; ${rival.strategy} ${ending(rival)}` };
    });
  },
});

/** All must be as wanted; the message is about the first that is not, and under `not` about the first. */
function answer(
  received: unknown,
  wanted: string,
  judge: (result: MigrationResult, index: number) => Judgement,
): Answer {
  const results = resultsOf(received);
  const judgements = results.map(judge);
  const wrong = judgements.findIndex(({ ok }) => !ok);
  const pass = wrong < 0;
  const about = Math.max(wrong, 0);
  const message = (): string => {
    const { did } = judgements[about]!;
    const run = results.length === 1 ? '' : ` (run ${results[about]!.run})`;
    return `expected ${nameOf(results[about]!)}${pass ? ' not' : ''} ${wanted}, but it ${did}${run}`;
  };
  return { pass, message };
}

/** `converged in 25.9 s with a downtime of 197 ms`, `gave up after 1 min: …`. */
function ending({ converged, status, totalTimeMs, downtimeMs, error, why }: MigrationResult): string {
  const time = show('ms', totalTimeMs);
  if (converged) return `converged in ${time} with a downtime of ${show('ms', downtimeMs)}`;
  const words = { completed: 'ended', 'gave-up': 'gave up', cancelled: 'was cancelled', failed: 'failed' };
  const reasons = [error, why?.text ?? null].filter((reason) => reason !== null);
  return `${words[status]} after ${time}${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`;
}

function nameOf({ strategy, scenario }: MigrationResult): string {
  return `${strategy} on ${scenario}`;
}

function resultsOf(received: unknown): readonly MigrationResult[] {
  const nested = isObject(received) && 'results' in received ? received['results'] : received;
  const results: readonly unknown[] = Array.isArray(nested) ? nested : [nested];
  if (results.length > 0 && results.every(isResult)) return results;
  throw new Error('expected a result of simulate(), several of them, or an entry of compare().strategies');
}

function isResult(value: unknown): value is MigrationResult {
  return isObject(value) && typeof value['converged'] === 'boolean' && 'totalTimeMs' in value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function parsed(matcher: string, text: unknown, parse: (text: string) => number): number {
  try {
    return parse(String(text));
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${matcher}: ${error.message}`) : error;
  }
}
