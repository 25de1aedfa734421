import { definePolicy } from '../strategies/define.js';
import { isCopying, MAX_DOWNTIME_MS } from './kit/actions.js';
import {
  allowDisruptionOption,
  allowPostCopyOption,
  completionTimeoutOption,
  maxDowntimeOption,
  MONITOR_PERIOD_MS,
  progressTimeoutOption,
  endsAtTimeout,
  refusesPostcopy,
  startTimeouts,
} from './kit/kubevirt-monitor.js';

const { floor, max, min } = Math;

/** tuneDowntime: the limit that follows `currentMs`: a whole step further, at most `maxMs`. */
export function rampStep(currentMs: number, initialMs: number, maxMs: number, steps: number): number {
  return min(currentMs + max(floor((maxMs - initialMs) / steps), 1), maxMs);
}

export const kubevirtDowntimeRamp = definePolicy({
  name: 'kubevirt-downtime-ramp',
  summary: "KubeVirt's experimental downtimeTuning: raise downtime-limit",
  source: 'KubeVirt VEP 291; pkg/virt-launcher/virtwrap/live-migration-source.go tuneDowntime',
  rule: `downtime-limit begins at initial. Every 400 ms, once dirty-sync-count is at least start-after-iteration and cooldown has
gone by since the last change, it is raised by (max-downtime − initial)/steps whole ms, up to max-downtime.

The timeouts of kubevirt-timeout apply as well.`,
  options: {
    'max-downtime': maxDowntimeOption,
    initial: {
      kind: 'duration-ms',
      min: 1,
      max: MAX_DOWNTIME_MS,
      bareNumber: true,
      default: '150ms',
      summary: 'downtimeTuning.initialMs: downtime-limit at the start',
    },
    steps: { kind: 'count', min: 1, default: 7, summary: 'downtimeTuning.steps: rises up to max-downtime' },
    'start-after-iteration': {
      kind: 'count',
      min: 0,
      default: 3,
      summary: 'downtimeTuning.startAfterIteration: dirty-sync-count from which it is raised',
    },
    cooldown: {
      kind: 'duration-ms',
      min: 1000,
      default: '10s',
      summary: 'downtimeTuning.cooldownSeconds: least time between two changes',
    },
    'completion-timeout-per-gib': completionTimeoutOption,
    'progress-timeout': progressTimeoutOption,
    'allow-post-copy': allowPostCopyOption,
    'allow-workload-disruption': allowDisruptionOption,
  },
  refuses: refusesPostcopy,
  ends: endsAtTimeout,
  start(options, migration) {
    const { steps, cooldown } = options;
    const maxMs = options['max-downtime'];
    const initialMs = min(options.initial, maxMs);
    const pollTimeouts = startTimeouts(options, migration);
    let currentMs: number | null = null;
    let tunedAtUs = 0;
    const tune = (): void => {
      if (!isCopying(migration)) return;
      const nowUs = migration.nowUs();
      const { dirtySyncCount } = migration.stats();
      let nextMs = initialMs;
      if (currentMs !== null) {
        if (dirtySyncCount < options['start-after-iteration'] || nowUs - tunedAtUs < cooldown * 1000) return;
        nextMs = rampStep(currentMs, initialMs, maxMs, steps);
        if (nextMs <= currentMs) return;
      }
      migration.explain(
        'tuneDowntime',
        `max_downtime ${currentMs ?? 'of QEMU'} -> ${nextMs} ms (ceiling ${maxMs} ms)`,
      );
      migration.set({ downtimeLimitMs: nextMs });
      currentMs = nextMs;
      tunedAtUs = nowUs;
    };
    migration.every(MONITOR_PERIOD_MS, () => {
      tune();
      pollTimeouts();
    });
  },
});
