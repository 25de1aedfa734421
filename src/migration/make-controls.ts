/** The `Controls` of one migration: what strategies and policies see of it, and how what they ask for reaches it. */
import { UsageError } from '../errors.js';
import type { BitmapSync } from './parts/bitmap-sync.js';
import type { Controls } from './controls.js';
import type { DirtyLog } from './parts/dirty-log.js';
import type { Orders } from './parts/orders.js';
import type { Parts } from './parts/parts.js';
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
    stats: () => queryMigrate(parts),
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
    set: ({ downtimeLimitMs, maxBandwidth }) => {
      if (downtimeLimitMs !== undefined) {
        trace.parameter('downtime-limit', window.downtimeLimitMs, downtimeLimitMs);
        window.downtimeLimitMs = downtimeLimitMs;
      }
      if (maxBandwidth !== undefined) {
        trace.parameter('max-bandwidth', window.maxBandwidth, maxBandwidth);
        window.limit(maxBandwidth);
      }
      window.note(clock.nowUs);
    },
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
