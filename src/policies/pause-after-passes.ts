import { definePolicy } from '../strategies/define.js';
import { abortBeyondPasses, actAfterPasses, endsByPasses, maxPasses } from './kit/after-passes.js';

export const pauseAfterPasses = definePolicy({
  name: 'pause-after-passes',
  summary: 'stop the guest after some passes over its memory',
  source: 'QEMU tests/migration-stress/guestperf/engine.py, --pause and --pause-iters',
  rule: `query-migrate is asked every 50 ms. The first time that dirty-sync-count is at least passes, the guest is stopped until
the rest has been sent. dirty-sync-count is 1 during the first pass, so 0 and 1 both stop the guest at the first poll.`,
  options: {
    passes: {
      kind: 'count',
      min: 0,
      default: 5,
      summary: '--pause-iters: dirty-sync-count at which the guest is stopped',
    },
    'max-passes': maxPasses,
  },
  ends: ({ passes, 'max-passes': most }) => endsByPasses('pause', passes, most),
  start({ passes, 'max-passes': most }, migration) {
    actAfterPasses(migration, 'pause', passes);
    abortBeyondPasses(migration, most);
  },
});
