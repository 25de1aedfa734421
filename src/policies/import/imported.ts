/** What the configuration of an orchestrator says about a migration, in this project's terms. */
import type { MigrationParameters } from '../../migration/setup.js';

export interface ImportedPolicy {
  /** Of a policy in the registry. */
  readonly name: string;
  /** As they would be written in a scenario file; what is at its default is left out. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What the user called it; null when it has no name. */
  readonly title: string | null;
  /** Parameters that the orchestrator sets when it starts the migration. */
  readonly migration: Partial<Pick<MigrationParameters, 'maxBandwidth' | 'downtimeLimitMs' | 'postcopy'>>;
  /** Whether it turns auto-converge on. */
  readonly strategy: 'none' | 'auto-converge';
  /** Settings that would change a real migration and are not in `migration`, `strategy` or `options`. */
  readonly unused: readonly string[];
}

/** The options that have a value. */
export function given(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** A duration as scenario files have it, of `amount` whole seconds or milliseconds. */
export function amountOf(amount: number | null | undefined, unit: 's' | 'ms'): string | undefined {
  return amount === null || amount === undefined ? undefined : `${amount}${unit}`;
}

/** The same for a timeout, of which 0 means that there is none. */
export function timeoutOf(seconds: number | null | undefined): string | undefined {
  return seconds === 0 ? 'none' : amountOf(seconds, 's');
}
