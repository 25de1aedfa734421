/** Units done by several threads, their rows handed on in the order of the units. */
import { Tinypool } from 'tinypool';
import { usageErrorFrom } from '../parallel/refusal.js';
import type { Rows } from './row-block.js';
import type { SweepSpec } from './spec.js';
import type { UnitOutcome } from './worker.js';

/** Units in flight for each thread: enough that none waits, few enough to hold in memory. */
const PER_THREAD = 4;

/** Threads that get ready while their caller does other things. */
export interface UnitPool {
  /** Does the units of these indices, once, and ends the threads. Throws what a worker threw, or that it ended. */
  run(units: Iterator<number, void>, onRows: (rows: Rows) => void): Promise<void>;
  /** Ends the threads. */
  close(): Promise<void>;
}

/** `worker` is a module that exports a `unitServer`, which is given the indices of units one by one. */
export function openPool(worker: URL, threads: number, spec: SweepSpec): UnitPool {
  const pool = new Tinypool({
    filename: worker.href,
    minThreads: threads,
    maxThreads: threads,
    workerData: spec,
  });
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => (closed ??= pool.destroy());
  return {
    close,
    async run(units, onRows) {
      const inFlight: Promise<UnitOutcome>[] = [];
      let next = units.next();
      try {
        for (;;) {
          for (; next.done !== true && inFlight.length < threads * PER_THREAD; next = units.next()) {
            const rows = pool.run(next.value) as Promise<UnitOutcome>;
            // The error is met when its turn comes.
            rows.catch(() => undefined);
            inFlight.push(rows);
          }
          const oldest = inFlight.shift();
          if (oldest === undefined) return;
          const outcome = await oldest;
          if ('refusal' in outcome) throw usageErrorFrom(outcome);
          onRows(outcome);
        }
      } finally {
        await close();
      }
    },
  };
}
