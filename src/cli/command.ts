/**
 * How a command is made: its words, options and examples as data, and a function that runs it.
 * The words of a command line are read in src/cli/words.ts; yargs prints help (src/cli/help.ts).
 */
import type { Page } from '../report/terminal/style.js';
import type { Progress, StatusLine } from './progress.js';

export interface Option {
  readonly describe: string;
  /** What its value is, such as `N` or `FOLDER`; without it, the option is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  readonly default?: string;
  /** Words for shell completion and "did you mean". */
  readonly words?: () => readonly string[];
  /**
   * False for options that change only where the output goes, how it looks or how fast it comes. The manifest of an
   * experiment does not record them.
   */
  readonly affectsResult?: false;
}

export interface Positional {
  readonly name: string;
  readonly describe: string;
  /** How many words it takes; exactly one when left out. */
  readonly takes?: 'one' | 'none or one' | 'one or more' | 'any number';
  readonly words?: Option['words'];
}

export interface Command {
  readonly positional: Positional;
  /** Those after it; only the last may take several words, or none. */
  readonly further?: readonly Positional[];
  readonly options: Readonly<Record<string, Option>>;
  /** Writes files without an option that asks for one. */
  readonly alwaysWrites?: true;
  /** Ends in an order of its own when a signal comes. */
  readonly hearsSignals?: true;
  /** At least two: a command line without `migsim`, and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  run(given: Given): Promise<void> | void;
}

/** What is known of a command before its module is loaded. */
export interface CommandEntry {
  readonly name: string;
  /** `baseline <action> <name> [files..]`: the name, and what its positionals take. */
  readonly usage: string;
  readonly summary: string;
  load(): Promise<Command>;
}

export type LoadedCommand = CommandEntry & Command;

export async function loaded(entry: CommandEntry): Promise<LoadedCommand> {
  return { ...entry, ...(await entry.load()) };
}

/** What the user gave, and where the answer goes. */
export interface Given {
  /** The first positional argument; empty when it may be left out and was. */
  readonly positional: string;
  /** All words of the positional argument of that name. */
  all(positional: string): readonly string[];
  /** The words after `migsim` that decide the results, for a manifest. */
  readonly recorded: readonly string[];
  readonly page: Page;
  /** As given, else the default. */
  value(option: string): string | undefined;
  values(option: string): readonly string[];
  flag(option: string): boolean;
  /** Whether the command line has the option. */
  has(option: string): boolean;
  print(text: string): void;
  /** One line on stderr. */
  warn(text: string): void;
  /** Shows on stderr how many of `total` runs are done. */
  progress(total: number): Progress;
  /** Shows on stderr how something stands that has no known end. */
  status(): StatusLine;
}

export const globalOptions: Readonly<Record<string, Option>> = {
  color: { describe: 'Colour the output (--no-color to disable)', affectsResult: false },
};

export function optionsOf(command: Command): Readonly<Record<string, Option>> {
  return { ...globalOptions, ...command.options };
}

export function positionalsOf(command: Command): readonly Positional[] {
  return [command.positional, ...(command.further ?? [])];
}
