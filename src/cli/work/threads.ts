/** How many threads a command works in. */
import { availableParallelism } from 'node:os';

const { max } = Math;

/**
 * One per core, and two where there is one core. Work for a single thread is done by the one that hears signals, which has to stay free;
 * work for two is given to as many threads as there are cores.
 */
export function threadsOfMachine(): number {
  return max(2, availableParallelism());
}
