/** The command line: a table of contents. Each command is a module of src/cli/commands, loaded when it is asked for. */
import { UsageError } from '../errors.js';
import { version } from '../experiment/version.js';
import { unknown } from '../options/wording.js';
import {
  type CommandEntry,
  type Given,
  type LoadedCommand,
  globalOptions,
  fallbackOf,
  loaded,
} from './command.js';
import { complete } from './complete.js';
import { EXIT, endOnSignals, endQuietlyOnBrokenPipe, watchEarlyEnd, endingOf } from './exit.js';
import { startProgress, startStatusLine } from './progress.js';
import { type Environment, type Output, pageFor, widthOf } from './terminal.js';
import { commandAt, optionMistake, readWords, tokensOf } from './words.js';

/** In the order in which help shows them. A new command is a file in ./commands and an entry here. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'init',
    usage: 'init [file]',
    summary: 'Write a commented scenario to start from',
    load: async () => (await import('./commands/init.js')).initCommand,
  },
  {
    name: 'compare',
    usage: 'compare [scenario]',
    summary: 'Compare strategies on the same guest',
    load: async () => (await import('./commands/compare.js')).compareCommand,
  },
  {
    name: 'run',
    usage: 'run <scenario>',
    summary: 'Run one strategy and show what happened',
    load: async () => (await import('./commands/run.js')).runCommand,
  },
  {
    name: 'sweep',
    usage: 'sweep <file>',
    summary: 'Run strategies over all combinations of varied values',
    load: async () => (await import('./commands/sweep.js')).sweepCommand,
  },
  {
    name: 'search',
    usage: 'search <scenario> [key]',
    summary: 'Find the smallest, largest or best value for which a condition holds',
    load: async () => (await import('./commands/search.js')).searchCommand,
  },
  {
    name: 'advise',
    usage: 'advise <files..>',
    summary: 'Say whether a migration will finish, and what to change where it will not',
    load: async () => (await import('./commands/advise.js')).adviseCommand,
  },
  {
    name: 'merge',
    usage: 'merge <folders..>',
    summary: 'Merge the shards of a sweep',
    load: async () => (await import('./commands/merge.js')).mergeCommand,
  },
  {
    name: 'drain',
    usage: 'drain <scenarios..>',
    summary: 'Empty a host: several guests over one link',
    load: async () => (await import('./commands/drain.js')).drainCommand,
  },
  {
    name: 'check',
    usage: 'check [files..]',
    summary: 'Run scenarios and check their expectations',
    load: async () => (await import('./commands/check.js')).checkCommand,
  },
  {
    name: 'baseline',
    usage: 'baseline <action> <name> [files..]',
    summary: 'Save scenario outcomes and detect later changes',
    load: async () => (await import('./commands/baseline.js')).baselineCommand,
  },
  {
    name: 'diff',
    usage: 'diff <first> [second]',
    summary: 'Describe how two results and their parameters differ',
    load: async () => (await import('./commands/diff.js')).diffCommand,
  },
  {
    name: 'plot',
    usage: 'plot <results>',
    summary: 'Draw figures from result files',
    load: async () => (await import('./commands/plot.js')).plotCommand,
  },
  {
    name: 'report',
    usage: 'report <results>',
    summary: 'Make an HTML page from a results folder, or a table for a paper',
    load: async () => (await import('./commands/report.js')).reportCommand,
  },
  {
    name: 'play',
    usage: 'play [scenario]',
    summary: 'Write the wind tunnel as one HTML page, to try values in a browser',
    load: async () => (await import('./commands/play.js')).playCommand,
  },
  {
    name: 'learn',
    usage: 'learn <logs..>',
    summary: 'Learn a guest from its migration log',
    load: async () => (await import('./commands/learn.js')).learnCommand,
  },
  {
    name: 'measure',
    usage: 'measure <socket>',
    summary: 'Measure a running guest through its QEMU, and write it as a scenario',
    load: async () => (await import('./commands/measure.js')).measureCommand,
  },
  {
    name: 'record',
    usage: 'record <socket>',
    summary: 'Record a migration through its QEMU',
    load: async () => (await import('./commands/record.js')).recordCommand,
  },
  {
    name: 'validate',
    usage: 'validate <recordings..>',
    summary: 'Predict real migrations and compare with the measurements',
    load: async () => (await import('./commands/validate.js')).validateCommand,
  },
  {
    name: 'calibrate-host',
    usage: 'calibrate-host <recordings..>',
    summary: 'Fit one host profile to all recordings of a machine',
    load: async () => (await import('./commands/calibrate-host.js')).calibrateHostCommand,
  },
  {
    name: 'qmp',
    usage: 'qmp <scenario>',
    summary: 'Stand in for QEMU: answer QMP as the simulated guest would',
    load: async () => (await import('./commands/qmp.js')).qmpCommand,
  },
  {
    name: 'list',
    usage: 'list <what>',
    summary: 'List strategies, policies, workloads, scenarios or host profiles',
    load: async () => (await import('./commands/list.js')).listCommand,
  },
  {
    name: 'explain',
    usage: 'explain <name>',
    summary: 'Explain a strategy, policy or workload: its rule, options and source',
    load: async () => (await import('./commands/explain.js')).explainCommand,
  },
];

/** How the script that `migsim completion` prints asks: this, the program's name, the words so far. */
const COMPLETE = '--get-yargs-completions';

