/** Words for the shell's completion. Without any, the shell offers files. */
import { type Command, type Option, globalOptions, positionalsOf } from './command.js';

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
  const positionals = positionalsOf(command);
  const given = wordsBefore(line.slice(1, -1), options);
  const positional = positionals[Math.min(given, positionals.length - 1)];
  return begin(current, (await positional?.words?.()) ?? []);
}

/** How many of `words` are positional arguments: neither options nor their values. */
function wordsBefore(words: readonly string[], options: Readonly<Record<string, Option>>): number {
  const isValue = (index: number): boolean => {
    const word = words[index - 1] ?? '';
    return word.startsWith('--') && options[word.slice(2)]?.value !== undefined;
  };
  return words.filter((word, index) => !word.startsWith('-') && !isValue(index)).length;
}

function begin(start: string, candidates: readonly string[]): string[] {
  return candidates.filter((candidate) => candidate.startsWith(start));
}
