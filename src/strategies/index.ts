/** All convergence strategies. A new one is a file in this folder and a line here. */
import type { Place } from '../errors.js';
import { autoConverge } from './auto-converge.js';
import type { StrategyDefinition } from './define.js';
import { dirtyLimit } from './dirty-limit.js';
import { dirtyRestraint } from './dirty-restraint.js';
import { findEntry } from './find.js';
import { none } from './none.js';
import { stopAndCopy } from './stop-and-copy.js';

/** In the order in which they are listed to users. */
export const strategies = {
  none,
  'stop-and-copy': stopAndCopy,
  'auto-converge': autoConverge,
  'dirty-restraint': dirtyRestraint,
  'dirty-limit': dirtyLimit,
} satisfies Record<string, StrategyDefinition>;

export type StrategyName = keyof typeof strategies;

/** By the word users write. Throws `UsageError` with the nearest name. */
export function findStrategy(name: string, place?: Place): StrategyDefinition {
  return findEntry<StrategyDefinition>('strategy', strategies, name, place);
}