/** Where a command reads its environment and writes to: the process, or a test. */
export interface Streams {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
}

/** Runs the command that `words` (those after `migsim`) ask for, and returns the exit status. */
export async function main(words: readonly string[], streams: Streams = process): Promise<number> {
  endQuietlyOnBrokenPipe(streams.stdout);
  endQuietlyOnBrokenPipe(streams.stderr);
  const over = watchEarlyEnd();
  try {
    if (words[0] === COMPLETE) {
      const found = await complete(words.slice(2), commands);
      streams.stdout.write(found.map((word) => `${word}\n`).join(''));
    } else {
      await answer(words, streams);
    }
    return EXIT.done;
  } catch (error) {
    const { status, message } = endingOf(error);
    streams.stderr.write(message);
    return status;
  } finally {
    over();
  }
}

async function answer(words: readonly string[], streams: Streams): Promise<void> {
  const print = (text: string): void => void streams.stdout.write(`${text}\n`);
  const name = words[commandAt(words)];
  const end = words.indexOf('--');
  const asks = (option: string): boolean => words.slice(0, end < 0 ? undefined : end).includes(option);
  if (asks('--version')) return print(version());
  const entry = commands.find((candidate) => candidate.name === name);
  if (words.length === 0 || asks('--help')) {
    const { helpText } = await import('./help.js');
    const command = entry === undefined ? null : await loaded(entry);
    return print(await helpText(commands, command, widthOf(streams.stdout)));
  }
  if (name === 'completion') {
    const { completionScript } = await import('./help.js');
    return print(await completionScript());
  }
  if (entry === undefined) throw noSuchCommand(words, name);
  await execute(await loaded(entry), words, streams);
}

function noSuchCommand(words: readonly string[], name: string | undefined): UsageError {
  const names = [...commands.map((candidate) => candidate.name), 'completion'];
  if (name !== undefined) return new UsageError(unknown('command', name, names));
  const wrong = optionMistake(tokensOf(words, globalOptions), globalOptions);
  return new UsageError(wrong ?? `no command given; known: ${names.join(', ')}`);
}

async function execute(
  command: LoadedCommand,
  words: readonly string[],
  { stdout, stderr, env }: Streams,
): Promise<void> {
  const { positionals, values, switches, recorded } = readWords(words, command);
  const valuesOf = (option: string): readonly string[] => {
    const known = command.options[option];
    const fallback = known === undefined ? undefined : fallbackOf(known);
    return values.get(option) ?? (fallback === undefined ? [] : [fallback]);
  };
  const all = (positional: string): readonly string[] => positionals[positional] ?? [];
  const shown: { end(): void }[] = [];
  const given: Given = {
    positional: all(command.positional.name)[0] ?? '',
    all,
    recorded,
    page: await pageFor(stdout, switches.get('color'), env),
    progress(total) {
      const progress = startProgress(stderr, total, env);
      shown.push(progress);
      return progress;
    },
    status() {
      const line = startStatusLine(stderr, env, widthOf(stderr));
      shown.push(line);
      return line;
    },
    values: valuesOf,
    value: (option) => valuesOf(option)[0],
    flag: (option) => switches.get(option) === true,
    has: (option) => values.has(option) || switches.has(option),
    print: (text) => void stdout.write(text),
    warn: (text) => void stderr.write(`${text}\n`),
  };
  const endProgress = (): void => {
    for (const progress of shown) progress.end();
  };
  const over = command.hearsSignals === true ? () => undefined : endOnSignals(stderr, endProgress);
  try {
    await command.run(given);
  } finally {
    // Even when the run throws: before its message.
    endProgress();
    over();
  }
}
