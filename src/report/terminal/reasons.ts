/** Why a run did not come to its end by itself. */
import type { MigrationResult } from '../../migration/result.js';

/** What ended it, and what kept it from converging; null when there is nothing to say. */
export function reasonsOf(result: MigrationResult): string | null {
  const reasons = [result.error, result.why?.text ?? null].filter((reason) => reason !== null);
  return reasons.length === 0 ? null : reasons.join('; ');
}
