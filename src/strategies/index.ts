/** All convergence strategies. A new one is a file in this folder and a line here. */
import type { Place } from '../errors.js';
import { aggression } from './aggression.js';
import { autoConverge } from './auto-converge.js';
import { computedStart } from './computed-start.js';
import { cpuScheduling } from './cpu-scheduling.js';
import type { StrategyDefinition } from './define.js';
import { dirtyLimit } from './dirty-limit.js';
import { dirtyQuota } from './dirty-quota.js';
import { dirtyRestraint } from './dirty-restraint.js';
import { findEntry } from './kit/find.js';
import { none } from './none.js';
import { oracle } from './oracle.js';
import { piThrottle } from './pi-throttle.js';
import { predictiveRestraint } from './predictive-restraint.js';
import { responsiveThrottle } from './responsive-throttle.js';
import { stopAndCopy } from './stop-and-copy.js';
import { stun } from './stun.js';

/** In the order in which they are listed to users. */
export const strategies = {
  none,
  'stop-and-copy': stopAndCopy,
  'auto-converge': autoConverge,
  'dirty-restraint': dirtyRestraint,
  'dirty-limit': dirtyLimit,
  'dirty-quota': dirtyQuota,
  'computed-start': computedStart,
  'responsive-throttle': responsiveThrottle,
  aggression,
  'cpu-scheduling': cpuScheduling,
  stun,
  'pi-throttle': piThrottle,
  'predictive-restraint': predictiveRestraint,
  oracle,
} satisfies Record<string, StrategyDefinition>;

/** A name of migsim's own strategies. */
export type StrategyName = keyof typeof strategies;

/** By the word users write. Throws `UsageError` with the nearest name. */
export function findStrategy(name: string, place?: Place): StrategyDefinition {
  return findEntry<StrategyDefinition>('strategy', strategies, name, place);
}
