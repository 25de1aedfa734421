/** The dirty curve behind repeated readings: a mean for each period, and how much repetitions differ. */
import { isNonEmpty, nth } from '../../lists.js';
import type { DirtyPoint } from '../../guest/dirty-curve.js';
import { mean } from '../../stats/summary.js';
import { pagesOf, type Reading } from './calc.js';
import type { DirtyRateMode } from './dangers.js';

const { hypot, max, min, round, sqrt } = Math;

/** All readings of one period, in the mean. */
export interface PeriodMean {
  readonly periodMs: number;
  readonly mode: DirtyRateMode;
  /** MiB/s of each, as QEMU answered. */
  readonly rates: readonly number[];
}

/** Vcpus that dirty memory, and what they dirty together. */
export interface MeasuredGroup {
  /** Index of its vCPU, or null for the guest as a whole. */
  readonly vcpu: number | null;
  /** Rising in both; empty where every rate was below 1 MiB/s. */
  readonly points: readonly DirtyPoint[];
}

export interface MeasuredCurve {
  readonly periods: readonly PeriodMean[];
  readonly groups: readonly MeasuredGroup[];
  /** Standard deviation of one measurement, as a share of its mean: over repetitions, and for what whole MiB/s cut off. */
  readonly spread: number;
}

export function curveOf(readings: readonly Reading[]): MeasuredCurve {
  const periods = periodsOf(readings);
  return { periods, groups: groupsOf(readings, periods), spread: spreadOf(periods) };
}

function periodsOf(readings: readonly Reading[]): PeriodMean[] {
  // A period is as long as QEMU says it was: repetitions differ by some ms.
  const groups: Reading[][] = [];
  for (const reading of readings.toSorted((a, b) => a.periodMs - b.periodMs)) {
    const last = groups.at(-1)?.[0];
    const same = last?.mode === reading.mode && reading.periodMs <= last.periodMs * ONE_PERIOD;
    if (same) groups.at(-1)?.push(reading);
    else groups.push([reading]);
  }
  return groups.map((group) => ({
    periodMs: round(mean(group.map(({ periodMs }) => periodMs))),
    mode: nth(group, 0).mode,
    rates: group.map(({ mibPerSecond }) => mibPerSecond),
  }));
}

/** Repetitions of one period are longer than the shortest by less than this factor. */
const ONE_PERIOD = 1.5;

function groupsOf(readings: readonly Reading[], periods: readonly PeriodMean[]): MeasuredGroup[] {
  const byVcpu = readings.filter(({ vcpuMibPerSecond }) => isNonEmpty(vcpuMibPerSecond));
  const whole = periods.map(({ periodMs, rates }) => ({ periodMs, rate: mean(rates) }));
  if (byVcpu.length === 0) return [{ vcpu: null, points: pointsOf(whole) }];
  const vcpus = byVcpu.reduce((most, { vcpuMibPerSecond }) => max(most, vcpuMibPerSecond.length), 0);
  const all = mean(byVcpu.map(({ mibPerSecond }) => mibPerSecond));
  return Array.from({ length: vcpus }, (_, vcpu): MeasuredGroup => {
    const ofVcpu = (reading: Reading): number => reading.vcpuMibPerSecond[vcpu] ?? 0;
    const share = all > 0 ? mean(byVcpu.map(ofVcpu)) / all : 0;
    const rates = periods.map(({ periodMs, rates: total, mode }) => {
      if (mode !== 'dirty-ring') return { periodMs, rate: share * mean(total) };
      const near = byVcpu.filter(
        (one) => one.periodMs < periodMs * ONE_PERIOD && one.periodMs * ONE_PERIOD > periodMs,
      );
      return { periodMs, rate: mean(near.map(ofVcpu)) };
    });
    return { vcpu, points: pointsOf(rates) };
  });
}

/** A curve that rises: where a longer period answered less, both stand for their mean. */
function pointsOf(rates: readonly { readonly periodMs: number; readonly rate: number }[]): DirtyPoint[] {
  if (rates.every(({ rate }) => rate === 0)) return [];
  const blocks: { pages: number; periods: number[] }[] = [];
  for (const { periodMs, rate } of rates) {
    blocks.push({ pages: pagesOf(rate, periodMs), periods: [periodMs] });
    for (let last = blocks.at(-1), before = blocks.at(-2); last && before && before.pages > last.pages;) {
      const count = before.periods.length + last.periods.length;
      const pages = (before.pages * before.periods.length + last.pages * last.periods.length) / count;
      blocks.splice(-2, 2, { pages, periods: [...before.periods, ...last.periods] });
      [last, before] = [blocks.at(-1), blocks.at(-2)];
    }
  }
  return blocks.flatMap(({ pages, periods }) =>
    periods.map((ms) => ({ durationUs: ms * 1000, pages: max(1, round(pages)) })),
  );
}

/** Standard deviation of a value that is equally likely anywhere in an interval of 1. */
const CUT_OFF = 1 / sqrt(12);
/** More is no guest that a scenario could describe by one curve. */
const MOST_SPREAD = 1;

/** Pooled over the periods: each says the same of how steady the load is. */
function spreadOf(periods: readonly PeriodMean[]): number {
  let squares = 0;
  let degrees = 0;
  let cut = 0;
  for (const { rates } of periods) {
    const middle = mean(rates) + 0.5;
    for (const rate of rates) squares += ((rate + 0.5 - middle) / middle) ** 2;
    degrees += rates.length - 1;
    cut = max(cut, CUT_OFF / middle);
  }
  return min(MOST_SPREAD, hypot(degrees > 0 ? sqrt(squares / degrees) : 0, cut));
}
