/** What guestperf does after a number of passes: one rule, three actions. */
import type { z } from 'zod';
import type { Controls } from '../../migration/controls.js';
import { act, type Action } from './actions.js';
import { count } from './option-types.js';

/** guestperf's engine.py sleeps so long between two query-migrate. */
const POLL_MS = 50;

/** `max-passes`, which pausing and post-copy can have as well. */
export function maxPasses(): z.ZodDefault<z.ZodNumber> {
  return count({ min: 0 })
    .default(0)
    .describe('--max-iters: the migration is aborted when dirty-sync-count is above it; 0: never');
}

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
