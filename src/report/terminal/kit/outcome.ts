/** How a run ended, in a few words. */
import { show } from '../../../experiment/expect/measure.js';
import type { MigrationResult } from '../../../migration/result.js';

/** `converged in 24.6 s`, `gave up after 2 min`. */
export function outcomeText(result: MigrationResult): string {
  const total = show('ms', result.totalTimeMs);
  if (result.converged) return `converged in ${total}`;
  if (result.status === 'completed') return `completed in ${total}, but did not converge`;
  if (result.status === 'gave-up') return `gave up after ${total}`;
  return `${result.status} after ${total}`;
}
