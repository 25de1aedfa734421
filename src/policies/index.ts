/** All orchestrator policies. A new one is a file in this folder and a line here. */
import type { Place } from '../errors.js';
import type { PolicyDefinition } from '../strategies/define.js';
import { findEntry } from '../strategies/find.js';
import { wait } from './wait.js';

/** In the order in which they are listed to users; the first is the default. */
export const policies = {
  wait,
} satisfies Record<string, PolicyDefinition>;

export type PolicyName = keyof typeof policies;

/** By the word users write. Throws `UsageError` with the nearest name. */
export function findPolicy(name: string, place?: Place): PolicyDefinition {
  return findEntry<PolicyDefinition>('policy', policies, name, place);
}
