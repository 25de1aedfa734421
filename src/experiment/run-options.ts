/** What a program hands in where the command line has read a text: a number that no run can have is refused by its name. */
import { UsageError } from '../errors.js';
import { isOneOf } from '../lists.js';
import { expected, expectedWord } from '../options/wording.js';

const { isFinite, isInteger } = Number;
/** Runs of a strategy, threads, and guests at a time. */
export const MOST_RUNS = 100_000;
export const MOST_WORKERS = 1024;
const MOST_GUESTS = 100_000;
export const MOST_SEED = 2 ** 32 - 1;
const MEMORIES = ['page', 'fluid'] as const;

/** Whatever a program without types may have handed in. */
interface RunOptions {
  readonly seed?: unknown;
  readonly run?: unknown;
  readonly timelineMs?: unknown;
  readonly memory?: unknown;
}

function refuseOther(option: string, value: unknown, min: number, max: number): void {
  if (isInteger(value) && Number(value) >= min && Number(value) <= max) return;
  throw new UsageError(`${option}: ${expected(`a whole number from ${min} to ${max}`, value)}`);
}

/** @throws UsageError */
export function checkRuns(runs: unknown): void {
  refuseOther('runs', runs, 1, MOST_RUNS);
}

/** @throws UsageError */
export function checkWorkers(workers: unknown): void {
  refuseOther('workers', workers, 1, MOST_WORKERS);
}

/** Guests of a drain at a time. @throws UsageError */
export function checkParallel(parallel: unknown): void {
  refuseOther('parallel', parallel, 1, MOST_GUESTS);
}

/** @throws UsageError */
export function checkSeed(seed: unknown): void {
  refuseOther('seed', seed, 0, MOST_SEED);
}

/** Of one run; what is left out has a default. @throws UsageError */
export function checkRunOptions({ seed = 1, run = 1, timelineMs = 0, memory = 'page' }: RunOptions): void {
  checkSeed(seed);
  refuseOther('run', run, 1, MOST_SEED);
  if (!isFinite(timelineMs) || Number(timelineMs) < 0)
    throw new UsageError(`timelineMs: ${expected('a number of at least 0', timelineMs)}`);
  if (!isOneOf(MEMORIES, memory)) throw new UsageError(`memory: ${expectedWord(MEMORIES, memory)}`);
}
