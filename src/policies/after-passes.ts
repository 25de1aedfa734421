/** What guestperf does after a number of passes: one rule, two actions. */
import type { Controls } from '../migration/controls.js';
import { act, type Action } from './actions.js';

/** guestperf's engine.py sleeps so long between two query-migrate. */
const POLL_MS = 50;

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
