/**
 * `set-vcpu-dirty-limit` given some seconds before the migration (qapi/migration.json): when the migration starts, the
 * limiter is in service and has had its periods to find each vCPU's sleep.
 */
import type { Controls } from '../migration/controls.js';
import { ringSoftLimit } from '../guest/ring.js';
import { adjustSleep, type LimiterState } from '../strategies/dirty-limit.js';
import { measureDirtyRates, rateOfPages } from '../strategies/dirty-rate.js';

const { floor, max, min } = Math;

/** DIRTYLIMIT_CALC_TIME_MS: the limiter's period outside a migration with the capability. */
const PERIOD_MS = 1000;
const MIB_PAGES = 256;

/** A vCPU with its quota, MiB/s, and the state that its limiter has reached. */
export interface ManualLimit extends LimiterState {
  readonly vcpu: number;
  readonly quota: number;
}

/**
 * The limiter's state after `seconds` in service on a vCPU that pushes `entriesPerSecond` while it runs. Each period's
 * rate is the mean over fill and sleep; a flush waits for a sleeping vCPU, which lengthens the period by up to a sleep.
 */
export function settledSleep(
  entriesPerSecond: number,
  quota: number,
  dirtyRingSize: number,
  seconds: number,
): LimiterState {
  const full = ringSoftLimit(dirtyRingSize, false);
  const fillUs = (full / entriesPerSecond) * 1e6;
  let state: LimiterState = { sleepUs: 0, maxRate: 0 };
  let leftUs = seconds * 1e6;
  while (leftUs >= PERIOD_MS * 1000) {
    const entries = state.sleepUs === 0 ? entriesPerSecond : (full / (fillUs + state.sleepUs)) * 1e6;
    const next = adjustSleep(state, quota, floor(entries / MIB_PAGES), dirtyRingSize);
    leftUs -= PERIOD_MS * 1000 + min(state.sleepUs, max(0, leftUs)) / 2;
    state = next;
  }
  return state;
}

/** Attach limiters that are already in service, with their sleeps found. */
export function startSettledLimit(migration: Controls, limits: readonly ManualLimit[]): void {
  const states = new Map(limits.map((limit) => [limit.vcpu, limit]));
  let maxRate = limits.reduce((highest, limit) => max(highest, limit.maxRate), 0);
  const cycle = (): void => {
    measureDirtyRates(migration, PERIOD_MS, rateOfPages, (rates) => {
      for (const [vcpu, limit] of states) {
        const next = adjustSleep(
          { sleepUs: limit.sleepUs, maxRate },
          limit.quota,
          rates[vcpu] ?? 0,
          migration.dirtyRingSize,
        );
        maxRate = next.maxRate;
        if (next.sleepUs === limit.sleepUs) continue;
        states.set(vcpu, { ...limit, sleepUs: next.sleepUs });
        migration.ringFullSleep(vcpu, next.sleepUs);
      }
      cycle();
    });
  };
  migration.dirtyLimitInService(true);
  for (const limit of limits) migration.ringFullSleep(limit.vcpu, limit.sleepUs);
  cycle();
}
