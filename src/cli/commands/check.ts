/** `migsim check`: whether scenarios do what they say. */
import type { Command } from '../command.js';
import {
  experimentOptions,
  memoryOption,
  noteReading,
  readMemoryChoice,
  readRuns,
  readSeed,
  runsOption,
} from '../options/experiment-options.js';
import { loadAll, namedFiles, scenarioFiles } from '../options/scenario-files.js';

export const checkCommand: Command = {
  positional: scenarioFiles,
  options: {
    runs: runsOption,
    memory: memoryOption,
    seed: experimentOptions.seed,
    junit: {
      kind: 'text',
      summary: 'Write a JUnit report for a CI system there',
      value: 'FILE',
      affectsResult: false,
    },
    verbose: { kind: 'flag', summary: 'Also print the expectations that hold', affectsResult: false },
  },
  examples: [
    ['check', 'everything in scenarios/'],
    ['check guest.yaml --runs 20', 'quantiles such as p90(total-time) need runs'],
    ['check --junit results/check.xml', 'exits with 1 when an expectation fails'],
  ],
  async run(given) {
    const options = {
      memory: readMemoryChoice(given),
      runs: readRuns(given),
      seed: readSeed(given),
    };
    const files = namedFiles(given.all('files'));
    const scenarios = await loadAll(files, async () => (await import('../../api/check.js')).refuseUnreadable);
    for (const scenario of scenarios) noteReading(given, scenario);
    const { checkAndPrint } = await import('../work/check.js');
    await checkAndPrint(given, files, scenarios, options);
  },
};
