/** How sure several runs make a verdict. */
import { shareInterval } from '../../../stats/share-interval.js';

/** `84-100 %`: the 95 % interval of the probability to converge. */
export function probabilityText(results: readonly { readonly converged: boolean }[]): string {
  const { low, high } = shareInterval(results.filter(({ converged }) => converged).length, results.length);
  return `${Math.round(low * 100)}-${Math.round(high * 100)} %`;
}
