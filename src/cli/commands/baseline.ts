/** `migsim baseline`: outcomes that are kept, and later compared with. */
import { UsageError } from '../../errors.js';
import { unknown } from '../../options/wording.js';
import type { Command } from '../command.js';
import { ACTIONS, FOLDER, savedNames, TOLERANCE } from '../options/baseline-options.js';
import { experimentOptions, memoryOption, runsOption } from '../options/experiment-options.js';
import { scenarioFiles } from '../options/scenario-files.js';

export const baselineCommand: Command = {
  positional: {
    name: 'action',
    describe: 'save, or diff: run again and compare',
    completions: () => ACTIONS,
  },
  further: [
    { name: 'name', describe: `Name of the baseline, a file in ${FOLDER}/`, completions: savedNames },
    {
      ...scenarioFiles,
      describe: 'Scenario files or folders (default: scenarios/, or those of the saved baseline)',
    },
  ],
  alwaysWrites: true,
  options: {
    tolerance: {
      kind: 'text',
      summary: `diff: share by which an outcome may differ (default: ${TOLERANCE}), or MEASURE=SHARE; repeatable`,
      value: 'SHARE',
      repeatable: true,
    },
    runs: { ...runsOption, summary: 'save: repetitions of each strategy' },
    memory: { ...memoryOption, summary: `save: ${memoryOption.summary}` },
    seed: { ...experimentOptions.seed, summary: `save: ${lower(experimentOptions.seed.summary)}` },
  },
  examples: [
    ['baseline save shipped', 'all of scenarios/, into results/baselines/shipped.csv'],
    ['baseline diff shipped', 'exits with 1 when an outcome has changed'],
    ['baseline diff shipped --tolerance 5% --tolerance downtime=20%', 'looser tolerances'],
  ],
  async run(given) {
    const action = ACTIONS.find((candidate) => candidate === given.positional);
    if (action === undefined) throw new UsageError(unknown('action', given.positional, ACTIONS));
    const name = given.all('name')[0] ?? '';
    if (!/^[\w][\w.-]*$/.test(name))
      throw new UsageError(
        `${JSON.stringify(name)} is not a valid name; expected letters, digits, -, _ and dots`,
      );
    const { save, diff } = await import('../work/baseline.js');
    await (action === 'save' ? save(given, name) : diff(given, name));
  },
};

function lower(sentence: string): string {
  return `${sentence.slice(0, 1).toLowerCase()}${sentence.slice(1)}`;
}
