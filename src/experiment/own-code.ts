/** Code of the user's that throws: a mistake of theirs at a line of their file, not a defect of migsim. */
import { InfeasibleError, UsageError, thrownText, type Place } from '../errors.js';
import type { Choice } from '../scenario/scenario.js';

type Chosen = Pick<Choice<unknown>, 'label' | 'module' | 'from'>;

/**
 * What `compute` returns. What it throws becomes a `UsageError` with the place, where the file of one of `choices` is on
 * the way to it, or where it has no stack that could say.
 */
export function blamingOwnCode<Result>(choices: readonly Chosen[], compute: () => Result): Result {
  try {
    return compute();
  } catch (error) {
    if (error instanceof UsageError && error.place !== undefined) throw error;
    for (const { from, label, module } of choices) {
      const place = from === undefined || module === undefined ? null : placeIn(from, module, error);
      if (place === null || error instanceof InfeasibleError) continue;
      throw new UsageError(`${label} failed: ${thrownText(error)}`, place, { cause: error });
    }
    throw error;
  }
}

function placeIn(file: string, module: string, error: unknown): Place | null {
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? String(error.stack) : '';
  // Something other than an error does not say where it was thrown.
  if (stack === '') return { file };
  for (const name of [module, decodeURIComponent(module.replace('file://', ''))]) {
    const at = stack.indexOf(`${name}:`);
    const [, line, column] = /^:(\d+):(\d+)/.exec(at < 0 ? '' : stack.slice(at + name.length)) ?? [];
    if (line !== undefined) return { file, line: Number(line), column: Number(column) };
  }
  return null;
}
