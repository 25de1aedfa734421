/** Words for the shell's completion. Without any, the shell offers files. */
import { type Command, type Option, globalOptions } from './command.js';

/** `words`: the line so far, as yargs hands it over, the unfinished word last. */
export async function complete(words: readonly string[], commands: readonly Command[]): Promise<string[]> {
  const line = words.filter((word) => word !== '--get-yargs-completions' && word !== 'migsim');
  const current = line.at(-1) ?? '';
  const command = commands.find((candidate) => candidate.name === line[0]);
  if (command === undefined || line.length < 2) {
    return begin(current, [...commands.map((candidate) => candidate.name), 'completion']);
  }
  const options: Readonly<Record<string, Option>> = { ...globalOptions, ...command.options };
  const before = line.at(-2) ?? '';
  const option = before.startsWith('--') ? options[before.slice(2)] : undefined;
  if (option?.value !== undefined) return begin(current, (await option.words?.()) ?? []);
  if (current.startsWith('-'))
    return begin(
      current,
      Object.keys(options).map((name) => `--${name}`),
    );
  return begin(current, (await command.positional.words?.()) ?? []);
}

function begin(start: string, candidates: readonly string[]): string[] {
  return candidates.filter((candidate) => candidate.startsWith(start));
}
