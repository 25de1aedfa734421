/** `migsim list`: names with one sentence each. */
import { UsageError } from '../../errors.js';
import { wrap } from '../../report/terminal/kit/text.js';
import { KINDS } from '../options/kinds.js';
import { unknown } from '../../options/wording.js';
import type { Command } from '../command.js';
import { largest } from '../../stats/extremes.js';

export const listCommand: Command = {
  positional: { name: 'what', describe: KINDS.join(', '), completions: () => KINDS },
  options: {},
  examples: [
    ['list strategies', 'what --strategy takes'],
    ['list workloads', 'what a vCPU group can run'],
  ],
  async run(given) {
    const word = given.positional === 'hosts' ? 'host-profiles' : given.positional;
    const kind = KINDS.find((candidate) => candidate === word);
    if (kind === undefined) throw new UsageError(unknown('kind', given.positional, KINDS));
    const { entriesOf } = await import('../catalogue.js');
    const entries = entriesOf(kind);
    const longest = 2 + largest(entries.map((entry) => entry.name.length));
    // Next to names of half a line, such as paths in an installed package, sentences would be a column of single words.
    const below = longest > given.page.width / 2;
    const indent = below ? 4 : longest;
    for (const { name, summary } of entries) {
      const [first = '', ...rest] = wrap(summary, given.page.width - indent);
      const gap = below ? `\n${' '.repeat(indent)}` : ' '.repeat(indent - name.length);
      given.print(`${given.page.style.strong(name)}${gap}${first}\n`);
      for (const line of rest) given.print(`${' '.repeat(indent)}${line}\n`);
    }
  },
};
