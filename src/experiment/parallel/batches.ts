/** Batches of runs, in this thread or spread over several: the results and their order are the same. */
import { nth } from '../../lists.js';
import { setImmediate } from 'node:timers/promises';
import { Tinypool } from 'tinypool';
import runBatch, { type Batch, type BatchOutcome } from './run-worker.js';

export interface Batches {
  /** In the order of the batches; `onOutcome` hears of each in that order, as soon as it can. */
  run(batches: readonly Batch[], onOutcome?: (outcome: BatchOutcome) => void): Promise<BatchOutcome[]>;
  /** Ends the threads. */
  close(): Promise<void>;
}

/** Batches in flight for each thread: enough that none waits, few enough to hold in memory. */
const PER_THREAD = 4;

/** `threads` of 1 is this one. Sources that were not built have no worker to start: they run here too. */
export function openBatches(threads: number): Batches {
  if (threads <= 1 || !import.meta.url.endsWith('.js')) {
    return { run: runHere, close: () => Promise.resolve() };
  }
  const worker = new URL('./run-worker.js', import.meta.url);
  const pool = new Tinypool({ filename: worker.href, minThreads: 1, maxThreads: threads });
  return {
    run: (batches, onOutcome) =>
      inOrder(batches, threads * PER_THREAD, (batch) => pool.run(batch) as Promise<BatchOutcome>, onOutcome),
    close: () => pool.destroy(),
  };
}

function runHere(
  batches: readonly Batch[],
  onOutcome?: (outcome: BatchOutcome) => void,
): Promise<BatchOutcome[]> {
  // Between two of them, signals and progress have their turn.
  return inOrder(batches, 1, (batch) => setImmediate().then(() => runBatch(batch)), onOutcome);
}

async function inOrder(
  batches: readonly Batch[],
  most: number,
  start: (batch: Batch) => Promise<BatchOutcome>,
  onOutcome: (outcome: BatchOutcome) => void = () => undefined,
): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = [];
  const inFlight: Promise<BatchOutcome>[] = [];
  let next = 0;
  while (outcomes.length < batches.length) {
    while (next < batches.length && inFlight.length < most) {
      const outcome = start(nth(batches, next));
      // The error is met when its turn comes.
      outcome.catch(() => undefined);
      inFlight.push(outcome);
      next += 1;
    }
    const outcome = await nth(inFlight.splice(0, 1), 0);
    onOutcome(outcome);
    outcomes.push(outcome);
  }
  return outcomes;
}
