import { definePolicy } from '../strategies/define.js';
import { formatDurationMs } from '../units.js';
import { act, endsAfter, ACTIONS, refusalWithoutPostcopy } from './kit/actions.js';

export const timeout = definePolicy({
  name: 'timeout',
  summary: 'wait for a while, then abort, pause the guest or go post-copy',
  source: 'QMP migrate_cancel, stop, migrate-start-postcopy, by the clock',
  rule: `A migration that is not over when the time "after" has gone by is changed once: abort cancels it, and the guest stays
where it is; pause stops the guest until the rest has been sent; postcopy moves the guest at once and fetches what is missing.

Once the guest has been stopped for the switchover, only abort still has a meaning.`,
  options: {
    after: {
      kind: 'duration-ms',
      min: 1,
      default: '5min',
      summary: 'time since the migration was requested',
    },
    action: {
      kind: 'choice',
      choices: ACTIONS,
      default: 'abort',
      summary: 'what to do then: abort, pause (the guest) or postcopy',
    },
  },
  refuses({ action }, setup) {
    return action === 'postcopy' ? refusalWithoutPostcopy(setup) : null;
  },
  ends: ({ after, action }) => endsAfter(action, after),
  start({ after, action }, migration) {
    migration.after(after, () =>
      act(migration, action, 'timeout', `not done after ${formatDurationMs(after)}`),
    );
  },
});
