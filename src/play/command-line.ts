/** The command that does on a terminal what the page does. */
import type { PlayState } from './state.js';

/** `migsim compare guest.yaml --memory fluid`, for the scenario in a file of the state's name. */
export function commandLine({ file, seed, exact }: PlayState, runs = 1): string {
  const words = ['migsim', 'compare', /^[\w.-]+$/.test(file) ? file : `'${file}'`];
  words.push('--memory', exact ? 'page' : 'fluid');
  if (seed !== 1) words.push('--seed', String(seed));
  if (runs > 1) words.push('--runs', String(runs));
  return words.join(' ');
}
