import { z } from 'zod';
import type { Controls } from '../migration/controls.js';
import { versionFacts } from '../migration/versions.js';
import { formatBytes } from '../units.js';
import { defineStrategy } from './define.js';
import { flag, percent } from './option-types.js';
import { throttleTriggerThreshold, withTriggerThreshold } from './trigger.js';

const { floor, max, min } = Math;

/** CPU_THROTTLE_PCT_MIN and CPU_THROTTLE_PCT_MAX of cpu-throttle.c. */
const THROTTLE_MIN = 1;
const THROTTLE_MAX = 99;
/** CPU_THROTTLE_DIRTY_SYNC_TIMESLICE_MS of cpu-throttle.c. */
const SYNC_TIMER_MS = 5000;

/** All in percent. */
export interface ThrottleLadder {
  readonly initial: number;
  readonly increment: number;
  readonly max: number;
  readonly tailslow: boolean;
}

/**
 * The throttle percentage that follows `current`, 0 if there is none yet (ram.c:mig_throttle_guest_down).
 * Tailslow aims at the share of CPU time at which the guest would dirty just `limitBytes` instead of `dirtyBytes`, and
 * goes there if that is the smaller step.
 */
export function nextThrottle(
  current: number,
  ladder: ThrottleLadder,
  dirtyBytes: number,
  limitBytes: number,
): number {
  let next = ladder.initial;
  if (current !== 0) {
    let increment = ladder.increment;
    if (ladder.tailslow) {
      const cpuNow = 100 - current;
      const cpuIdeal = floor(cpuNow * (limitBytes / dirtyBytes));
      increment = min(cpuNow - cpuIdeal, increment);
    }
    next = min(current + increment, ladder.max);
  }
  return max(THROTTLE_MIN, min(next, THROTTLE_MAX));
}

/**
 * Syncs the bitmap where 5 s have passed without a sync (cpu-throttle.c:cpu_throttle_dirty_sync_timer_tick), so that a
 * pass of minutes is judged more than once. The first pass is exempt. The next tick comes 5 s after a tick is *over*.
 */
function startSyncTimer(migration: Controls): void {
  let countAtLastTick = 0;
  let ownSyncPending = false;
  const rearm = (): void => {
    countAtLastTick = migration.stats().dirtySyncCount;
    migration.after(SYNC_TIMER_MS, tick);
  };
  const tick = (): void => {
    const count = migration.stats().dirtySyncCount;
    ownSyncPending = count > 1 && count === countAtLastTick;
    if (ownSyncPending) migration.sync('timer');
    else rearm();
  };
  migration.onSync(() => {
    if (!ownSyncPending) return;
    ownSyncPending = false;
    rearm();
  });
  rearm();
}

export const autoConverge = defineStrategy({
  name: 'auto-converge',
  summary: 'throttle all vCPUs, a step further each time the dirty rate wins',
  source:
    'QEMU 10.2 migration/ram.c migration_trigger_throttle, mig_throttle_guest_down; migration/cpu-throttle.c',
  rule: `A bitmap sync more than 1 s after the last one that was judged is judged too. It is bad when more
than throttle-trigger-threshold of the bytes sent in between came back dirty. At every second bad sync,
adjacent or not, all vCPUs are throttled further: first to cpu-throttle-initial, then by
cpu-throttle-increment, up to max-cpu-throttle. The throttle is never eased.

At a throttle of p all vCPUs run 10 ms and then sleep 10·p/(100−p) ms, in phase, whether they write or not.

With cpu-throttle-tailslow a step is no larger than needed to bring the dirtied bytes down to the threshold,
if they shrink with the CPU time.

From QEMU 9.2 on, once the first pass is over, a timer syncs the bitmap whenever 5 s have gone by without a
sync, so that a long pass is judged before it ends.`,
  options: z.strictObject({
    'cpu-throttle-initial': percent({ min: 1, max: 99 })
      .prefault(20)
      .describe('throttle percentage of the first step'),
    'cpu-throttle-increment': percent({ min: 1, max: 99 })
      .prefault(10)
      .describe('points added at each further step'),
    'max-cpu-throttle': percent({ min: 1, max: 99 })
      .prefault(99)
      .describe('throttle percentage that is never exceeded'),
    'cpu-throttle-tailslow': flag().default(false).describe('take smaller steps near the end of the ladder'),
    'throttle-trigger-threshold': throttleTriggerThreshold(),
  }),
  refuses(options) {
    const initial = options['cpu-throttle-initial'];
    const ceiling = options['max-cpu-throttle'];
    if (ceiling >= initial) return null;
    return `max-cpu-throttle (${ceiling}) must be between cpu-throttle-initial (${initial}) and 99`;
  },
  prepare(options, setup) {
    return withTriggerThreshold(setup, options['throttle-trigger-threshold']);
  },
  start(options, migration) {
    const ladder: ThrottleLadder = {
      initial: options['cpu-throttle-initial'],
      increment: options['cpu-throttle-increment'],
      max: options['max-cpu-throttle'],
      tailslow: options['cpu-throttle-tailslow'],
    };
    let throttle = 0;
    migration.onDetector(({ dirtyBytes, limitBytes }) => {
      const next = nextThrottle(throttle, ladder, dirtyBytes, limitBytes);
      if (next === throttle) return;
      migration.explain(
        'mig_throttle_guest_down',
        `${formatBytes(dirtyBytes)} came back dirty, ${formatBytes(limitBytes)} allowed: throttle ${throttle} % -> ${next} %`,
      );
      throttle = next;
      migration.throttle('all', throttle);
    });
    if (versionFacts[migration.qemu].hasPeriodicSync) startSyncTimer(migration);
  },
});
