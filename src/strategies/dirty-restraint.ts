import type { Controls } from '../migration/controls.js';
import { defineStrategy } from './define.js';
import { measureDirtyRates, rateOfWholeMib } from './kit/dirty-rate.js';
import { throttleTriggerThreshold, withTriggerThreshold } from './kit/trigger.js';

const { abs, floor, max, min } = Math;

const WINDOW_MS = 1000;
/**
 * Both the pause between two measurements and the control period. A throttled turn ends with the first slice of
 * 10·100/(100−p) ms that ends past 15 s; 15 s are a whole number of them for every p, and waits are never early.
 */
const PERIOD_MS = 15_000;
const TOLERANCE_MIB = 15;
const HEAVY_WATERMARK = 75;
const SLIGHT_WATERMARK = 90;
const HEAVY_STEP = 5;
const SLIGHT_STEP = 2;
const THROTTLE_MAX = 99;

/** The percentage a vCPU is first throttled by. `quota` and `rate` in whole MiB/s; a rate of 0 means not yet measured. */
export function startPercent(quota: number, rate: number): number {
  if (rate === 0 || rate - quota <= TOLERANCE_MIB) return 0;
  return min(floor((100 * (rate - quota)) / rate), HEAVY_WATERMARK);
}

/**
 * The percentage of the next turn. `last` is the last percentage that *throttled*: a release does not update it, so the
 * turn after one starts from where the throttle stood before.
 */
export function nextPercent(last: number, quota: number, rate: number): number {
  const ease = quota > rate;
  if (ease && (rate === 0 || last <= SLIGHT_STEP)) return 0;
  if (abs(quota - rate) <= TOLERANCE_MIB) return last;
  if (last < HEAVY_WATERMARK) return ease ? easeByRatio(last, quota, rate) : raiseByRatio(last, quota, rate);
  if (last < SLIGHT_WATERMARK) return ease ? last - HEAVY_STEP : min(last + HEAVY_STEP, SLIGHT_WATERMARK);
  return ease ? last - SLIGHT_STEP : min(last + SLIGHT_STEP, THROTTLE_MAX);
}

/** Up by half of the relative error. */
function raiseByRatio(last: number, quota: number, rate: number): number {
  return min(last + floor((50 * (rate - quota)) / rate), HEAVY_WATERMARK);
}

/** Down by half of the relative error. */
function easeByRatio(last: number, quota: number, rate: number): number {
  return max(last - floor((50 * (quota - rate)) / quota), 0);
}

/** The measuring thread: 1 s windows, 15 s apart, forever. Returns the latest rates, 0 until the first window ends. */
function startMeasuring(migration: Controls): (vcpu: number) => number {
  let rates: readonly number[] = [];
  const measure = (): void => {
    measureDirtyRates(migration, WINDOW_MS, rateOfWholeMib, (measured) => {
      rates = measured;
      migration.after(PERIOD_MS, measure);
    });
  };
  measure();
  return (vcpu) => rates[vcpu] ?? 0;
}

/** The controller thread of one vCPU. */
function restrain(migration: Controls, vcpu: number, quota: number, rateOf: (vcpu: number) => number): void {
  let last = 0;
  let applied = 0;
  const turn = (percent: number): void => {
    if (percent !== applied) {
      migration.explain(
        'dirtyrestraint_pct',
        `vCPU ${vcpu} dirties ${rateOf(vcpu)} MiB/s, quota ${quota}: throttle ${applied} -> ${percent} %`,
      );
      migration.throttle([vcpu], percent);
      applied = percent;
    }
    if (percent !== 0) last = percent;
    migration.after(PERIOD_MS, () => turn(nextPercent(last, quota, rateOf(vcpu))));
  };
  turn(startPercent(quota, rateOf(vcpu)));
}

export const dirtyRestraint = defineStrategy({
  name: 'dirty-restraint',
  summary: 'throttle each vCPU individually until it dirties less than its quota',
  source: 'qemu-devel, "[PATCH v1 0/3] support dirty restraint on vCPU", Hyman Huang, 18 November 2021',
  rule: `Each restrained vCPU has a quota in MiB/s and a controller of its own, which sets the vCPU's
throttle every 15 s. At a throttle of p the vCPU runs 10 ms and then sleeps 10·p/(100−p) ms; the others run
on.

The rate of each vCPU is counted in the entries of its dirty ring, over one second, about every 16 s, in
whole MiB/s. Measuring begins with the first restraint; until the first second is over, the rate reads 0 and
nothing is throttled.

Within 15 MiB/s of the quota the throttle stays. Otherwise: below 75 % it moves by half the relative error,
up to 75 %; from 75 % by 5 points, up to 90 %; from 90 % by 2 points, up to 99 %. A vCPU whose rate is 0 or
whose throttle is 2 % or less is released when it is below its quota.

A release does not clear the remembered percentage: the next turn starts from where the throttle stood
before it.`,
  options: {
    quota: {
      kind: 'mib-per-second',
      default: '1MiB/s',
      summary:
        'dirty rate that each vCPU is allowed; the default is that of vcpu-dirty-limit, as v1 has none',
    },
    quotas: {
      kind: 'per-vcpu',
      each: { kind: 'mib-per-second', orNone: true },
      such: '[100MiB/s, none]',
      default: [],
      summary: 'instead of quota: one per vCPU, by index; none, or the end of the list, leaves a vCPU free',
    },
    when: {
      kind: 'choice',
      choices: ['trigger', 'start'],
      default: 'trigger',
      summary: 'restrain when the detector first acts (trigger) or when the migration starts (start)',
    },
    'throttle-trigger-threshold': throttleTriggerThreshold,
  },
  refuses(options, setup) {
    const vcpuCount = setup.guest.vcpus.length;
    if (setup.guest.dirtyRingSize === 0) {
      return 'dirty-restraint needs dirty rings to attribute pages to vCPUs; set guest.dirty-ring-size, such as 4096';
    }
    if (options.quotas.length > vcpuCount) {
      return `quotas has ${options.quotas.length} entries, but the guest has ${vcpuCount} vCPUs`;
    }
    return null;
  },
  prepare(options, setup) {
    return withTriggerThreshold(setup, options['throttle-trigger-threshold']);
  },
  start(options, migration) {
    const quotas =
      options.quotas.length > 0
        ? options.quotas
        : Array.from({ length: migration.vcpuCount }, () => options.quota);
    let imposed = false;
    const impose = (): void => {
      if (imposed) return;
      imposed = true;
      const rateOf = startMeasuring(migration);
      quotas.forEach((quota, vcpu) => {
        if (quota !== 'none') restrain(migration, vcpu, quota, rateOf);
      });
    };
    if (options.when === 'start') impose();
    else migration.onDetector(impose);
  },
});
