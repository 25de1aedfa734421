import { defineStrategy } from './define.js';
import {
  LADDER_PARAMETERS,
  climber,
  ladderOf,
  ladderOptions,
  refusesLadder,
  startSyncTimer,
} from './kit/throttle-ladder.js';
import { withTriggerThreshold } from './kit/trigger.js';

export const autoConverge = defineStrategy({
  name: 'auto-converge',
  summary: 'throttle all vCPUs, one step more each time the dirty rate wins',
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
  options: ladderOptions,
  takesUp: LADDER_PARAMETERS,
  refuses: refusesLadder,
  prepare(options, setup) {
    return withTriggerThreshold(setup, options['throttle-trigger-threshold']);
  },
  start(options, migration) {
    const step = climber(migration, ladderOf(options), 'mig_throttle_guest_down');
    migration.onDetector((event) => step(event));
    startSyncTimer(migration);
  },
});
