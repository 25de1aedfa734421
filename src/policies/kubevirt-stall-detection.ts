import type { Timer } from '../migration/controls.js';
import { definePolicy } from '../strategies/define.js';
import { act, isCopying, isUnderway, MAX_DOWNTIME_MS, onPass } from './kit/actions.js';
import {
  allowDisruptionOption,
  allowPostCopyOption,
  completionTimeoutOption,
  completionTimeS,
  elapsedS,
  maxDowntimeOption,
  MONITOR_PERIOD_MS,
  QEMU_DEFAULT_DOWNTIME_MS,
  endsAtTimeout,
  refusesPostcopy,
} from './kit/kubevirt-monitor.js';
import { StallDetector, type StallDecision } from './kit/stall-detector.js';

const { floor, min } = Math;

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
    const maxDowntimeMs = options['max-downtime'];
    const allowPostCopy = options['allow-post-copy'];
    const allowWorkloadDisruption = options['allow-workload-disruption'] || allowPostCopy;
    const factorOfTimeout = options['completion-timeout-factor'];
    const switchoverTimeoutS = floor(options['switchover-timeout'] / 1000);
    const detector = new StallDetector({
      stallMargin: options['stall-margin'] / 100,
      ewmaAlpha: options['ewma-alpha'],
      precopyPossibleFactor: options['precopy-possible-factor'],
      patienceWindowDecayFactor: options['patience-window-decay-factor'],
      completionTimeoutFactor: factorOfTimeout,
      stallProgressTimeoutMs: options['stall-progress-timeout'],
      searchLocalMinima: options['search-local-minima'],
      maxDowntimeMs,
      allowPostCopy,
      allowWorkloadDisruption,
    });
    let acceptableS = completionTimeS(options['completion-timeout-per-gib'], migration);
    /** Seconds by which the switchover must have begun. */
    let switchOverBy = acceptableS;
    let switchoverInitiated = false;
    let remainingAtPassEnd = 0;
    let aborted = false;

    const abort = (rule: string, why: string): void => {
      aborted = true;
      act(migration, 'abort', rule, why);
    };

    const setLimit = (downtimeLimitMs: number, rule: string, why: string): void => {
      migration.explain(rule, `${why}: max downtime set to ${downtimeLimitMs} ms`);
      migration.set({ downtimeLimitMs });
      switchOverBy = elapsedS(migration) + switchoverTimeoutS;
    };

    const trigger = ({ action, why }: StallDecision): void => {
      if (action === 'nothing') return;
      switchoverInitiated = true;
      if (action === 'abort') abort('decideAction', why);
      else if (action === 'postcopy') act(migration, action, 'decideAction', why);
      else setLimit(action === 'pause' ? MAX_DOWNTIME_MS : maxDowntimeMs, 'decideAction', why);
    };

    /** processCompletionTimeouts. */
    const checkTimeouts = (): void => {
      const now = elapsedS(migration);
      const deadline = isCopying(migration) ? switchOverBy : acceptableS;
      if (acceptableS === 0 || now <= deadline) return;
      const rule = 'processCompletionTimeouts';
      const pauseMs = detector.impliedPauseMs(remainingAtPassEnd);
      if (!switchoverInitiated && detector.canFinish(pauseMs, now, acceptableS)) {
        const why = `not completed after ${acceptableS} seconds`;
        if (allowPostCopy || allowWorkloadDisruption) switchoverInitiated = true;
        if (allowPostCopy) return act(migration, 'postcopy', rule, why);
        if (allowWorkloadDisruption) {
          setLimit(MAX_DOWNTIME_MS, rule, why);
          acceptableS = floor(acceptableS * factorOfTimeout);
          return;
        }
      }
      abort(rule, `not completed after ${now} seconds`);
    };

    const look = (passEnded: boolean): void => {
      if (aborted || !isUnderway(migration)) return;
      const { totalTimeMs, remainingBytes, mbps } = migration.stats();
      if (passEnded && isCopying(migration)) {
        remainingAtPassEnd = remainingBytes;
        if (!switchoverInitiated && detector.passEnded({ elapsedMs: totalTimeMs, remainingBytes })) {
          trigger(detector.decide(remainingBytes, elapsedS(migration), acceptableS));
        }
      } else if (!isCopying(migration)) {
        remainingAtPassEnd = remainingBytes;
      } else if (mbps > 0) {
        detector.sampleBandwidth((mbps * 1e6) / 8);
      }
      if (!aborted) checkTimeouts();
    };

    /** The monitor sleeps again after each event that woke it. */
    let sleep: Timer;
    const loop = (passEnded: boolean): void => {
      sleep.cancel();
      look(passEnded);
      sleep = migration.after(MONITOR_PERIOD_MS, () => loop(false));
    };
    migration.set({ downtimeLimitMs: min(maxDowntimeMs, QEMU_DEFAULT_DOWNTIME_MS) });
    sleep = migration.after(MONITOR_PERIOD_MS, () => loop(false));
    onPass(migration, () => loop(true));
  },
});
