/** The dirty limit's own arithmetic and its statistics thread (QEMU system/dirtylimit.c), for strategies and for commands. */
import { nth } from '../../lists.js';
import type { Controls } from '../../migration/controls.js';
import { versionFacts } from '../../migration/rules/versions.js';
import { measureDirtyRates, rateOfPages, rateOfWholeMib } from './dirty-rate.js';
import { PAGES_PER_MIB } from '../../units.js';

const { abs, floor, max, min } = Math;

/** DIRTYLIMIT_TOLERANCE_RANGE, DIRTYLIMIT_LINEAR_ADJUSTMENT_PCT and DIRTYLIMIT_THROTTLE_PCT_MAX of dirtylimit.c. */
const TOLERANCE_MIB = 25;
const LINEAR_PERCENT = 50;
const MAX_RING_FULL_TIMES = 99;
/** DIRTYLIMIT_CALC_TIME_MS: the period of the manual command. */
export const MANUAL_PERIOD_MS = 1000;

// Below, rates and quotas are whole MiB/s, and the size of a ring is in entries.

/** Time in which a ring fills at `maxRate`, µs (dirtylimit_dirty_ring_full_time); 0 for a ring below 1 MiB. */
export function ringFullTimeUs(dirtyRingSize: number, maxRate: number): number {
  return floor((floor(dirtyRingSize / PAGES_PER_MIB) * 1_000_000) / maxRate);
}

/** Near enough to the quota to be left alone (dirtylimit_done). */
export function isWithinTolerance(quota: number, rate: number): boolean {
  return abs(quota - rate) <= TOLERANCE_MIB;
}

/** How far apart they are, in percent of the larger. */
function errorPercent(quota: number, rate: number): number {
  return floor((100 * abs(quota - rate)) / max(quota, rate));
}

/** A vCPU's sleep, and the highest rate that any vCPU was ever adjusted by: QEMU keeps one for the whole process. */
export interface LimiterState {
  readonly sleepUs: number;
  readonly maxRate: number;
}

/**
 * One period's change of a vCPU's sleep at each full ring (dirtylimit_adjust_throttle, dirtylimit_set_throttle).
 * A rate within tolerance changes nothing, not even `maxRate`.
 */
export function adjustSleep(
  { sleepUs, maxRate }: LimiterState,
  quota: number,
  rate: number,
  dirtyRingSize: number,
): LimiterState {
  if (isWithinTolerance(quota, rate)) return { sleepUs, maxRate };
  if (rate === 0) return { sleepUs: 0, maxRate };
  const highest = max(maxRate, rate);
  const fullTimeUs = ringFullTimeUs(dirtyRingSize, highest);
  const percent = errorPercent(quota, rate);
  const stepUs =
    percent > LINEAR_PERCENT ? floor((fullTimeUs * percent) / (100 - percent)) : floor(fullTimeUs / 10);
  const wantedUs = quota < rate ? sleepUs + stepUs : sleepUs - stepUs;
  return { sleepUs: max(0, min(wantedUs, fullTimeUs * MAX_RING_FULL_TIMES)), maxRate: highest };
}

/**
 * `dirty-limit-ring-full-time` of query-migrate, µs, from the rates of the running vCPUs (dirtylimit_ring_full_time).
 * It passes through the same maximum as the limiter's steps, so asking can raise `maxRate`. Where QEMU would divide by
 * zero (all rates below 1 on average, none ever higher) it is 0 here.
 */
export function queryRingFullTime(
  rates: readonly number[],
  maxRate: number,
  dirtyRingSize: number,
): { readonly ringFullTimeUs: number; readonly maxRate: number } {
  const sum = rates.reduce((total, rate) => total + rate, 0);
  if (sum === 0) return { ringFullTimeUs: 0, maxRate };
  const highest = max(maxRate, floor(sum / rates.length));
  return { ringFullTimeUs: highest === 0 ? 0 : ringFullTimeUs(dirtyRingSize, highest), maxRate: highest };
}

function noChange(vcpus: number, limited: number): string {
  return vcpus === limited ? 'no change for any vCPU' : `no change for ${vcpus} of ${limited} vCPUs`;
}

/** Of one vCPU: MiB/s, and its sleep at a full ring, µs. */
interface Limit {
  readonly vcpu: number;
  readonly quota: number;
  sleepUs: number;
}

/**
 * Limits of vCPUs. While there is one the statistics thread runs: measure for a period, then adjust each limited vCPU, over
 * and over.
 */
export class DirtyLimiter {
  /** Of the next period, ms. */
  periodMs: number;
  readonly #migration: Controls;
  readonly #limits = new Map<number, Limit>();
  /** The same in order, as each period goes through all of them. */
  #inOrder: readonly Limit[] = [];
  #maxRate = 0;
  #rates: readonly number[] = [];
  #isRunning = false;

  constructor(migration: Controls, periodMs: number) {
    this.#migration = migration;
    this.periodMs = periodMs;
  }

