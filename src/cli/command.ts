/**
 * How a command is made: its words, options and examples as data, and a function that runs it.
 * yargs parses, prints help and completes; what users are told about a mistake is worded here.
 */
import type { Argv } from 'yargs';
import type { Page } from '../report/terminal/style.js';
import type { Progress } from './progress.js';

export interface Option {
  readonly describe: string;
  /** What its value is, such as `N` or `FOLDER`; without it, the option is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  readonly default?: string;
  /** Words for shell completion and "did you mean". */
  readonly words?: () => Promise<readonly string[]> | readonly string[];
}

export interface Positional {
  readonly name: string;
  readonly describe: string;
  /** How many words it takes; exactly one when left out. */
  readonly takes?: 'one' | 'none or one' | 'one or more' | 'any number';
  readonly words?: Option['words'];
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly positional: Positional;
  /** Those after it; only the last may take several words, or none. */
  readonly further?: readonly Positional[];
  readonly options: Readonly<Record<string, Option>>;
  /** At least two: a command line without `migsim`, and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  run(given: Given): Promise<void> | void;
}

/** What the user gave, and where the answer goes. */
export interface Given {
  /** The first positional argument; empty when it may be left out and was. */
  readonly positional: string;
  /** All words of the positional argument of that name. */
  all(positional: string): readonly string[];
  /** The words after `migsim`. */
  readonly words: readonly string[];
  readonly page: Page;
  value(option: string): string | undefined;
  values(option: string): readonly string[];
  flag(option: string): boolean;
  print(text: string): void;
  /** One line on stderr. */
  warn(text: string): void;
  /** Shows on stderr how many of `total` runs are done. */
  progress(total: number): Progress;
}

export const globalOptions: Readonly<Record<string, Option>> = {
  color: { describe: 'Colour the output; --no-color never does' },
};

export function positionalsOf(command: Command): readonly Positional[] {
  return [command.positional, ...(command.further ?? [])];
}

const FORMS: Readonly<Record<NonNullable<Positional['takes']>, (name: string) => string>> = {
  one: (name) => `<${name}>`,
  'none or one': (name) => `[${name}]`,
  'one or more': (name) => `<${name}..>`,
  'any number': (name) => `[${name}..]`,
};

/** `baseline <action> <name> [files..]`, which is also the form that yargs reads. */
export function usageOf(command: Command): string {
  const words = positionalsOf(command).map(({ name, takes = 'one' }) => FORMS[takes](name));
  return [command.name, ...words].join(' ');
}

/** Tells yargs of a command. */
export function describe(command: Command, parser: Argv): Argv {
  const { options, examples } = command;
  for (const { name, describe: what } of positionalsOf(command))
    parser.positional(name, { type: 'string', describe: what });
  for (const [name, option] of Object.entries(options)) {
    const fallback = option.default === undefined ? {} : { default: option.default };
    if (option.value === undefined) parser.option(name, { type: 'boolean', describe: option.describe });
    else parser.option(name, { type: 'string', requiresArg: true, describe: option.describe, ...fallback });
  }
  const everywhere = [...Object.keys(globalOptions), 'help', 'version'];
  parser.group(Object.keys(options), 'Options:').group(everywhere, 'Everywhere:');
  return parser.epilog(examplesText(examples));
}

/** The end of a help text. yargs would press command lines into half of the width. */
export function examplesText(examples: Command['examples']): string {
  const lines = examples.flatMap(([line, what]) => [`  migsim ${line}`, `      ${what}`]);
  return ['Examples:', ...lines].join('\n');
}
