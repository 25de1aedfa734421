/** Values of options that only policies have. A bad one gives one issue of one line, as in strategies/option-types.ts. */
import { z } from 'zod';

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

function range({ min, max }: Bounds): string {
  if (min === undefined) return '';
  return max === undefined ? ` from ${min}` : ` from ${min} to ${max}`;
}

function within(value: number, { min = -Infinity, max = Infinity }: Bounds): boolean {
  return value >= min && value <= max;
}

function numberWith(expected: string, bounds: Bounds, accepts: (value: number) => boolean): z.ZodNumber {
  const wrong = {
    error: ({ input }: { readonly input?: unknown }) => `expected ${expected}, got ${JSON.stringify(input)}`,
  };
  return z.number(wrong).refine((value) => accepts(value) && within(value, bounds), wrong);
}

/** A whole number; `what` says of what. */
export function count(bounds: Bounds = {}, what = 'a whole number'): z.ZodNumber {
  return numberWith(`${what}${range(bounds)}`, bounds, Number.isSafeInteger);
}

/** A number without a unit. */
export function factor(bounds: Bounds = {}): z.ZodNumber {
  return numberWith(`a number${range(bounds)}`, bounds, Number.isFinite);
}
