/** Domains and ticks. */
import { lastOf } from '../../../lists.js';
import type { Axis } from './panel.js';
import { largest, smallest } from '../../../stats/extremes.js';

/** Log axes from this ratio of the largest to the smallest value on. */
const LOG_FROM = 12;

/** From 0 to a round number at or above the largest value. */
export function fromZero(values: readonly number[], ticks: number): Axis {
  const top = Math.max(0, largest(values));
  const step = roundStep((top === 0 ? 1 : top) / ticks);
  const count = Math.max(1, Math.ceil((top === 0 ? 1 : top) / step - 1e-9));
  return { domain: [0, count * step], ticks: multiples(step, 0, count) };
}

/** Exactly from `low` to `high`, with ticks at round numbers: for time, which ends when it ends. */
export function exact(low: number, high: number, ticks: number): Axis {
  const step = roundStep((high - low) / ticks);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return { domain: [low, high], ticks: multiples(step, first, last) };
}

/** Around values that need not begin at 0, with a little room at both ends; what is never negative does not go below 0. */
export function around(values: readonly number[], ticks: number): Axis {
  const low = smallest(values);
  const high = largest(values);
  const room = high > low ? (high - low) * 0.12 : Math.abs(high) * 0.1 || 1;
  return exact(low >= 0 ? Math.max(0, low - room) : low - room, high + room, ticks);
}

/** Over positive values, which it does not quite touch. At least two of its ticks have numbers. */
export function logarithmic(values: readonly number[], ticks: number): Axis {
  const positive = values.filter((value) => value > 0);
  const low = smallest(positive) / 1.15;
  const high = largest(positive) * 1.15;
  const decades = Math.log10(high / low);
  const digits = [[1], [1, 3], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]];
  const candidates = digits.map((set) => decadeTicks(low, high, set));
  const every = Math.ceil(decades / ticks);
  const best = candidates.find((list) => list.length >= 3) ?? lastOf(candidates);
  const thinned =
    best.length > ticks && decades > ticks
      ? best.filter((tick) => Math.round(Math.log10(tick)) % every === 0)
      : best;
  if (thinned.length >= 2) return { domain: [low, high], log: true, ticks: thinned };
  return { ...exact(low, high, ticks), log: true };
}

/** Logarithmic where values differ by an order of magnitude, which a linear axis would press together; otherwise from 0. */
export function fitting(values: readonly number[], ticks: number): Axis {
  return isWide(values) ? logarithmic(values, ticks) : fromZero(values, ticks);
}

export function isWide(values: readonly number[]): boolean {
  const positive = values.filter((value) => value > 0);
  return positive.length > 0 && largest(positive) / smallest(positive) >= LOG_FROM;
}

/** 1, 2 or 5 times a power of ten: the one nearest to `step`, in ratio. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const rest = step / power;
  const digit = rest < Math.SQRT2 ? 1 : rest < Math.sqrt(10) ? 2 : rest < Math.sqrt(50) ? 5 : 10;
  return Number((digit * power).toPrecision(12));
}

/** Rounded, as 3 * 0.1 is not 0.3. */
function multiples(step: number, first: number, last: number): number[] {
  const count = Math.max(0, last - first + 1);
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function decadeTicks(low: number, high: number, digits: readonly number[]): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const digit of digits) {
      const tick = Number(`${digit}e${power}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}
