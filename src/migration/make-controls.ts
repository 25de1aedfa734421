/** The `Controls` of one migration: what strategies and policies see of it, and how what they ask for reaches it. */
import { UsageError } from '../errors.js';
import type { BitmapSync } from './parts/bitmap-sync.js';
import type { Controls } from './controls.js';
import type { DirtyLog } from './parts/dirty-log.js';
import type { Orders } from './parts/orders.js';
import type { Parts } from './parts/parts.js';
import type { RuntimeParameters } from './runtime-parameters.js';
import { queryMigrate } from './observe/query-migrate.js';
import type { Trace } from './observe/trace.js';

export function makeControls(
  parts: Parts,
  orders: Orders,
  sync: BitmapSync,
  log: DirtyLog,
  trace: Trace,
): Controls {
  const { setup, clock, memory, guest, state, period, window, restraint } = parts;
  const { migration } = setup;
  return {
    qemu: migration.qemu,
    vcpuCount: setup.guest.vcpus.length,
    dirtyRingSize: setup.guest.dirtyRingSize,
    maxBandwidth: migration.maxBandwidth,
    downtimeLimitMs: migration.downtimeLimitMs,
    nowUs: () => clock.nowUs,
    stats: () => {
      for (const listener of orders.queryListeners) listener();
      return queryMigrate(parts);
    },
    reapedPages: (vcpu) => {
      guest.advance(clock.nowUs);
      return memory.reapedPages(vcpu);
    },
    onSync: (listener) => orders.syncListeners.push(listener),
    onDetector: (listener) => orders.detectorListeners.push(listener),
    onEligibleSync: (listener) => orders.eligibleListeners.push(listener),
    onRingFull: (listener) => {
      guest.onRingFull = listener;
    },
    every: (periodMs, listener) => clock.every(periodMs, listener),
    after: (delayMs, listener) => clock.after(delayMs, listener),
    onEnd: (listener) => orders.endListeners.push(listener),
    throttle: (vcpus, percent) => restraint.throttle(vcpus, percent),
    ringFullSleep: (vcpu, sleepUs) => restraint.sleepAtFullRing(vcpu, sleepUs),
    dirtyLimitInService: (on) => {
      guest.advance(clock.nowUs);
      guest.setLimited(on);
    },
    flushRings: (done) => log.flushRings(done),
    sync: () => {
      if (state.phase === 'active' && !sync.isRunning) sync.runAside();
    },
    set: (parameters) => {
      apply(parts, trace, parameters);
      for (const listener of orders.setListeners) listener(parameters);
    },
    onSet: (listener) => orders.setListeners.push(listener),
    onQuery: (listener) => orders.queryListeners.push(listener),
    startPostcopy: () => {
      if (migration.postcopy !== true)
        throw new UsageError('Enable postcopy with migrate_set_capability before the start of migration');
      orders.postcopy = true;
    },
    pause: () => {
      orders.pause = true;
    },
    resume: () => {
      orders.pause = false;
      if (state.stopUs === null || state.phase !== 'active') return;
      state.stopUs = null;
      guest.resume(clock.nowUs);
    },
    cancel: (reason) => {
      orders.cancelReason ??= reason;
    },
    explain: (rule, text) => trace.explain(rule, text, sync.isJudging ? period.syncCount : null),
  };
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
