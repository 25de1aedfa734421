/** Options that are plain counts. A bad value gives one issue of one line, as in option-types.ts. */
import { z } from 'zod';

/** A whole number of at least `min`. */
export function count(min: number): z.ZodNumber {
  const wrong = {
    error: ({ input }: { readonly input?: unknown }) =>
      `expected a whole number from ${min}, got ${JSON.stringify(input)}`,
  };
  return z.number(wrong).refine((value) => Number.isSafeInteger(value) && value >= min, wrong);
}
