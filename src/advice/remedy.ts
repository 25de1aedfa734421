/** What a remedy is: changes of a scenario, what of them is tuned, and what it costs. */
import type { MigrationResult } from '../migration/result.js';
import type { Change } from './change.js';

/** One value that is tuned: the key, and its ends. */
export interface Tune {
  /** As `migsim search` takes it. */
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
  /** best, the default: the value after which the guest lost least work; smallest: with which what is wanted is kept. */
  readonly find?: 'best' | 'smallest';
  /** The end at which it does most for the migration to end. Default `last`. */
  readonly strongest?: 'first' | 'last';
  /** The value that is used for one that was found, as `--set` takes it: such as whole seconds, with something to spare. */
  readonly settle?: (text: string) => string;
}

/**
 * Ranks of what a remedy costs, the cheapest first. Settings can be changed while the guest runs, and do what they did here.
 * What hangs on the content of its memory, which no log shows, comes after them, then a restart of the guest, hardware that
 * has to be there, and last what may lose the guest or show its memory to others.
 */
export type Price = 'settings' | 'content' | 'restart' | 'hardware' | 'risk';
export const PRICES: readonly Price[] = ['settings', 'content', 'restart', 'hardware', 'risk'];

/** What sets the remedies of each rank apart from those before it; null: of the first. */
export const PRICE_REASONS: Readonly<Record<Price, string | null>> = {
  settings: null,
  content: 'rests on how well memory compresses, an assumption',
  restart: 'needs a restart of the guest',
  hardware: 'needs hardware',
  risk: 'may lose the guest or show its memory to others',
};

/** `settings alone, then what needs a restart of the guest`, for these ranks and in their order. */
export function orderOf(prices: readonly Price[]): string {
  return PRICES.filter((price) => prices.includes(price))
    .map((price) => (PRICE_REASONS[price] === null ? 'settings alone' : `what ${PRICE_REASONS[price]}`))
    .join(', then ');
}

/** A remedy before it is tuned. */
export interface Remedy {
  readonly name: string;
  /** Changes of the scenario, as `--set` takes them. */
  readonly set: readonly string[];
  /** Tuned one after the other, each with those before it. */
  readonly tunes: readonly Tune[];
  /** The change, from the tuned values in their order (as `--set` writes them) and what came of the runs. */
  change(values: readonly string[], results: readonly MigrationResult[]): Change;
  /** What it needs, in words. */
  readonly needs: readonly string[];
  /** What may go wrong, in words; null: nothing that plain pre-copy has not. */
  readonly risk: string | null;
  readonly price: Price;
}