  /** The longest sleep at a full ring of any vCPU, µs (dirtylimit_throttle_time_per_round). */
  get sleepUs(): number {
    return [...this.#limits.values()].reduce((longest, { sleepUs }) => max(longest, sleepUs), 0);
  }

  /** Whole MiB/s by vCPU, as last measured; empty before. */
  get rates(): readonly number[] {
    return this.#rates;
  }

  /** As query-migrate asks for it, which may raise the highest rate, µs. */
  queryRingFullTimeUs(): number {
    const { ringFullTimeUs: us, maxRate } = queryRingFullTime(
      this.#rates,
      this.#maxRate,
      this.#migration.dirtyRingSize,
    );
    this.#maxRate = maxRate;
    return us;
  }

  /** dirtylimit_set_vcpu, dirtylimit_set_all: whole MiB/s; `rule` explains it. */
  set(vcpus: readonly number[], quota: number, rule = 'dirtylimit_set_vcpu'): void {
    for (const vcpu of vcpus)
      this.#limits.set(vcpu, { vcpu, quota, sleepUs: this.#limits.get(vcpu)?.sleepUs ?? 0 });
    this.#inOrder = [...this.#limits.values()];
    const limited = vcpus.length === this.#migration.vcpuCount ? 'all vCPUs' : `vCPUs ${vcpus.join(', ')}`;
    this.#migration.explain(rule, `${limited} limited to ${quota} MiB/s each`);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#migration.dirtyLimitInService(true);
    this.#cycle();
  }

  /** cancel-vcpu-dirty-limit: those vCPUs sleep no more; without any limit left the thread ends. */
  cancel(vcpus: readonly number[]): void {
    for (const vcpu of vcpus) {
      if (!this.#limits.delete(vcpu)) continue;
      this.#migration.ringFullSleep(vcpu, 0);
      this.#migration.explain('dirtylimit_set_vcpu', `the limit of vCPU ${vcpu} is lifted`);
    }
    this.#inOrder = [...this.#limits.values()];
    if (this.#limits.size > 0 || !this.#isRunning) return;
    this.#isRunning = false;
    this.#maxRate = 0;
    this.#rates = [];
    this.#migration.dirtyLimitInService(false);
  }

  #cycle(): void {
    const rule = versionFacts[this.#migration.qemu].ratesInWholeMib ? rateOfWholeMib : rateOfPages;
    measureDirtyRates(this.#migration, this.periodMs, rule, (rates) => {
      if (!this.#isRunning) return;
      this.#rates = [...rates];
      let left = 0;
      for (const limit of this.#inOrder) if (!this.#adjust(limit, nth(rates, limit.vcpu))) left += 1;
      const limited = this.#limits.size;
      if (left > 0) this.#migration.explain('dirtylimit_adjust_throttle', () => noChange(left, limited));
      this.#cycle();
    });
  }

  /** Returns whether the sleep changed. */
  #adjust(limit: Limit, rate: number): boolean {
    const { vcpu, quota, sleepUs } = limit;
    const next = adjustSleep({ sleepUs, maxRate: this.#maxRate }, quota, rate, this.#migration.dirtyRingSize);
    this.#maxRate = next.maxRate;
    if (next.sleepUs === sleepUs) return false;
    this.#migration.explain(
      'dirtylimit_set_throttle',
      `vCPU ${vcpu} dirties ${rate} MiB/s, quota ${quota}: sleep at a full ring ${sleepUs} us -> ${next.sleepUs} us`,
    );
    limit.sleepUs = next.sleepUs;
    this.#migration.ringFullSleep(vcpu, next.sleepUs);
    return true;
  }
}

/**
 * The capability `dirty-limit`: all vCPUs are limited when the detector acts (ram.c:migration_dirty_limit_guest). Returns a
 * look at the limiter; null until it is in service.
 */
export function startDirtyLimitCapability(
  migration: Controls,
  quota: number,
  periodMs: number,
): () => DirtyLimiter | null {
  const all = Array.from({ length: migration.vcpuCount }, (_, vcpu) => vcpu);
  const limiter = new DirtyLimiter(migration, periodMs);
  let wanted = quota;
  let inForce: number | null = null;
  migration.onSet(({ vcpuDirtyLimitMib, vcpuDirtyLimitPeriodMs }) => {
    wanted = vcpuDirtyLimitMib ?? wanted;
    limiter.periodMs = vcpuDirtyLimitPeriodMs ?? limiter.periodMs;
  });
  migration.onDetector(() => {
    if (inForce === wanted) {
      migration.explain('migration_dirty_limit_guest', () => 'the limits are in service already');
      return;
    }
    const isFirst = inForce === null;
    inForce = wanted;
    if (isFirst) migration.onQuery(() => void limiter.queryRingFullTimeUs());
    limiter.set(all, wanted, isFirst ? 'dirtylimit_set_vcpu' : 'migration_dirty_limit_guest');
  });
  return () => (inForce === null ? null : limiter);
}
