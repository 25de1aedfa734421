/** The `Controls` of one migration: what strategies and policies see of it, and how what they ask for reaches it. */
import { UsageError } from '../errors.js';
import type { BitmapSync } from './parts/bitmap-sync.js';
import type { Controls, MigrationStats, Timer } from './controls.js';
import type { DirtyLog } from './parts/dirty-log.js';
import type { Orders } from './parts/orders.js';
import type { Parts } from './parts/parts.js';
import type { RuntimeParameters } from './runtime-parameters.js';
import type { MigrationParameters } from './setup.js';
import { queryMigrate } from './observe/query-migrate.js';
import type { Trace } from './observe/trace.js';

export function makeControls(
  parts: Parts,
  orders: Orders,
  sync: BitmapSync,
  log: DirtyLog,
  trace: Trace,
): Controls {
  const { setup, clock, link, memory, guest, state, period, restraint } = parts;
  const { migration } = setup;
  return {
    qemu: migration.qemu,
    vcpuCount: setup.guest.vcpus.length,
    dirtyRingSize: setup.guest.dirtyRingSize,
    maxBandwidth: migration.maxBandwidth,
    downtimeLimitMs: migration.downtimeLimitMs,
    nowUs: () => clock.nowUs,
    stats: () => statsOf(parts, orders),
    reapedPages: (vcpu) => {
      guest.advance(clock.nowUs);
      return memory.reapedPages(vcpu);
    },
    onSync: (listener) => orders.syncListeners.push(heard('onSync', listener)),
    onDetector: (listener) => orders.detectorListeners.push(heard('onDetector', listener)),
    onEligibleSync: (listener) => orders.eligibleListeners.push(heard('onEligibleSync', listener)),
    onRingFull: (listener) => void (guest.onRingFull = heard('onRingFull', listener)),
    every: (ms, listener) => clock.every(periodic(ms), heard('every', listener)),
    after: (ms, listener) =>
      clock.after(between('after(delayMs)', ms, 0, LONGEST_MS), heard('after', listener)),
    afterRunning: (delayMs, listener) =>
      afterRunning(parts, orders, delayMs * 1000, heard('afterRunning', listener)),
    onEnd: (listener) => orders.endListeners.push(heard('onEnd', listener)),
    throttle: (vcpus, percent) => restraint.throttle(vcpus, between('throttle(percent)', percent, 0, 99)),
    ringFullSleep: (vcpu, sleepUs) =>
      restraint.sleepAtFullRing(vcpu, between('ringFullSleep(sleepUs)', sleepUs, 0, LONGEST_MS * 1000)),
    dirtyLimitInService: (on) => {
      guest.advance(clock.nowUs);
      guest.setLimited(on);
    },
    flushRings: (done) => log.flushRings(done),
    sync: () => syncByTimer(parts, sync),
    set: (parameters) => set(parts, orders, trace, parameters),
    onSet: (listener) => orders.setListeners.push(heard('onSet', listener)),
    onQuery: (listener) => orders.queryListeners.push(heard('onQuery', listener)),
    startPostcopy: () => startPostcopy(migration, orders),
    pause: () => void (orders.pause = true),
    resume: () => resume(parts, orders),
    continueSwitchover: () => {
      if (state.phase === 'pre-switchover') orders.goOn = true;
    },
    pausePostcopy: () => {
      // Of a network that has failed the channels are gone as well, and do not come back with it.
      if (state.phase === 'postcopy-active' || state.phase === 'postcopy-paused') link.cut(clock.nowUs);
    },
    recoverPostcopy: () => link.mend(),
    cancel: (reason) => orders.cancel(reason),
    explain: (rule, text) => trace.explain(rule, text, sync.isJudging ? period.syncCount : null),
  };
}

/** A shorter period would keep the simulated host busy with nothing else, ms. */
const SHORTEST_PERIOD_MS = 0.001;
/** A year. */
const LONGEST_MS = 365 * 24 * 3600e3;

/** What a strategy or a policy asks for, which its own arithmetic may have made nonsense of. */
function between(what: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `a strategy or policy called ${what} with ${String(value)}; expected a number from ${least} to ${most}`,
  );
}

