import { PAGE_BYTES } from '../guest/spec.js';
import { defineStrategy } from './define.js';
import { throttleTriggerThreshold, withTriggerThreshold } from './kit/trigger.js';

const { max, min, round } = Math;

/** Weight of a new sample in the running average. */
const SAMPLE_WEIGHT = 0.01;
/** A sample for each rate window, ms. The proposal does not say how often; a bandwidth is known once a window. */
const SAMPLE_PERIOD_MS = 100;
const THROTTLE_MAX = 99;

/**
 * The running average of the share of CPU time at which the guest dirties just what is sent: `cpuShare` is what it has
 * now, rates in bytes/s. A guest cannot have more than all.
 */
export function nextMinimum(minimum: number, dirtyRate: number, bandwidth: number, cpuShare: number): number {
  const sample = (bandwidth / dirtyRate) * cpuShare;
  return min(1, (1 - SAMPLE_WEIGHT) * minimum + SAMPLE_WEIGHT * sample);
}

/** Whole percent, of the throttle that leaves the guest `(1 - aggression)` of the minimum. Shares from 0 to 1. */
export function throttleFor(minimum: number, aggression: number): number {
  return max(0, min(THROTTLE_MAX, round(100 * (1 - (1 - aggression) * minimum))));
}

export const aggression = defineStrategy({
  name: 'aggression',
  summary: 'follow the CPU share at which sending keeps up, and stay below it',
  source: 'qemu-devel, Ronen Hod on migration speed and aggressionLevel, December 2011; never a patch',
  rule: `The minimum guest CPU is a running average of bandwidth / dirty rate × the CPU share that the guest has now: the
share at which it would dirty just what is sent. A new sample counts 1 %, one is taken each rate window.

All vCPUs are throttled alike, to (1 − aggression) times that minimum: 0 % lets dirtying just keep pace with
sending, 100 % stops the guest, up to the 99 % that the throttle can do.

The dirty rate is dirty-pages-rate, which cannot exceed what was sent: where a migration has settled the two are
equal, whatever the guest writes, and only an aggression above 0 moves on.

The proposal does not say when it begins nor how often it samples. Here it begins when the detector first acts, and
its checks that more pages are sent than dirtied, over the last while and in all, are left to that detector.`,
  options: {
    aggression: {
      kind: 'percent',
      default: 50,
      summary: 'how far below the share at which sending keeps up, from 0 (at it) to 100 (stopped)',
    },
    'throttle-trigger-threshold': throttleTriggerThreshold,
  },
  prepare(options, setup) {
    return withTriggerThreshold(setup, options['throttle-trigger-threshold']);
  },
  start(options, migration) {
    const level = options.aggression / 100;
    let minimum = 1;
    let throttle = 0;
    const sample = (): void => {
      const { dirtyPagesRate, bandwidthBytesPerSecond } = migration.stats();
      if (dirtyPagesRate > 0) {
        const cpuShare = 1 - throttle / 100;
        minimum = nextMinimum(minimum, dirtyPagesRate * PAGE_BYTES, bandwidthBytesPerSecond, cpuShare);
      }
      const next = throttleFor(minimum, level);
      if (next === throttle) return;
      migration.explain(
        'targetGuestCPU',
        `sending keeps up with ${(100 * minimum).toFixed(1)} % of the guest: throttle ${throttle} -> ${next} %`,
      );
      throttle = next;
      migration.throttle('all', throttle);
    };
    let begun = false;
    migration.onDetector(() => {
      if (begun) return;
      begun = true;
      sample();
      migration.every(SAMPLE_PERIOD_MS, sample);
    });
  },
});
