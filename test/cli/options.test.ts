/** Command-line options are entries of the same tables as options of strategies: laws over all commands. */
import { describe, expect, test } from '@jest/globals';
import { loaded, optionsOf } from '../../src/cli/command.js';
import { commands } from '../../src/cli/main.js';
import { read } from '../../src/cli/options/values.js';
import type { OptionEntry } from '../../src/options/table.js';
import { readEntry } from '../../src/options/read.js';

const loadedCommands = [];
for (const entry of commands) loadedCommands.push(await loaded(entry));
const options = loadedCommands.flatMap((command) =>
  Object.entries(optionsOf(command)).map(([name, option]) => ({ command: command.name, name, option })),
);

/** What a command is given when its line has `--name text`. */
const withValue = (name: string, text: string | undefined): Parameters<typeof read>[0] =>
  ({ value: (asked: string) => (asked === name ? text : undefined) }) as Parameters<typeof read>[0];

describe('every option', () => {
  test('that takes a value names it, and a flag takes none', () => {
    for (const { command, name, option } of options)
      expect([command, name, option.value !== undefined]).toEqual([command, name, option.kind !== 'flag']);
  });

  test('with a default accepts it', () => {
    for (const { command, name, option } of options) {
      if (option.kind === 'text' || !('default' in option) || option.default === undefined) continue;
      const wrong: string[] = [];
      readEntry(option, option.default, (message) => wrong.push(message));
      expect([command, name, wrong]).toEqual([command, name, []]);
    }
  });

  // No kind of value takes a word that begins with a colon.
  test.each(options.filter(({ option }) => option.kind !== 'text' && option.kind !== 'flag'))(
    '$command --$name refuses a wrong value in one line that says what it takes',
    ({ name, option }) => {
      expect(() =>
        read(withValue(name, ':wrong'), { [name]: option } as Readonly<Record<string, OptionEntry>>, name),
      ).toThrow(/^(--[a-z-]+: .*expected .+|unknown [a-z ]+ ":wrong"; (expected|did you mean) .+)$/);
    },
  );
});
