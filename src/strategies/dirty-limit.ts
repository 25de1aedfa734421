import type { Controls } from '../migration/controls.js';
import { since, versionFacts } from '../migration/rules/versions.js';
import { defineStrategy } from './define.js';
import { measureDirtyRates, rateOfPages, rateOfWholeMib } from './kit/dirty-rate.js';
import { throttleTriggerThreshold, withTriggerThreshold } from './kit/trigger.js';

const { abs, floor, max, min } = Math;

/** DIRTYLIMIT_TOLERANCE_RANGE, DIRTYLIMIT_LINEAR_ADJUSTMENT_PCT and DIRTYLIMIT_THROTTLE_PCT_MAX of dirtylimit.c. */
const TOLERANCE_MIB = 25;
const LINEAR_PERCENT = 50;
const MAX_RING_FULL_TIMES = 99;
/** DIRTYLIMIT_CALC_TIME_MS: the period of the manual command. */
const MANUAL_PERIOD_MS = 1000;
const PAGES_PER_MIB = 256;

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

/** What the statistics thread goes by in its next period. */
interface Limit {
  quota: number;
  periodMs: number;
  /** query-migrate shows dirty-limit-ring-full-time: of the capability only. */
  readonly isShown: boolean;
}

/** The statistics thread: measure for a period, then adjust each limited vCPU, for ever. */
function startLimiter(migration: Controls, vcpus: readonly number[], limit: Limit): void {
  const sleepsUs = new Map(vcpus.map((vcpu) => [vcpu, 0]));
  const rule = versionFacts[migration.qemu].ratesInWholeMib ? rateOfWholeMib : rateOfPages;
  let maxRate = 0;
  let last: readonly number[] = [];
  if (limit.isShown) {
    migration.onQuery(() => {
      maxRate = queryRingFullTime(last, maxRate, migration.dirtyRingSize).maxRate;
    });
  }
  /** Returns whether the sleep changed. */
  const adjust = (vcpu: number, rate: number): boolean => {
    const sleepUs = sleepsUs.get(vcpu)!;
    const next = adjustSleep({ sleepUs, maxRate }, limit.quota, rate, migration.dirtyRingSize);
    maxRate = next.maxRate;
    if (next.sleepUs === sleepUs) return false;
    migration.explain(
      'dirtylimit_set_throttle',
      `vCPU ${vcpu} dirties ${rate} MiB/s, quota ${limit.quota}: sleep at a full ring ${sleepUs} us -> ${next.sleepUs} us`,
    );
    sleepsUs.set(vcpu, next.sleepUs);
    migration.ringFullSleep(vcpu, next.sleepUs);
    return true;
  };
  const cycle = (): void => {
    measureDirtyRates(migration, limit.periodMs, rule, (rates) => {
      last = [...rates];
      let left = 0;
      for (const vcpu of sleepsUs.keys()) if (!adjust(vcpu, rates[vcpu]!)) left += 1;
      if (left > 0) migration.explain('dirtylimit_adjust_throttle', () => noChange(left, sleepsUs.size));
      cycle();
    });
  };
  const limited = vcpus.length === migration.vcpuCount ? 'all vCPUs' : `vCPUs ${vcpus.join(', ')}`;
  migration.explain('dirtylimit_set_vcpu', `${limited} limited to ${limit.quota} MiB/s each`);
  migration.dirtyLimitInService(true);
  cycle();
}

