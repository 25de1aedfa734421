/**
 * The throttle of all vCPUs as a ladder: QEMU's steps (ram.c:mig_throttle_guest_down) and the timer that lets a long pass
 * be judged before it ends. Auto-converge and the proposals to mend it share them.
 */
import type { TableValues } from '../../options/table.js';
import type { Controls, DetectorEvent } from '../../migration/controls.js';
import { versionFacts } from '../../migration/rules/versions.js';
import type { RuntimeParameter } from '../../migration/runtime-parameters.js';
import { throttleTriggerThreshold } from './trigger.js';

const { floor, max, min } = Math;

/** CPU_THROTTLE_PCT_MIN and CPU_THROTTLE_PCT_MAX of cpu-throttle.c. */
const THROTTLE_MIN = 1;
const THROTTLE_MAX = 99;
/** CPU_THROTTLE_DIRTY_SYNC_TIMESLICE_MS of cpu-throttle.c. */
const SYNC_TIMER_MS = 5000;
const SYNC_TIMER_RULE = 'cpu_throttle_dirty_sync_timer_tick';

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
 * It stands still while QMP `stop` has stopped the guest. Before QEMU 9.2 there is no such timer.
 */
export function startSyncTimer(migration: Controls): void {
  if (!versionFacts[migration.qemu].hasPeriodicSync) return;
  let countAtLastTick = 0;
  let ownSyncPending = false;
  const rearm = (count: number): void => {
    countAtLastTick = count;
    migration.afterRunning(SYNC_TIMER_MS, tick);
  };
  const tick = (): void => {
    const { dirtySyncCount: count, status } = migration.stats();
    ownSyncPending = count > 1 && count === countAtLastTick;
    if (status === 'active') migration.explain(SYNC_TIMER_RULE, () => tickInWords(count, ownSyncPending));
    if (ownSyncPending) migration.sync('timer');
    else rearm(count);
  };
  migration.onSync(({ n }) => {
    if (!ownSyncPending) return;
    ownSyncPending = false;
    rearm(n);
  });
  rearm(migration.stats().dirtySyncCount);
}

function tickInWords(count: number, syncs: boolean): string {
  if (syncs) return 'tick: no sync since the last tick, so one now';
  return count > 1 ? 'tick: there was a sync since the last tick' : 'tick: the first pass goes on';
}

/** The options of the ladder, under QEMU's own names. */
export const ladderOptions = {
  'cpu-throttle-initial': {
    kind: 'percent',
    min: 1,
    max: 99,
    default: 20,
    summary: 'throttle percentage of the first step',
  },
  'cpu-throttle-increment': {
    kind: 'percent',
    min: 1,
    max: 99,
    default: 10,
    summary: 'points added at each further step',
  },
  'max-cpu-throttle': {
    kind: 'percent',
    min: 1,
    max: 99,
    default: 99,
    summary: 'throttle percentage that is never exceeded',
  },
  'cpu-throttle-tailslow': {
    kind: 'flag',
    default: false,
    summary: 'take smaller steps near the end of the ladder',
  },
  'throttle-trigger-threshold': throttleTriggerThreshold,
} as const;

type LadderOptions = TableValues<typeof ladderOptions>;

/** Parameters of the ladder that count at its next step when they are set. */
export const LADDER_PARAMETERS: readonly RuntimeParameter[] = [
  'cpuThrottleInitial',
  'cpuThrottleIncrement',
  'maxCpuThrottle',
  'cpuThrottleTailslow',
];

/** options.c:migrate_params_check; a sentence, or null. */
export function refusesLadder(options: LadderOptions): string | null {
  const initial = options['cpu-throttle-initial'];
  const ceiling = options['max-cpu-throttle'];
  if (ceiling >= initial) return null;
  return `max-cpu-throttle (${ceiling}) must be between cpu-throttle-initial (${initial}) and 99`;
}

export function ladderOf(options: LadderOptions): ThrottleLadder {
  return {
    initial: options['cpu-throttle-initial'],
    increment: options['cpu-throttle-increment'],
    max: options['max-cpu-throttle'],
    tailslow: options['cpu-throttle-tailslow'],
  };
}

/**
 * A throttle at the foot of the ladder; each call is one step up. `first`, which gives percent, stands for cpu-throttle-initial;
 * `why` is put before the reason that is given for the step.
 */
export function climber(
  migration: Controls,
  ladder: ThrottleLadder,
  rule: string,
): (
  event: DetectorEvent,
  step?: { readonly first?: (ladder: ThrottleLadder) => number; readonly why?: string },
) => void {
  let throttle = 0;
  let now = ladder;
  migration.onSet((set) => {
    now = {
      initial: set.cpuThrottleInitial ?? now.initial,
      increment: set.cpuThrottleIncrement ?? now.increment,
      max: set.maxCpuThrottle ?? now.max,
      tailslow: set.cpuThrottleTailslow ?? now.tailslow,
    };
  });
  return ({ dirtyBytes, limitBytes }, { first, why = '' } = {}) => {
    const initial = first?.(now) ?? now.initial;
    const next = nextThrottle(throttle, { ...now, initial }, dirtyBytes, limitBytes);
    if (next === throttle) {
      migration.explain(rule, () => `${why}throttle stays at ${next} %`);
      return;
    }
    migration.explain(rule, `${why}throttle ${throttle} -> ${next} %`);
    throttle = next;
    migration.throttle('all', throttle);
  };
}
