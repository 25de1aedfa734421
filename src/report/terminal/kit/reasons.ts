/** Why a run did not come to its end by itself. */
import { show } from '../../../experiment/expect/measure.js';
import type { MigrationResult } from '../../../migration/result.js';
import { DEFAULT_POLICY } from '../../../scenario/form/choice-schema.js';

/** What ended it, and what kept it from converging; null when there is nothing to say. */
export function reasonsOf(result: MigrationResult): string | null {
  const reasons = [endedBy(result), result.error, result.why?.text ?? null].filter(
    (reason) => reason !== null,
  );
  return reasons.length === 0 ? null : reasons.join('; ');
}

/** The simulation was ended where the policy, which was to decide, had not. */
function endedBy({ status, policy, totalTimeMs }: MigrationResult): string | null {
  if (status !== 'gave-up' || policy === DEFAULT_POLICY) return null;
  return `give-up-after ended it after ${show('ms', totalTimeMs)}, where policy ${policy} would have gone on`;
}
