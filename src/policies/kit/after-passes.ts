/** What guestperf does after a number of passes: one rule, three actions. */
import type { Controls } from '../../migration/controls.js';
import { act, endsAfterPasses, type Action } from './actions.js';

/** guestperf's engine.py sleeps so long between two query-migrate. */
const POLL_MS = 50;

/** `max-passes`, which pausing and post-copy can have as well. */
export const maxPasses = {
  kind: 'count',
  min: 0,
  default: 0,
  summary: '--max-iters: the migration is aborted when dirty-sync-count is above it; 0: never',
} as const;

/** Take `action`, once, when a poll finds dirty-sync-count at `passes` or above. */
export function actAfterPasses(migration: Controls, action: Action, passes: number): void {
  const timer = migration.every(POLL_MS, () => {
    const { dirtySyncCount } = migration.stats();
    if (dirtySyncCount < passes) return;
    timer.cancel();
    act(
      migration,
      action,
      'guestperf',
      `dirty-sync-count is ${dirtySyncCount}, ${passes} were to be waited for`,
    );
  });
}

/** guestperf's --max-iters: cancel what goes into one pass more; 0 does nothing. */
export function abortBeyondPasses(migration: Controls, passes: number): void {
  if (passes > 0) actAfterPasses(migration, 'abort', passes + 1);
}

/** How a policy with both ends a migration: by whichever number of passes is over first. dirty-sync-count is 1 in pass 1. */
export function endsByPasses(action: Action, passes: number, mostPasses: number): string {
  const over = passes > 0 ? passes - 1 : 0;
  return mostPasses > 0 && mostPasses < over
    ? endsAfterPasses('abort', mostPasses)
    : endsAfterPasses(action, over);
}