export const dirtyLimit = defineStrategy({
  name: 'dirty-limit',
  summary: 'let each vCPU sleep at a full dirty ring until it keeps to its quota',
  source: 'QEMU 10.2 system/dirtylimit.c; migration/ram.c migration_dirty_limit_guest',
  rule: `A vCPU whose dirty ring is full leaves for QEMU, which empties that ring and then lets the vCPU
sleep. A vCPU that dirties nothing never fills its ring and is never slowed.

The sleep of each vCPU is adjusted once a period, by its rate in whole MiB/s. Within 25 MiB/s of
vcpu-dirty-limit it stays. Otherwise F is the time in which a ring fills at the highest rate ever seen on
any vCPU. An error of more than 50 % of the larger of rate and quota changes the sleep by
F·error/(100−error), a smaller one by F/10. The sleep is at most 99·F; a rate of 0 ends it.

As a capability (when: trigger) all vCPUs are limited when the detector first acts, that is, at the second
bad sync; later bad syncs change nothing, and no timer adds syncs. With when: start the limit is set by
command as the migration starts, on vcpus or on all.

Each measurement empties all rings. A vCPU that fills less than a ring in a period never sleeps, so a large
ring cannot enforce a small quota.`,
  options: {
    'vcpu-dirty-limit': {
      kind: 'mib-per-second',
      min: 1,
      default: '1MiB/s',
      summary: 'quota: dirty rate that each limited vCPU is held to',
    },
    'x-vcpu-dirty-limit-period': {
      kind: 'duration-ms',
      min: 1,
      max: 1000,
      bareNumber: true,
      default: '1000ms',
      summary: 'time over which rates are measured before each adjustment, with when: trigger',
    },
    when: {
      kind: 'choice',
      choices: ['trigger', 'start'],
      default: 'trigger',
      summary:
        'the capability, at the detector (trigger), or set-vcpu-dirty-limit as the migration starts (start)',
    },
    vcpus: {
      kind: 'vcpus',
      default: [],
      summary: 'indexes of the vCPUs to limit, with when: start; an empty list means all',
    },
    settle: {
      kind: 'duration-ms',
      min: 0,
      max: 3_600_000,
      default: '0ms',
      summary: 'with when: start, how long before the migration the limit is set',
    },
    'throttle-trigger-threshold': throttleTriggerThreshold,
  },
  takesUp: ['vcpuDirtyLimitMib', 'vcpuDirtyLimitPeriodMs'],
  refuses(options, setup) {
    const vcpuCount = setup.guest.vcpus.length;
    if (setup.guest.dirtyRingSize === 0) {
      return "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set: set guest.dirty-ring-size, such as 4096";
    }
    if (options.when === 'trigger') {
      if (!versionFacts[setup.migration.qemu].hasDirtyLimitCapability) {
        return `QEMU ${setup.migration.qemu} has no dirty-limit capability (it came with ${since('hasDirtyLimitCapability')}), only the command: use when: start`;
      }
      if (options.vcpus.length > 0) {
        return 'the dirty-limit capability limits all vCPUs: vcpus needs when: start';
      }
      if (options.settle > 0) return 'the dirty-limit capability acts at a trigger: settle needs when: start';
      return null;
    }
    if (options['x-vcpu-dirty-limit-period'] !== MANUAL_PERIOD_MS) {
      return 'x-vcpu-dirty-limit-period belongs to the dirty-limit capability: with when: start the period is 1000ms';
    }
    const wrong = options.vcpus.find((vcpu) => vcpu >= vcpuCount);
    if (wrong !== undefined) {
      return `incorrect cpu index specified: ${wrong}, where the guest has vCPUs 0 to ${vcpuCount - 1}`;
    }
    return null;
  },
  prepare(options, setup) {
    const prepared = withTriggerThreshold(setup, options['throttle-trigger-threshold']);
    if (options.settle === 0) return prepared;
    return { ...prepared, migration: { ...prepared.migration, settleUs: options.settle * 1000 } };
  },
  start(options, migration) {
    const quota = options['vcpu-dirty-limit'];
    const all = Array.from({ length: migration.vcpuCount }, (_, vcpu) => vcpu);
    if (options.when === 'start') {
      const vcpus = options.vcpus.length > 0 ? options.vcpus : all;
      startLimiter(migration, vcpus, { quota, periodMs: MANUAL_PERIOD_MS, isShown: false });
      return;
    }
    let wanted = quota;
    const limit: Limit = { quota, periodMs: options['x-vcpu-dirty-limit-period'], isShown: true };
    migration.onSet(({ vcpuDirtyLimitMib, vcpuDirtyLimitPeriodMs }) => {
      wanted = vcpuDirtyLimitMib ?? wanted;
      limit.periodMs = vcpuDirtyLimitPeriodMs ?? limit.periodMs;
    });
    let inService = false;
    migration.onDetector(() => {
      if (inService && limit.quota === wanted) {
        migration.explain('migration_dirty_limit_guest', () => 'the limits are in service already');
        return;
      }
      limit.quota = wanted;
      if (inService) {
        migration.explain('migration_dirty_limit_guest', `all vCPUs limited to ${wanted} MiB/s each`);
        return;
      }
      inService = true;
      startLimiter(migration, all, limit);
    });
  },
});
