/** What yargs lets pass in silence. */
import { nearest } from '../suggest.js';
import type { Option } from './command.js';

/** Those that yargs adds. */
const BUILT_IN = ['help', 'version'];

/**
 * What is wrong with the options among `words`, or null: unknown ones, values that lack or are not wanted, repetitions.
 * yargs lets some of these pass in silence (`--json=x`, `--no-seed`, `--seed 1 --seed 2`).
 */
export function optionMistake(
  words: readonly string[],
  options: Readonly<Record<string, Option>>,
): string | null {
  const seen = new Set<string>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (word === '--') break;
    if (!word.startsWith('-') || /^-\d|^-$/.test(word)) continue;
    const [, dashes = '', name = '', value] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (dashes === '--' && BUILT_IN.includes(name)) continue;
    const positive = name.startsWith('no-') ? name.slice(3) : name;
    const option = dashes === '--' ? options[positive] : undefined;
    if (option === undefined || (positive !== name && option.value !== undefined)) {
      return unknownOption(`${dashes}${name}`, Object.keys(options));
    }
    if (option.value === undefined) {
      if (value !== undefined) return `--${name} takes no value`;
      continue;
    }
    if (seen.has(name) && option.repeatable !== true) return `--${name} is given twice; once is enough`;
    seen.add(name);
    const next = value ?? words[index + 1];
    if (next === undefined || next === '' || (value === undefined && next.startsWith('--'))) {
      return `--${name} needs a value: --${name} ${option.value}`;
    }
    if (value === undefined) index += 1;
  }
  return null;
}

function unknownOption(word: string, known: readonly string[]): string {
  const near = nearest(word.replace(/^-+/, ''), [...known, ...BUILT_IN]);
  const hint =
    near === undefined ? `known: ${known.map((name) => `--${name}`).join(', ')}` : `did you mean --${near}?`;
  return `unknown option ${word}; ${hint}`;
}
