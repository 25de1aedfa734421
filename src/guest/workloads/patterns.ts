/** How accesses spread over a working set: each pattern is a list of access classes. */
import { zipfClasses } from '../../random/zipf.js';
import type { ClassPlan } from './define.js';

const { max, min, round } = Math;

export const PATTERNS = ['uniform', 'sequential', 'zipf', 'hot-cold'] as const;

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

/** Uniform classes that stand for a Zipf distribution: the hottest page alone, then borders that rise geometrically. */
const ZIPF_CLASSES = 12;

/** The page of rank r is accessed in proportion to r^-skew; within a class all pages get the class's mean. */
export function zipf(accesses: Accesses, skew: number): ClassPlan[] {
  return zipfClasses(accesses.pages, skew, ZIPF_CLASSES).map(({ ranks, share }) =>
    part(accesses, ranks, share),
  );
}

function part({ writesPerSecond, readsPerSecond }: Accesses, pages: number, share: number): ClassPlan {
  return {
    pages,
    pattern: 'uniform',
    writesPerSecond: writesPerSecond * share,
    readsPerSecond: readsPerSecond * share,
  };
}
