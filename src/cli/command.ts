/**
 * How a command is made: its words, options and examples as data, and a function that runs it.
 * The words of a command line are read in src/cli/words.ts; yargs prints help (src/cli/help.ts).
 */
import type { EntryBase, OptionEntry } from '../options/table.js';
import type { Page } from '../report/terminal/kit/style.js';
import type { Progress, StatusLine } from './progress.js';

/** Text that the command itself reads, such as the name of a file. */
export interface TextEntry extends EntryBase {
  readonly kind: 'text';
  readonly default?: string;
}

/** An entry of a table, and what only a command line has. */
export type Option = (OptionEntry | TextEntry) & {
  /** What its value is called, such as `N` or `FOLDER`; a flag has none. */
  readonly value?: string;
  /** What a word of a choice is called when it is refused; when left out, as the option. */
  readonly called?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  /** Words for shell completion and "did you mean". */
  readonly completions?: () => readonly string[] | Promise<readonly string[]>;
  /**
   * False for options that change only where the output goes, how it looks or how fast it comes. The manifest of an
   * experiment does not record them.
   */
  readonly affectsResult?: false;
};

export type Options = Readonly<Record<string, Option>>;

/** Keeps the types of the entries, so that `read` knows what they are read as. */
export function defineOptions<const Table extends Options>(options: Table): Table {
  return options;
}

export interface Positional {
  readonly name: string;
  readonly describe: string;
  /** How many words it takes; exactly one when left out. */
  readonly takes?: 'one' | 'none or one' | 'one or more' | 'any number';
  readonly completions?: Option['completions'];
}

export interface Command {
  readonly positional: Positional;
  /** Those after it; only the last may take several words, or none. */
  readonly further?: readonly Positional[];
  readonly options: Options;
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

export const globalOptions: Options = {
  color: { kind: 'flag', summary: 'Colour the output (--no-color to disable)', affectsResult: false },
};

/** Its default as users write it; undefined where it has none. */
export function fallbackOf(option: Option): string | undefined {
  const fallback = 'default' in option ? option.default : undefined;
  return typeof fallback === 'string' || typeof fallback === 'number' ? String(fallback) : undefined;
}

/** Words for completion. */
export async function wordsOf(option: Option): Promise<readonly string[]> {
  return (await option.completions?.()) ?? (option.kind === 'choice' ? option.choices : []);
}

export function optionsOf(command: Command): Options {
  return { ...globalOptions, ...command.options };
}

export function positionalsOf(command: Command): readonly Positional[] {
  return [command.positional, ...(command.further ?? [])];
}
