/** Remedies that are tried together: which, and the two as one that is tuned. */
import { nth } from '../lists.js';
import type { WhyNot } from '../migration/result.js';
import type { Goals } from './goals.js';
import { PRICES, type Price, type Remedy } from './remedy.js';
import type { Tried } from './trial.js';

const { floor, max } = Math;

/** By their names: the first as it was tuned, the second tuned with it, then the first once more with the second. */
export const PAIRS: readonly (readonly [first: string, second: string])[] = [
  ['bandwidth', 'downtime-limit'],
  ['downtime-limit', 'least bandwidth'],
  ['bandwidth', 'multifd'],
  ['bandwidth', 'auto-converge'],
  ['bandwidth', 'dirty-limit'],
  ['multifd', 'downtime-limit'],
  ['multifd', 'auto-converge'],
  ['downtime-limit', 'auto-converge'],
  ['downtime-limit', 'dirty-limit'],
  ['downtime-limit', 'time'],
  ['bandwidth', 'time'],
  ['compression', 'downtime-limit'],
  ['compression', 'bandwidth'],
  ['xbzrle', 'downtime-limit'],
  ['tls', 'downtime-limit'],
  ['bandwidth', 'post-copy'],
];

/** Of the longest pause that is wanted: the last pass and the start of the destination take their part. */
const SHARED_LIMIT = 0.7;

/**
 * The first as it was tuned; a downtime-limit as high as the goal allows, as alone it may not have been enough. `nowMs`:
 * downtime-limit as it is.
 */
export function together(first: Tried, second: Remedy, { maxDowntimeMs }: Goals, nowMs: number): Remedy {
  const { remedy } = first;
  const [tune] = remedy.tunes;
  const limitMs = max(1, floor(maxDowntimeMs * SHARED_LIMIT), nowMs <= maxDowntimeMs ? nowMs : 0);
  const isLimit = remedy.name === 'downtime-limit';
  const values = isLimit ? [`${limitMs}ms`] : first.values;
  const assigned = isLimit && tune !== undefined ? [`${pathOf(tune.key)}=${limitMs}ms`] : first.assigned;
  const again = isLimit && tune !== undefined ? [tune] : [];
  return {
    name: `${remedy.name} and ${second.name}`,
    set: [...remedy.set, ...assigned, ...second.set],
    tunes: [...second.tunes, ...again],
    change: (tuned, results) => ({
      ...remedy.change(
        tuned.length > second.tunes.length ? tuned.slice(second.tunes.length) : values,
        results,
      ),
      ...second.change(tuned.slice(0, second.tunes.length), results),
    }),
    needs: [...new Set([...remedy.needs, ...second.needs])],
    risk: [remedy.risk, second.risk].filter((risk) => risk !== null).join('; ') || null,
    price: nth(PRICES, max(rankOf(remedy.price), rankOf(second.price))),
  };
}

function pathOf(key: string): string {
  return key.startsWith('nova.') ? `policy.${key}` : key;
}

function rankOf(price: Price): number {
  return PRICES.indexOf(price);
}

/** What is left to gain by a second change where the first takes less of the guest's time than this share. */
const HARDLY_ANYTHING = 0.02;

/** A pair may be the best of the first rank, or the only one of its own: others are not tried. */
export function isPairOpen(
  first: Tried,
  second: Tried,
  singles: readonly Tried[],
  binds: WhyNot['binds'] | null,
): boolean {
  // More senders are no help where something else is the limit.
  const isIdle = first.remedy.name === 'multifd' && first.advised.misses.length > 0;
  if (isIdle && binds !== 'sender-cpu' && binds !== null) return false;
  const rank = max(rankOf(first.remedy.price), rankOf(second.remedy.price));
  const good = singles.filter(
    ({ remedy, advised }) => rankOf(remedy.price) <= rank && advised.misses.length === 0,
  );
  if (rank > 0) return good.length === 0;
  return !good.some(({ advised }) => advised.outcome.lostShare < HARDLY_ANYTHING);
}

/** A pair has to lose less than its halves by this share: what is simpler is better. */
const WORTH_A_PAIR = 0.9;

export function isWorthIt(both: Tried, halves: readonly Tried[]): boolean {
  if (both.advised.misses.length > 0) return false;
  // What costs more than the pair is no reason against it.
  const rank = rankOf(both.advised.price);
  const good = halves.filter(({ advised }) => advised.misses.length === 0 && rankOf(advised.price) <= rank);
  return good.every(
    ({ advised }) => both.advised.outcome.lostSeconds < WORTH_A_PAIR * advised.outcome.lostSeconds,
  );
}
