import type { DetectorEvent } from '../migration/controls.js';
import { defineStrategy } from './define.js';
import { throttleTriggerThreshold, withTriggerThreshold } from './kit/trigger.js';

const { ceil, max, min } = Math;

const THROTTLE_MAX = 99;

/**
 * The share of CPU time at which the guest dirties `wanted` of what is sent, if its dirty rate is in proportion to its run
 * time; no more than all. `share` is what it had while it dirtied `dirtyBytes` and `sentBytes` were sent.
 */
export function workingFrequency(
  share: number,
  dirtyBytes: number,
  sentBytes: number,
  wanted: number,
): number {
  if (dirtyBytes === 0) return 1;
  const atFullSpeed = dirtyBytes / share;
  return min(1, (wanted * sentBytes) / atFullSpeed);
}

export const cpuScheduling = defineStrategy({
  name: 'cpu-scheduling',
  summary: 'slow the whole guest until it dirties a fixed share of the data sent',
  source:
    'Jin, Deng, Wu, Shi, Pan: Optimizing the live migration of virtual machine by CPU scheduling, JNCA 34, 2011, doi 10.1016/j.jnca.2010.06.013',
  rule: `The vCPUs' working frequency f is set after each judged sync so that the remaining dirty memory shrinks by a
wanted factor each pass: f = min(1, α·B/D), with B what was sent since the sync judged before and D what the guest
would have dirtied at full speed, the pages that came back dirty divided by the f that it had.

All vCPUs are slowed alike, and eased again as soon as the dirty rate falls. The formula is read from the paper's
abstract; a frequency is made of QEMU's CPU throttle, in whole percent, 99 % at most.

As no more can come back dirty than was sent, f falls by the factor α a sync until the guest's own writes, and no
longer the bandwidth, limit D. It begins when the detector first acts.`,
  options: {
    alpha: {
      kind: 'percent',
      min: 1,
      max: 100,
      default: 50,
      summary: 'dirty rate that the guest is held to, as a share of the bandwidth',
    },
    'throttle-trigger-threshold': throttleTriggerThreshold,
  },
  prepare(options, setup) {
    return withTriggerThreshold(setup, options['throttle-trigger-threshold']);
  },
  start(options, migration) {
    const wanted = options.alpha / 100;
    let throttle = 0;
    let begun = false;
    const act = ({ dirtyBytes, transferredBytes }: DetectorEvent): void => {
      const share = workingFrequency(1 - throttle / 100, dirtyBytes, transferredBytes, wanted);
      const next = max(0, min(THROTTLE_MAX, ceil(100 * (1 - share))));
      if (next === throttle) return;
      migration.explain('working frequency', `throttle ${throttle} -> ${next} %`);
      throttle = next;
      migration.throttle('all', throttle);
    };
    migration.onEligibleSync((event) => {
      if (begun) act(event);
    });
    migration.onDetector((event) => {
      if (begun) return;
      begun = true;
      act(event);
    });
  },
});
