/** `migsim compare --preset`: guestperf's comparisons by their names. */
import { UsageError } from '../../errors.js';
import type { Given, Option } from '../command.js';

export const presetOption: Option = {
  kind: 'text',
  summary: "A comparison of QEMU's guestperf instead of a scenario, such as auto-converge-iters",
  value: 'NAME',
  completions: async () => Object.keys((await import('../../experiment/presets.js')).presets),
};

/** null when the user gave a scenario. Throws `UsageError` when it is both, or neither. */
export function presetName(given: Given): string | null {
  const name = given.value('preset');
  if (name === undefined) {
    if (given.positional !== '') return null;
    throw new UsageError('compare lacks its scenario: migsim compare <scenario>, or --preset NAME');
  }
  const option = ['strategy', 'policy'].find((candidate) => given.value(candidate) !== undefined);
  if (given.positional === '' && option === undefined) return name;
  const other = option === undefined ? 'a scenario' : `--${option}`;
  throw new UsageError(`--preset says what to compare, and so does ${other}; expected one of them`);
}
