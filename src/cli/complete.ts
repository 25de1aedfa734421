/** Words for the shell's completion. Without any, the shell offers files. */
import { type CommandEntry, loaded, optionsOf, positionalsOf, wordsOf } from './command.js';
import { tokensOf } from './words.js';

/** `line`: the words after `migsim` so far, the unfinished one last. */
export async function complete(
  line: readonly string[],
  commands: readonly CommandEntry[],
): Promise<string[]> {
  const current = line.at(-1) ?? '';
  const entry = commands.find((candidate) => candidate.name === line[0]);
  if (entry === undefined || line.length < 2) {
    return begin(current, [...commands.map((candidate) => candidate.name), 'completion']);
  }
  const command = await loaded(entry);
  const options = optionsOf(command);
  const tokens = tokensOf(line.slice(1, -1), options);
  const last = tokens.at(-1);
  const option = last?.kind === 'option' && last.value === undefined ? options[last.name] : undefined;
  if (option?.value !== undefined) return begin(current, await wordsOf(option));
  if (current.startsWith('-')) {
    return begin(
      current,
      Object.keys(options).map((name) => `--${name}`),
    );
  }
  const positionals = positionalsOf(command);
  const given = tokens.filter(({ kind }) => kind === 'positional').length;
  const positional = positionals[Math.min(given, positionals.length - 1)];
  return begin(current, (await positional?.completions?.()) ?? []);
}

function begin(start: string, candidates: readonly string[]): string[] {
  return candidates.filter((candidate) => candidate.startsWith(start));
}
