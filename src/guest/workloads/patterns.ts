/** How accesses spread over a working set: each pattern is a list of access classes. */
import type { ClassPlan } from './define.js';

const { floor, log, max, min, round } = Math;

export const PATTERNS = ['uniform', 'sequential', 'zipf', 'hot-cold'] as const;
export type Pattern = (typeof PATTERNS)[number];

/** One vCPU's accesses to a working set, in pages and page accesses a second. */
export interface Accesses {
  readonly pages: number;
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
}

/**
 * What one vCPU reaches when it does nothing else, bytes/s: rewriting whole pages, and reading them. Assumptions: round
 * figures for one core of a current x86 server.
 */
export const WRITE_SPEED = 2 * 2 ** 30;
export const READ_SPEED = 10 * 2 ** 30;

/** Share of a vCPU's run time that accesses of these rates (bytes/s) take. */
export function busyShare(writeBytesPerSecond: number, readBytesPerSecond: number): number {
  return min(1, writeBytesPerSecond / WRITE_SPEED + readBytesPerSecond / READ_SPEED);
}

/** Every access picks any page. */
export function uniform({ pages, writesPerSecond, readsPerSecond }: Accesses): ClassPlan[] {
  return [{ pages, pattern: 'uniform', writesPerSecond, readsPerSecond }];
}

/** Page after page in address order, wrapping. */
export function sequential({ pages, writesPerSecond, readsPerSecond }: Accesses): ClassPlan[] {
  return [{ pages, pattern: 'sequential', writesPerSecond, readsPerSecond }];
}

/** Two uniform classes: `hotPages` of the pages get `hotAccesses` of the accesses; both shares between 0 and 1. */
export function hotCold(accesses: Accesses, hotPages: number, hotAccesses: number): ClassPlan[] {
  const hot = min(accesses.pages, max(1, round(accesses.pages * hotPages)));
  if (hot === accesses.pages) return uniform(accesses);
  return [part(accesses, hot, hotAccesses), part(accesses, accesses.pages - hot, 1 - hotAccesses)];
}

/** Uniform classes that stand for a Zipf distribution: the rank borders rise geometrically. */
const ZIPF_CLASSES = 10;

/**
 * The page of rank r is accessed in proportion to r^-skew. Within a class the rate is the class's mean, so the hottest
 * class is exact and the others are right in sum.
 */
export function zipf(accesses: Accesses, skew: number): ClassPlan[] {
  const classes: ClassPlan[] = [];
  const whole = zipfMass(accesses.pages, skew);
  let first = 0;
  for (let i = 1; i <= ZIPF_CLASSES; i++) {
    const end = floor((accesses.pages + 0.5) ** (i / ZIPF_CLASSES));
    if (end <= first) continue;
    classes.push(part(accesses, end - first, (zipfMass(end, skew) - zipfMass(first, skew)) / whole));
    first = end;
  }
  return classes;
}

/** Ranks up to here are summed one by one, the rest by the midpoint integral (relative error below 1e-7). */
const EXACT_RANKS = 1000;

/** Sum of r^-skew over the ranks 1..n. */
function zipfMass(n: number, skew: number): number {
  let sum = 0;
  for (let rank = 1; rank <= min(n, EXACT_RANKS); rank++) sum += rank ** -skew;
  return n <= EXACT_RANKS ? sum : sum + tailIntegral(EXACT_RANKS + 0.5, n + 0.5, skew);
}

/** Integral of r^-skew. */
function tailIntegral(from: number, to: number, skew: number): number {
  if (skew === 1) return log(to / from);
  return (to ** (1 - skew) - from ** (1 - skew)) / (1 - skew);
}

function part({ writesPerSecond, readsPerSecond }: Accesses, pages: number, share: number): ClassPlan {
  return {
    pages,
    pattern: 'uniform',
    writesPerSecond: writesPerSecond * share,
    readsPerSecond: readsPerSecond * share,
  };
}
