/** How many threads a command works in. */
import { availableParallelism } from 'node:os';

const { max } = Math;

/** One per core, and two where there is one core: a single one would be that which hears signals. */
export function threadsOfMachine(): number {
  return max(2, availableParallelism());
}
