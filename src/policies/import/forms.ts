/** Values in the files of orchestrators. */
import type * as z from 'zod/mini';
import { entrySchema } from '../../options/zod.js';

const summary = 'as the orchestrator has it';

/** `true` or `false`. */
export const FLAG: z.ZodMiniType<boolean, unknown> = entrySchema({ kind: 'flag', summary });

/** One of some words. */
export function choice<const Word extends string>(choices: readonly Word[]): z.ZodMiniType<Word, unknown> {
  return entrySchema({ kind: 'choice', choices, summary });
}

/** A whole number; `what` says of what. */
export function count(
  bounds: { readonly min: number; readonly max?: number },
  what = 'a whole number',
): z.ZodMiniType<number, unknown> {
  return entrySchema({ kind: 'count', what, summary, ...bounds });
}
