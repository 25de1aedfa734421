/** `migsim validate`: real migrations, predicted versus measured. */
import { UsageError } from '../../errors.js';
import { defineOptions, type Command } from '../command.js';
import { experimentOptions, runsOption } from '../options/experiment-options.js';

const options = defineOptions({
  runs: {
    ...runsOption,
    summary: 'Predictions per recording, each with different random numbers',
    default: 10,
  },
  memory: experimentOptions.memory,
  seed: experimentOptions.seed,
  json: { kind: 'flag', summary: 'Print one JSON object per recording instead of text' },
  csv: { kind: 'flag', summary: 'Print CSV instead of text' },
  plot: {
    kind: 'text',
    summary: 'Plot predicted versus measured values, with lines at 10 %, to this .svg or .png file',
    value: 'FILE',
  },
});

export const validateCommand: Command = {
  positional: {
    name: 'recordings',
    describe: 'Recordings (JSON) or folders of them; or one of migsim record and a scenario of its guest',
    takes: 'one or more',
  },
  options,
  examples: [
    ['validate run.jsonl guest.yaml', 'predicted before (measure), measured after (record)'],
    ['validate recordings', 'migrations under KVM that come with migsim'],
    ['validate recordings/tcg', 'those without it: XBZRLE, multifd, post-copy and more'],
    ['validate recordings/T05.json --runs 50', 'one of them, closely'],
    ['validate recordings --csv > validation.csv', 'for a spreadsheet'],
    ['validate recordings --plot predicted.svg', 'as a figure'],
  ],
  async run(given) {
    if (given.flag('json') && given.flag('csv')) throw new UsageError('--json and --csv exclude each other');
    const { validateAndPrint } = await import('../work/validate.js');
    await validateAndPrint(given);
  },
};
