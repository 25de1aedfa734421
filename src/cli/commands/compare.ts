/** `migsim compare`: strategies side by side on the same guest. */
import type { Command } from '../command.js';
import { tableFormatOption, readTableFormat } from '../options/table-format.js';
import {
  experimentOptions,
  failUnlessOption,
  readScenario,
  runsOption,
  scenarioFile,
} from '../options/experiment-options.js';
import { presetName, presetOption } from '../options/preset.js';

export const compareCommand: Command = {
  positional: { ...scenarioFile, takes: 'none or one' },
  options: {
    ...experimentOptions,
    strategy: {
      ...experimentOptions.strategy,
      summary: `${experimentOptions.strategy.summary}; separate several by commas`,
      repeatable: true,
    },
    'fail-unless': failUnlessOption,
    preset: presetOption,
    runs: runsOption,
    ...tableFormatOption,
  },
  examples: [
    ['compare guest.yaml', 'the strategies it lists'],
    ['compare guest.yaml --strategy none,./mine.js', 'these strategies instead'],
    ['compare guest.yaml --runs 20 --out results/mine', 'mean and deviation, and CSV files'],
    ['compare --preset auto-converge-iters', "a comparison of QEMU's guestperf"],
    ['compare guest.yaml --format latex > table.tex', 'a table for a paper'],
  ],
  async run(given) {
    const format = readTableFormat(given);
    const preset = presetName(given);
    const what = preset ?? (await readScenario(given));
    const { compareAndPrint } = await import('../work/compare.js');
    await compareAndPrint(given, what, format);
  },
};
