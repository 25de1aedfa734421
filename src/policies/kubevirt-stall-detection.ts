import { definePolicy } from '../strategies/define.js';
import {
  allowDisruptionOption,
  allowPostCopyOption,
  completionTimeoutOption,
  completionTimeS,
  maxDowntimeOption,
  endsAtTimeout,
  refusesPostcopy,
} from './kit/kubevirt-monitor.js';
import { StallMonitor } from './kit/stall-monitor.js';

const { floor } = Math;

export const kubevirtStallDetection = definePolicy({
  name: 'kubevirt-stall-detection',
  summary: "KubeVirt's stallDetector: act at a low once progress has ended",
  source:
    'KubeVirt VEP 248; pkg/virt-launcher/virtwrap/stall-detector.go, live-migration-source.go handleStallDetection',
  rule: `Every 400 ms, and at the end of each pass. The bandwidth is smoothed over the polls with weight ewma-alpha. downtime-limit
begins at 300 ms, or max-downtime if that is less.

At the end of a pass the migration is stalled when what is left is not at least stall-margin below the least that was left at
the end of any pass more than stall-progress-timeout ago. Rises in between do not matter: the window never restarts.

Once stalled it waits for a pass that leaves no more than stall-margin above the least left so far. After a patience of
stall-progress-timeout it settles for the next smallest that it has seen since the stall, and patience shrinks by
patience-window-decay-factor each time. At such a low, where sending the rest would end within completion-timeout-factor times
the completion timeout: with allow-post-copy it goes post-copy; with allow-workload-disruption it sets downtime-limit to 2000 s,
which stops the guest; otherwise, where the pause needed is within precopy-possible-factor times max-downtime, it sets
downtime-limit to max-downtime, else it aborts. What has been allowed to end must do so within switchover-timeout or is aborted.

At the completion timeout it goes post-copy or stops the guest if allowed and in time, else aborts.`,
  options: {
    'max-downtime': maxDowntimeOption,
    'stall-margin': {
      kind: 'percent',
      default: 4,
      summary:
        'stallMargin: gains below this count as none; a pass this close to the best counts as a minimum',
    },
    'stall-progress-timeout': {
      kind: 'duration-ms',
      min: 1000,
      default: '40s',
      summary: 'stallProgressTimeout: window without gain that counts as a stall, and first patience',
    },
    'switchover-timeout': {
      kind: 'duration-ms',
      min: 1000,
      default: '60s',
      summary: 'switchoverTimeout: time to end once downtime-limit has been raised',
    },
    'ewma-alpha': {
      kind: 'number',
      min: 0.001,
      max: 1,
      default: 0.4,
      summary: 'ewmaAlpha: weight of the newest bandwidth in its average',
    },
    'precopy-possible-factor': {
      kind: 'number',
      min: 1,
      default: 1.5,
      summary:
        'precopyPossibleFactor: longest pause needed that is worth a try, in multiples of max-downtime',
    },
    'patience-window-decay-factor': {
      kind: 'number',
      min: 0,
      max: 1,
      default: 0.5,
      summary: 'patienceWindowDecayFactor: by which patience shrinks each time',
    },
    'search-local-minima': {
      kind: 'flag',
      default: true,
      summary: 'searchLocalMinima: wait for a minimum; false: act when the stall is found',
    },
    'completion-timeout-factor': {
      kind: 'number',
      min: 1,
      default: 2,
      summary: 'completionTimeoutFactor: give up after this many completion timeouts',
    },
    'completion-timeout-per-gib': completionTimeoutOption,
    'allow-post-copy': allowPostCopyOption,
    'allow-workload-disruption': allowDisruptionOption,
  },
  refuses: refusesPostcopy,
  ends: endsAtTimeout,
  start(options, migration) {
    const allowPostCopy = options['allow-post-copy'];
    const monitor = new StallMonitor(migration, {
      stallMargin: options['stall-margin'] / 100,
      ewmaAlpha: options['ewma-alpha'],
      precopyPossibleFactor: options['precopy-possible-factor'],
      patienceWindowDecayFactor: options['patience-window-decay-factor'],
      completionTimeoutFactor: options['completion-timeout-factor'],
      stallProgressTimeoutMs: options['stall-progress-timeout'],
      searchLocalMinima: options['search-local-minima'],
      maxDowntimeMs: options['max-downtime'],
      allowPostCopy,
      allowWorkloadDisruption: options['allow-workload-disruption'] || allowPostCopy,
      switchoverTimeoutS: floor(options['switchover-timeout'] / 1000),
      acceptableS: completionTimeS(options['completion-timeout-per-gib'], migration),
    });
    monitor.begin();
  },
});
