/** The words of a command line, read once: for running it, for what is wrong with it, for manifests and for completion. */
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.js';
import { nearest } from '../suggest.js';
import { type LoadedCommand, type Options, globalOptions, optionsOf, positionalsOf } from './command.js';

/** One word, or an option with its value, in the order in which they were given. */
export type Token =
  | { readonly kind: 'positional'; readonly text: string; readonly words: readonly string[] }
  | {
      readonly kind: 'option';
      /** Without dashes, and without the `no-` of a switch. */
      readonly name: string;
      /** As written, with dashes. */
      readonly written: string;
      /** Undefined when there is none. */
      readonly value: string | undefined;
      /** `--name=value` instead of `--name value`. */
      readonly inline: boolean;
      /** Of a switch: false for `--no-name`. */
      readonly on: boolean;
      readonly words: readonly string[];
    };

/** Those that every command has in addition to its own and the global ones. */
export const BUILT_IN = ['help', 'version'];

/** Where the name of the command stands among the words, -1 when there is none. Options before it take no value. */
export function commandAt(words: readonly string[]): number {
  return words.findIndex((word) => !word.startsWith('-'));
}

/** The words before or after the name of a command. An option that takes a value takes the next word, whatever it is. */
export function tokensOf(words: readonly string[], options: Options): Token[] {
  const known = Object.entries(options).map(
    ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' } as const] as const,
  );
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(known),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens.flatMap((token): Token[] => {
    if (token.kind === 'option-terminator') return [];
    if (token.kind === 'positional') {
      return [{ kind: 'positional', text: token.value, words: [token.value] }];
    }
    const { index, rawName, value, inlineValue = false } = token;
    const positive = rawName.startsWith('--no-') ? token.name.slice(3) : token.name;
    const isNegated = positive !== token.name && options[positive]?.value === undefined;
    const width = value !== undefined && !inlineValue ? 2 : 1;
    return [
      {
        kind: 'option',
        name: isNegated ? positive : token.name,
        written: rawName,
        value,
        inline: inlineValue,
        on: !isNegated,
        words: words.slice(index, index + width),
      },
    ];
  });
}

/** What is wrong with the options, or null: unknown ones, values that lack or are not wanted, repetitions. */
export function optionMistake(tokens: readonly Token[], options: Options): string | null {
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind === 'positional') continue;
    const { name, written, value, inline } = token;
    const isLong = written.startsWith('--');
    if (isLong && BUILT_IN.includes(name)) continue;
    const option = isLong ? options[name] : undefined;
    if (option === undefined) return unknownOption(written, Object.keys(options));
    if (option.value === undefined) {
      if (value !== undefined) return `${written} takes no value`;
      continue;
    }
    if (seen.has(name) && option.repeatable !== true) return `--${name} is given twice; once is enough`;
    seen.add(name);
    if (value === undefined || value === '' || (!inline && value.startsWith('--'))) {
      return `--${name} needs a value: --${name} ${option.value}`;
    }
  }
  return null;
}

function unknownOption(word: string, known: readonly string[]): string {
  const near = nearest(word.replace(/^-+/, ''), [...known, ...BUILT_IN]);
  const hint =
    near === undefined ? `known: ${known.map((name) => `--${name}`).join(', ')}` : `did you mean --${near}?`;
  return `unknown option ${word}; ${hint}`;
}

/** A command line that can be run. */
export interface ReadWords {
  readonly positionals: Readonly<Record<string, readonly string[]>>;
  /** Those given, in order; a switch has none. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly switches: ReadonlyMap<string, boolean>;
  readonly recorded: readonly string[];
}

/** Throws `UsageError`: a mistake in the options, a positional that lacks, one too many. */
export function readWords(words: readonly string[], command: LoadedCommand): ReadWords {
  const options = optionsOf(command);
  const at = commandAt(words);
  const before = tokensOf(words.slice(0, at), globalOptions);
  const tokens = [...before, ...tokensOf(words.slice(at + 1), options)];
  const wrong = optionMistake(tokens, options);
  if (wrong !== null) throw new UsageError(wrong);
  const values = new Map<string, string[]>();
  const switches = new Map<string, boolean>();
  for (const token of tokens) {
    if (token.kind === 'positional') continue;
    if (token.value === undefined) switches.set(token.name, token.on);
    else values.set(token.name, [...(values.get(token.name) ?? []), token.value]);
  }
  return {
    positionals: positionalsIn(tokens, command),
    values,
    switches,
    recorded: [command.name, ...tokens.filter((token) => isRecorded(token, options)).flatMap(wordsOf)],
  };
}

function isRecorded(token: Token, options: Options): boolean {
  return token.kind === 'positional' || options[token.name]?.affectsResult !== false;
}

const wordsOf = ({ words }: Token): readonly string[] => words;

function positionalsIn(tokens: readonly Token[], command: LoadedCommand): ReadWords['positionals'] {
  const left = tokens.flatMap((token) => (token.kind === 'positional' ? [token.text] : []));
  const found: Record<string, readonly string[]> = {};
  for (const { name, takes = 'one' } of positionalsOf(command)) {
    const isSeveral = takes === 'one or more' || takes === 'any number';
    const taken = left.splice(0, isSeveral ? left.length : 1);
    if (taken.length === 0 && (takes === 'one' || takes === 'one or more')) {
      throw new UsageError(`${command.name} lacks its ${name}: migsim ${command.usage}`);
    }
    found[name] = taken;
  }
  if (left.length > 0) {
    throw new UsageError(`unexpected "${left.join(', ')}" after migsim ${command.usage}`);
  }
  return found;
}
