/** `migsim sweep`: an experiment over all combinations of varied values, of any size. */
import type { Command } from '../command.js';
import { readScenario } from '../options/experiment-options.js';
import { sweepOptions } from '../options/sweep-options.js';
import { readText, SWEEP_OR_SCENARIO } from '../../scenario/read-text.js';

export const sweepCommand: Command = {
  positional: { name: 'file', describe: 'Scenario or sweep file (YAML)' },
  options: sweepOptions,
  examples: [
    ['sweep guest.yaml --vary link.bandwidth=1Gbit/s,10Gbit/s', 'two cells'],
    [
      'sweep guest.yaml --vary guest.memory=4GiB..1TiB:9:log --strategy all --runs 20 --out results/mine',
      'nine cells',
    ],
    ['sweep sweeps/link-and-memory.yaml --out results/mine', 'an experiment kept as a file'],
  ],
  async run(given) {
    const text = readText(given.positional, SWEEP_OR_SCENARIO);
    const { parseSweepFile } = await import('../../scenario/sweep-file.js');
    const file = parseSweepFile(text, given.positional) ?? (await readScenario(given));
    const { sweepAndPrint } = await import('../work/sweep.js');
    await sweepAndPrint(given, file);
  },
};
