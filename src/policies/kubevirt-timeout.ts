import { definePolicy } from '../strategies/define.js';
import {
  allowDisruptionOption,
  allowPostCopyOption,
  completionTimeoutOption,
  MONITOR_PERIOD_MS,
  progressTimeoutOption,
  endsAtTimeout,
  refusesPostcopy,
  startTimeouts,
} from './kit/kubevirt-monitor.js';

export const kubevirtTimeout = definePolicy({
  name: 'kubevirt-timeout',
  summary: "KubeVirt's monitor as it is without experimental options",
  source: 'kubevirt pkg/virt-launcher/virtwrap/live-migration-source.go handleLegacyConvergence',
  rule: `Every 400 ms. Once completion-timeout-per-gib, times the started 10^9 bytes of guest RAM, has gone by: with
allow-post-copy the migration goes over to post-copy; with allow-workload-disruption the guest is stopped and the timeout
doubled; otherwise the migration is aborted.

It is aborted too when no poll for more than progress-timeout has seen less left than the poll before. Between syncs less is left
at every poll, so this notices a dead link only, not a guest that dirties too much.`,
  options: {
    'completion-timeout-per-gib': completionTimeoutOption,
    'progress-timeout': progressTimeoutOption,
    'allow-post-copy': allowPostCopyOption,
    'allow-workload-disruption': allowDisruptionOption,
  },
  refuses: refusesPostcopy,
  ends: endsAtTimeout,
  start(options, migration) {
    migration.every(MONITOR_PERIOD_MS, startTimeouts(options, migration));
  },
});
