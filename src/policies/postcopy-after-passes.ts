import { definePolicy } from '../strategies/define.js';
import { refusalWithoutPostcopy } from './kit/actions.js';
import { abortBeyondPasses, actAfterPasses, endsByPasses, maxPasses } from './kit/after-passes.js';

export const postcopyAfterPasses = definePolicy({
  name: 'postcopy-after-passes',
  summary: 'switch to post-copy after some passes over memory',
  source: 'QEMU tests/migration-stress/guestperf/engine.py, --post-copy and --post-copy-iters',
  rule: `query-migrate is asked every 50 ms. The first time that dirty-sync-count is at least passes, the migration goes over to
post-copy. dirty-sync-count is 1 during the first pass, so 0 and 1 both switch at the first poll, with most of memory still to
be fetched.`,
  options: {
    passes: {
      kind: 'count',
      min: 0,
      default: 5,
      summary: '--post-copy-iters: dirty-sync-count at which the switch is made',
    },
    'max-passes': maxPasses,
  },
  refuses: (_options, setup) => refusalWithoutPostcopy(setup),
  ends: ({ passes, 'max-passes': most }) => endsByPasses('postcopy', passes, most),
  start({ passes, 'max-passes': most }, migration) {
    actAfterPasses(migration, 'postcopy', passes);
    abortBeyondPasses(migration, most);
  },
});
