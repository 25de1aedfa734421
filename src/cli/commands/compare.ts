/** `migsim compare`: strategies side by side on the same guest. */
import type { Command, Given } from '../command.js';
import { tableFormatOption, paperTable, readTableFormat } from '../options/table-format.js';
import {
  type Experiment,
  failUnlessMet,
  printDependences,
  printWritten,
  runExperiment,
} from '../experiment.js';
import {
  experimentOptions,
  readStrategy,
  runsOption,
  scenarioFile,
  strategyTexts,
} from '../options/experiment-options.js';
import { presetName, presetOption, runPreset } from './preset.js';
import { failUnlessOption } from '../options/fail-unless.js';
import { jsonReport } from '../../report/files/json.js';
import { runRows } from '../../report/files/rows.js';
import { bandRows } from '../../report/files/bands.js';
import { provenanceOf } from '../../report/files/provenance.js';
import { comparisonTable } from '../../report/terminal/table.js';

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
    const experiment = preset === null ? await runScenario(given) : await runPreset(given, preset);
    const { comparison, manifest } = experiment;
    if (given.flag('json')) {
      const results = comparison.strategies.flatMap((entry) => entry.results);
      given.print(jsonReport(manifest, results, false, bandRows(comparison)));
      return failUnlessMet(given, comparison);
    }
    if (format !== 'text') {
      const results = comparison.strategies.flatMap((entry) => entry.results);
      given.print(paperTable(format, runRows(results), provenanceOf(manifest)));
      return failUnlessMet(given, comparison);
    }
    given.print(`${comparisonTable(comparison, given.page)}\n`);
    // A preset compares scenarios of its own.
    if (preset === null) printDependences(given, comparison);
    printWritten(given, experiment);
    failUnlessMet(given, comparison);
  },
};

function runScenario(given: Given): Promise<Experiment> {
  return runExperiment(
    given,
    async (scenario) => {
      const named = strategyTexts(given).map((text) => readStrategy(text, scenario));
      return named.length > 0 ? Promise.all(named) : scenario.strategies;
    },
    { keep: 'scalars', timeline: false },
  );
}