/** Who stops the guest holds the big lock, and a guest that stands dirties nothing. */
function syncByTimer({ state }: Parts, sync: BitmapSync): void {
  const guestRuns = state.phase === 'active' && state.stopUs === null;
  if (guestRuns && !sync.isRunning) sync.runAside();
}

function statsOf(parts: Parts, orders: Orders): MigrationStats {
  for (const listener of orders.queryListeners) listener();
  return queryMigrate(parts);
}

function set(parts: Parts, orders: Orders, trace: Trace, parameters: RuntimeParameters): void {
  apply(parts, trace, parameters);
  for (const listener of orders.setListeners) listener(parameters);
}

function periodic(ms: number): number {
  return between('every(periodMs)', ms, SHORTEST_PERIOD_MS, LONGEST_MS);
}

/** What a strategy of the user's gives may be no function, which would fail far from it. */
function heard<Listener>(where: string, listener: Listener): Listener {
  if (typeof listener === 'function') return listener;
  throw new UsageError(`${where}: expected a function to call, got ${typeof listener}`);
}

function startPostcopy({ postcopy }: MigrationParameters, orders: Orders): void {
  if (postcopy !== true)
    throw new UsageError('Enable postcopy with migrate_set_capability before the start of migration');
  orders.postcopy = true;
}

/** QMP `cont`, of a guest that `pause` has stopped. */
function resume({ clock, guest, state }: Parts, orders: Orders): void {
  orders.pause = false;
  if (state.stopUs === null || state.phase !== 'active') return;
  state.pausedUs += clock.nowUs - state.stopUs;
  state.stopUs = null;
  guest.resume(clock.nowUs);
  for (const listener of orders.resumeListeners.splice(0)) listener();
  for (const listener of orders.runListeners) listener(true);
}

/** A timer on QEMU_CLOCK_VIRTUAL_RT, which stands still while the guest is stopped. */
interface RunningTimer {
  readonly parts: Parts;
  readonly orders: Orders;
  /** In time that the guest has run, µs. */
  readonly dueUs: number;
  readonly listener: () => void;
  isCancelled: boolean;
}

function afterRunning(parts: Parts, orders: Orders, delayUs: number, listener: () => void): Timer {
  const timer = { parts, orders, dueUs: ranUs(parts) + delayUs, listener, isCancelled: false };
  waitOn(timer);
  return {
    cancel: () => {
      timer.isCancelled = true;
    },
  };
}

function ranUs({ clock, state }: Parts): number {
  return (state.stopUs ?? clock.nowUs) - state.pausedUs;
}

/** Until the guest has run for so long; where it is stopped, from when it runs again. */
function waitOn(timer: RunningTimer): void {
  const { parts, orders, dueUs, listener } = timer;
  const { clock, state } = parts;
  if (timer.isCancelled) return;
  if (state.stopUs === null && ranUs(parts) >= dueUs) return listener();
  const look = (): void => waitOn(timer);
  if (state.stopUs !== null) orders.resumeListeners.push(look);
  else clock.events.at(dueUs + state.pausedUs, look);
}

/** options.c:migrate_params_apply; what only strategies read is theirs to apply. */
function apply({ setup, version, clock, window, period }: Parts, trace: Trace, set: RuntimeParameters): void {
  if (set.availSwitchoverBandwidth !== undefined) {
    if (!version.hasAvailSwitchoverBandwidth)
      throw new UsageError(`QEMU ${setup.migration.qemu} has no avail-switchover-bandwidth`);
    window.count(set.availSwitchoverBandwidth);
  }
  if (set.downtimeLimitMs !== undefined) {
    trace.parameter('downtime-limit', window.downtimeLimitMs, set.downtimeLimitMs);
    window.downtimeLimitMs = set.downtimeLimitMs;
  }
  if (set.maxBandwidth !== undefined) {
    trace.parameter('max-bandwidth', window.maxBandwidth, set.maxBandwidth);
    window.limit(set.maxBandwidth);
  }
  if (set.maxPostcopyBandwidth !== undefined) window.maxPostcopyBandwidth = set.maxPostcopyBandwidth;
  if (set.throttleTriggerThreshold !== undefined) period.thresholdPercent = set.throttleTriggerThreshold;
  window.note(clock.nowUs);
}
