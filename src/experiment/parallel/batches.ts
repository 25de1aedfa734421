/** Batches of runs, in this thread or spread over several: the results and their order are the same. */
import { Tinypool } from 'tinypool';
import runBatch, { type Batch, type BatchOutcome } from './run-worker.js';

export interface Batches {
  /** In the order of the batches. */
  run(batches: readonly Batch[]): Promise<BatchOutcome[]>;
  /** Ends the threads. */
  close(): Promise<void>;
}

/** `threads` of 1 is this one. Sources that were not built have no worker to start: they run here too. */
export function openBatches(threads: number): Batches {
  const worker = new URL('./run-worker.js', import.meta.url);
  if (threads <= 1 || !import.meta.url.endsWith('.js'))
    return { run: runHere, close: () => Promise.resolve() };
  const pool = new Tinypool({ filename: worker.href, minThreads: 1, maxThreads: threads });
  return {
    run: (batches) => Promise.all(batches.map((batch) => pool.run(batch) as Promise<BatchOutcome>)),
    close: () => pool.destroy(),
  };
}

async function runHere(batches: readonly Batch[]): Promise<BatchOutcome[]> {
  const outcomes: BatchOutcome[] = [];
  for (const batch of batches) outcomes.push(await runBatch(batch));
  return outcomes;
}
