import { PAGE_BYTES } from '../guest/spec.js';
import type { Controls } from '../migration/controls.js';
import { formatBytesPerSecond } from '../units.js';
import { defineStrategy } from './define.js';
import {
  LADDER_PARAMETERS,
  climber,
  ladderOf,
  ladderOptions,
  refusesLadder,
  startSyncTimer,
  type ThrottleLadder,
} from './kit/throttle-ladder.js';
import { withTriggerThreshold } from './kit/trigger.js';

const { max } = Math;

/** Over this time the series counts the entries that are reaped from all rings, ms: one round of the reaper thread. */
const RATE_PERIOD_MS = 1000;

/**
 * The first rung on which the guest, if it dirties in proportion to its run time, dirties less than `thresholdPercent` of
 * the bandwidth; the ladder's end if none does (ram.c:calculate_throttle_pct of the series). Rates in bytes/s.
 */
export function firstStep(
  ladder: Pick<ThrottleLadder, 'initial' | 'increment' | 'max'>,
  dirtyRate: number,
  bandwidth: number,
  thresholdPercent: number,
): number {
  if (dirtyRate === 0) return ladder.initial;
  for (let percent = ladder.initial; percent <= ladder.max; percent += ladder.increment) {
    if (bandwidth * (thresholdPercent / 100) > dirtyRate * (1 - percent / 100)) return percent;
  }
  return ladder.max;
}

/** The highest rate of ring entries, pages/s, over all vCPUs together and whole periods; reading it resets it. */
function startPeakRate(migration: Controls): () => number {
  let peak = 0;
  let before = 0;
  migration.every(RATE_PERIOD_MS, () => {
    let reaped = 0;
    for (let vcpu = 0; vcpu < migration.vcpuCount; vcpu += 1) reaped += migration.reapedPages(vcpu);
    peak = max(peak, ((reaped - before) * 1000) / RATE_PERIOD_MS);
    before = reaped;
  });
  return () => {
    const value = peak;
    peak = 0;
    return value;
  };
}

export const computedStart = defineStrategy({
  name: 'computed-start',
  summary: 'auto-converge that begins at the throttle its arithmetic asks for',
  source:
    'qemu-devel, "[PATCH v2 5/5] migration: Calculate the appropriate throttle for autoconverge", Chongyun Wu, March 2022',
  rule: `Auto-converge with another first step. When the detector first acts, the throttle goes to the first p of
cpu-throttle-initial, cpu-throttle-initial + cpu-throttle-increment, … for which (1−p) times the dirty rate is
less than throttle-trigger-threshold of the bandwidth of the last window, and to max-cpu-throttle if there is
none. From there on it is auto-converge.

The dirty rate is the highest number of ring entries reaped in one second so far, over all vCPUs; without a
dirty ring it is dirty-pages-rate. A ring entry is not a distinct page: what the reaper re-arms counts again, so
on a ring the first step is rather too high than too low.`,
  options: ladderOptions,
  takesUp: LADDER_PARAMETERS,
  refuses: refusesLadder,
  prepare(options, setup) {
    return withTriggerThreshold(setup, options['throttle-trigger-threshold']);
  },
  start(options, migration) {
    const step = climber(migration, ladderOf(options), 'calculate_throttle_pct');
    const peakRate = migration.dirtyRingSize > 0 ? startPeakRate(migration) : null;
    let computed = false;
    let threshold = options['throttle-trigger-threshold'];
    migration.onSet((set) => {
      threshold = set.throttleTriggerThreshold ?? threshold;
    });
    migration.onDetector((event) => {
      if (computed) return step(event);
      computed = true;
      const { dirtyPagesRate, mbps } = migration.stats();
      const dirtyRate = (peakRate?.() ?? dirtyPagesRate) * PAGE_BYTES;
      // Megabits, which are 10^6, taken for 2^20 bytes: the series does so, and is 5 % too kind.
      const bandwidth = (mbps / 8) * 2 ** 20;
      step(event, {
        first: (ladder) => firstStep(ladder, dirtyRate, bandwidth, threshold),
        why: `up to ${formatBytesPerSecond(dirtyRate)} dirtied, ${formatBytesPerSecond(bandwidth)} sent; `,
      });
    });
    startSyncTimer(migration);
  },
});
