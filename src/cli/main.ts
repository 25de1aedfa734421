/** The command line: a table of contents. Each command loads what it needs when it runs, so that --help is quick. */
import yargs, { type Argv, type ArgumentsCamelCase } from 'yargs';
import { UsageError } from '../errors.js';
import { version } from '../experiment/manifest.js';
import { baselineCommand } from './commands/baseline.js';
import { calibrateHostCommand } from './commands/calibrate-host.js';
import { checkCommand } from './commands/check.js';
import { type Command, describe, examplesText, globalOptions, positionalsOf, usageOf } from './command.js';
import { compareCommand } from './commands/compare.js';
import { complete } from './complete.js';
import { diffCommand } from './commands/diff.js';
import { drainCommand } from './commands/drain.js';
import { EXIT, endQuietlyOnBrokenPipe, endingOf } from './exit.js';
import { explainCommand } from './commands/explain.js';
import { initCommand } from './commands/init.js';
import { learnCommand } from './commands/learn.js';
import { listCommand } from './commands/list.js';
import { optionMistake } from './option-mistake.js';
import { mergeCommand } from './commands/merge.js';
import { plotCommand } from './commands/plot.js';
import { reportCommand } from './commands/report.js';
import { runCommand } from './commands/run.js';
import { sweepCommand } from './commands/sweep.js';
import { validateCommand } from './commands/validate.js';
import { unknown } from '../scenario/wording.js';
import { startProgress } from './progress.js';
import { type Environment, type Output, pageFor, widthOf } from './terminal.js';

/** In the order in which help shows them. A new command is a file in this folder and a line here. */
export const commands: readonly Command[] = [
  initCommand,
  compareCommand,
  runCommand,
  sweepCommand,
  mergeCommand,
  drainCommand,
  checkCommand,
  baselineCommand,
  diffCommand,
  plotCommand,
  reportCommand,
  learnCommand,
  validateCommand,
  calibrateHostCommand,
  listCommand,
  explainCommand,
];

const EXAMPLES: Command['examples'] = [
  ['compare scenarios/readers-and-writers.yaml', 'strategies side by side'],
  ['explain dirty-limit', 'what a strategy does'],
];

/** How the script that `migsim completion` prints asks: this, the program's name, the words so far. */
const COMPLETE = '--get-yargs-completions';

/** Where a command reads its surroundings and writes to: the process, or a test. */
export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
}

/** Runs the command that `words` (those after `migsim`) ask for, and returns the exit status. */
export async function main(words: readonly string[], around: Surroundings = process): Promise<number> {
  endQuietlyOnBrokenPipe(around.stdout);
  endQuietlyOnBrokenPipe(around.stderr);
  if (words[0] === COMPLETE) {
    const found = await complete(words.slice(2), commands);
    around.stdout.write(found.map((word) => `${word}\n`).join(''));
    return EXIT.done;
  }
  try {
    await parserFor(words.length === 0 ? ['--help'] : words, around).parseAsync();
    return EXIT.done;
  } catch (error) {
    const { status, message } = endingOf(error);
    around.stderr.write(message);
    return status;
  }
}

function parserFor(words: readonly string[], around: Surroundings): Argv {
  const parser = yargs([...words])
    .scriptName('migsim')
    .usage('$0 <command>\n\nA wind tunnel for QEMU/KVM live migration.')
    .version(version())
    .locale('en')
    .wrap(widthOf(around.stdout))
    // Option names stay as written, and values are text until migsim reads them.
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false, 'parse-numbers': false })
    .exitProcess(false)
    .showHelpOnFail(false)
    .strict()
    .demandCommand(1)
    .epilog(examplesText(EXAMPLES))
    .fail((message, error) => {
      throw error instanceof UsageError || message === null ? error : mistake(words, message);
    });
  for (const [name, option] of Object.entries(globalOptions)) {
    parser.option(name, { type: 'boolean', describe: option.describe });
  }
  for (const command of commands) {
    parser.command(
      usageOf(command),
      command.summary,
      (builder: Argv) => describe(command, builder),
      (parsed: ArgumentsCamelCase) => execute(command, parsed, words, around),
    );
  }
  return parser.completion(
    'completion',
    'Print a completion script for bash or zsh',
    (_current: string, _parsed: unknown) => complete(words, commands),
  );
}

async function execute(
  command: Command,
  parsed: Readonly<Record<string, unknown>>,
  words: readonly string[],
  { stdout, stderr, env }: Surroundings,
): Promise<void> {
  const wrong = optionMistake(words, { ...globalOptions, ...command.options });
  if (wrong !== null) throw new UsageError(wrong);
  const color = parsed['color'] as boolean | undefined;
  const values = (option: string): string[] => [parsed[option] ?? []].flat().map(String);
  const [first] = values(command.positional.name);
  await command.run({
    positional: first ?? '',
    all: values,
    words,
    page: await pageFor(stdout, color, env),
    progress: (total) => startProgress(stderr, total, env),
    values,
    value: (option) => values(option)[0],
    flag: (option) => parsed[option] === true,
    print: (text) => void stdout.write(text),
    warn: (text) => void stderr.write(`${text}\n`),
  });
}

/** What yargs found wrong, in our words: it says neither which option takes a value nor what was probably meant. */
function mistake(words: readonly string[], message: string): UsageError {
  const [name] = words.filter((word) => !word.startsWith('-'));
  const command = commands.find((candidate) => candidate.name === name);
  const names = [...commands.map((candidate) => candidate.name), 'completion'];
  if (command === undefined) {
    return name === undefined
      ? new UsageError(`no command given; known: ${names.join(', ')}`)
      : new UsageError(unknown('command', name, names));
  }
  const wrong = optionMistake(words, { ...globalOptions, ...command.options });
  if (wrong !== null) return new UsageError(wrong);
  const usage = `migsim ${usageOf(command)}`;
  if (message.startsWith('Not enough')) {
    const given = words.filter((word) => !word.startsWith('-')).length - 1;
    const lacking = positionalsOf(command)[given]?.name ?? command.positional.name;
    return new UsageError(`${command.name} lacks its ${lacking}: ${usage}`);
  }
  const extra = /^Unknown arguments?: (.+)$/.exec(message)?.[1];
  return new UsageError(extra === undefined ? message : `unexpected "${extra}" after ${usage}`);
}
