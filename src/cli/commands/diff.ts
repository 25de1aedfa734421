/** `migsim diff`: what two results have not in common. */
import type { Command } from '../command.js';

export const diffCommand: Command = {
  positional: { name: 'first', describe: 'Results folder, folder#strategy or folder#strategy:run' },
  further: [
    {
      name: 'second',
      describe: 'Result to compare with; by default, the two strategies or runs of the first',
      takes: 'none or one',
    },
  ],
  options: {},
  examples: [
    ['diff results/monday results/tuesday', 'the same strategies, on two days'],
    ["diff 'results/mine#none' 'results/mine#dirty-limit'", 'two strategies of one folder'],
    ["diff 'results/mine#none:1' 'results/mine#none:2'", 'two runs'],
  ],
  async run(given) {
    const { readSide, twoSidesOf } = await import('../../report/terminal/diff-side.js');
    const { diffText } = await import('../../report/terminal/diff-text.js');
    const [second] = given.all('second');
    const sides =
      second === undefined
        ? twoSidesOf(given.positional)
        : ([readSide(given.positional), readSide(second)] as const);
    given.print(`${diffText(sides[0], sides[1], given.page)}\n`);
  },
};
