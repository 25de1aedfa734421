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
    const indent = 2 + largest(entries.map((entry) => entry.name.length));
    for (const { name, summary } of entries) {
      const [first = '', ...rest] = wrap(summary, given.page.width - indent);
      given.print(`${given.page.style.strong(name)}${' '.repeat(indent - name.length)}${first}\n`);
      for (const line of rest) given.print(`${' '.repeat(indent)}${line}\n`);
    }
  },
};
