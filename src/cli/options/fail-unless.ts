/** `--fail-unless`, for every command that runs migrations: exit status 1 when what it says does not hold. */
import { ExpectationError, UsageError } from '../../errors.js';
import type { Measures } from '../../experiment/expect/expect.js';
import { type Demand, parseDemand } from '../../experiment/expect/fail-unless.js';
import { runColumns } from '../../report/columns/runs.js';
import { vcpuColumns } from '../../report/columns/vcpus.js';
import type { Given } from '../command.js';

/** Throws `UsageError` for what cannot be read. */
export function readDemands(given: Given): Demand[] {
  return given.values('fail-unless').map((text) => {
    try {
      return parseDemand(text);
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(`--fail-unless: ${error.message}`) : error;
    }
  });
}

/** What can be demanded. */
export const demandMeasures: Measures = { run: runColumns, vcpu: vcpuColumns };

/** Throws `ExpectationError` with a line for each sentence; nothing where there is none. */
export function failUnlessKept(sentences: readonly string[]): void {
  if (sentences.length === 0) return;
  const shown = sentences.slice(0, MOST_LINES).map((sentence) => `migsim: ${sentence}`);
  const more = sentences.length - shown.length;
  throw new ExpectationError([...shown, ...(more > 0 ? [`migsim: and ${more} more`] : [])].join('\n'));
}

/** More of them hide the first. */
const MOST_LINES = 10;
