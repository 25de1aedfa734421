import { definePolicy } from '../strategies/define.js';
import { formatDurationMs } from '../units.js';
import { act, endsAfter, onPass, refusalWithoutPostcopy } from './kit/actions.js';

/** tools/virsh-domain.c:virshWatchJob polls its pipe for as long between two looks at the clock. */
const POLL_MS = 500;

export const libvirt = definePolicy({
  name: 'libvirt',
  summary: 'virsh migrate --timeout, and --postcopy-after-precopy',
  source: 'libvirt 11.3 tools/virsh-domain.c cmdMigrate, virshMigrateTimeout, virshMigrateIteration',
  rule: `virsh looks at the clock every 500 ms. The first time that more than timeout has gone by it suspends the guest, or with
timeout-postcopy switches to post-copy; it does so once and then waits.

With postcopy-after-precopy it switches to post-copy as soon as the second pass begins, that is, at the second bitmap sync.

Without any of these virsh only waits: nothing is ever aborted.`,
  options: {
    timeout: {
      kind: 'duration-ms',
      min: 1000,
      orNone: true,
      default: 'none',
      summary: '--timeout: act when the migration takes longer; none: never',
    },
    'timeout-suspend': {
      kind: 'flag',
      default: false,
      summary: '--timeout-suspend: at the timeout suspend the guest, as virsh does by default',
    },
    'timeout-postcopy': {
      kind: 'flag',
      default: false,
      summary: '--timeout-postcopy: at the timeout switch to post-copy',
    },
    'postcopy-after-precopy': {
      kind: 'flag',
      default: false,
      summary: '--postcopy-after-precopy: switch to post-copy after the first pass',
    },
  },
  refuses(options, setup) {
    if (options['timeout-suspend'] && options['timeout-postcopy']) {
      return 'timeout-suspend and timeout-postcopy are mutually exclusive';
    }
    if (options.timeout === 'none' && (options['timeout-suspend'] || options['timeout-postcopy'])) {
      return 'Unexpected timeout-* option without timeout';
    }
    const postcopy = options['timeout-postcopy'] || options['postcopy-after-precopy'];
    return postcopy ? refusalWithoutPostcopy(setup) : null;
  },
  ends: (options) =>
    options.timeout === 'none'
      ? null
      : endsAfter(options['timeout-postcopy'] ? 'postcopy' : 'pause', options.timeout),
  start(options, migration) {
    const { timeout } = options;
    if (timeout !== 'none') {
      const action = options['timeout-postcopy'] ? 'postcopy' : 'pause';
      const timer = migration.every(POLL_MS, () => {
        if (migration.nowUs() / 1000 <= timeout) return;
        timer.cancel();
        act(migration, action, 'virshMigrateTimeout', `timed out after ${formatDurationMs(timeout)}`);
      });
    }
    if (options['postcopy-after-precopy']) {
      onPass(migration, ({ n }) => {
        if (n === 2) act(migration, 'postcopy', 'virshMigrateIteration', 'the first pass is over');
      });
    }
  },
});
