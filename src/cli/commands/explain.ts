/** `migsim explain`: what everything is that has a name. */
import type { Command } from '../command.js';

export const explainCommand: Command = {
  positional: {
    name: 'name',
    describe: 'Its name, as `list` shows it, or ./file.js',
    completions: async () => (await import('../work/explain.js')).names(),
  },
  options: {},
  examples: [
    ['explain auto-converge', 'the rule in words'],
    ['explain ./mine.js', 'your own strategy'],
    ['explain migration.downtime-limit', 'a key of scenario files'],
  ],
  async run(given) {
    const { explain } = await import('../work/explain.js');
    await explain(given);
  },
};
