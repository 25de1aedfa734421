import { definePolicy } from '../strategies/define.js';
import { endsAfterPasses } from './kit/actions.js';
import { abortBeyondPasses } from './kit/after-passes.js';

export const abortAfterPasses = definePolicy({
  name: 'abort-after-passes',
  summary: 'abort what needs too many passes over memory',
  source: 'QEMU tests/migration-stress/guestperf/engine.py, --max-iters',
  rule: `query-migrate is asked every 50 ms. The first time that dirty-sync-count is above passes, the migration is cancelled and
the guest stays where it is. So do pause-after-passes and postcopy-after-passes with max-passes.`,
  options: {
    passes: {
      kind: 'count',
      min: 1,
      default: 30,
      summary: '--max-iters: the migration is aborted when dirty-sync-count is above it',
    },
  },
  ends: ({ passes }) => endsAfterPasses('abort', passes),
  start({ passes }, migration) {
    abortBeyondPasses(migration, passes);
  },
});
