/** Help and the completion script, as yargs prints them. Loaded only where one of them is asked for. */
import yargs, { type Argv } from 'yargs';
import {
  type Command,
  type CommandEntry,
  type LoadedCommand,
  fallbackOf,
  globalOptions,
  positionalsOf,
} from './command.js';

const EXAMPLES: Command['examples'] = [
  ['compare scenarios/readers-and-writers.yaml', 'strategies side by side'],
  ['explain dirty-limit', 'what a strategy does'],
];

/** The help of one command, or of all when `command` is null. Lines have at most `width` columns. */
export function helpText(
  commands: readonly CommandEntry[],
  command: LoadedCommand | null,
  width: number,
): Promise<string> {
  const parser = parserFor(width).epilog(examplesText(EXAMPLES));
  for (const [name, option] of Object.entries(globalOptions)) {
    parser.option(name, { type: 'boolean', describe: option.summary });
  }
  for (const { name, usage, summary } of commands) {
    parser.command(usage, summary, (builder: Argv) =>
      command?.name === name ? describe(command, builder) : builder,
    );
  }
  parser.completion('completion', COMPLETION);
  return outputOf(parser, command === null ? ['--help'] : [command.name, '--help']);
}

/** For bash, or zsh where that is the shell. */
export function completionScript(): Promise<string> {
  return outputOf(parserFor(0).completion('completion', COMPLETION), ['completion']);
}

const COMPLETION = 'Print a completion script for bash or zsh';

function parserFor(width: number): Argv {
  return yargs([])
    .scriptName('migsim')
    .usage('$0 <command>\n\nA wind tunnel for QEMU/KVM live migration.')
    .locale('en')
    .wrap(width)
    .exitProcess(false);
}

function outputOf(parser: Argv, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    void parser.parse(words, (error: unknown, _parsed: unknown, output: string) => {
      if (error instanceof Error) reject(error);
      else resolve(output.trimEnd());
    });
  });
}

/** Registers a command with yargs. */
function describe(command: Command, parser: Argv): Argv {
  const { options, examples } = command;
  for (const { name, describe: what } of positionalsOf(command))
    parser.positional(name, { type: 'string', describe: what });
  for (const [name, option] of Object.entries(options)) {
    const written = fallbackOf(option);
    const fallback = written === undefined ? {} : { default: written };
    if (option.value === undefined) parser.option(name, { type: 'boolean', describe: option.summary });
    else parser.option(name, { type: 'string', requiresArg: true, describe: option.summary, ...fallback });
  }
  const everywhere = [...Object.keys(globalOptions), 'help', 'version'];
  parser.group(Object.keys(options), 'Options:').group(everywhere, 'Everywhere:');
  return parser.epilog(examplesText(examples));
}

/** The end of a help text. yargs would press command lines into half of the width. */
function examplesText(examples: Command['examples']): string {
  const lines = examples.flatMap(([line, what]) => [`  migsim ${line}`, `      ${what}`]);
  return ['Examples:', ...lines].join('\n');
}
