/** `migsim calibrate-host`: one host profile from all recordings of a machine. */
import { UsageError } from '../../errors.js';
import { unknown } from '../../options/wording.js';
import { defineOptions, type Command } from '../command.js';
import { experimentOptions, runsOption } from '../options/experiment-options.js';
import { hostProfiles } from '../../guest/host-profiles/index.js';

const options = defineOptions({
  profile: {
    kind: 'text',
    summary: 'Host profile to start from',
    value: 'NAME',
    default: 'recordings-host',
    completions: () => Object.keys(hostProfiles),
  },
  runs: {
    ...runsOption,
    summary: 'Predictions per recording, each with different random numbers',
    default: 4,
  },
  memory: experimentOptions.memory,
  seed: experimentOptions.seed,
  out: {
    kind: 'text',
    summary: 'Write the profile to this file, as the host section of a scenario (JSON, which is YAML)',
    value: 'FILE',
  },
  json: { kind: 'flag', summary: 'Print JSON instead of text' },
});

export const calibrateHostCommand: Command = {
  positional: {
    name: 'recordings',
    describe: 'Recordings (JSON) of one machine, or folders of them',
    takes: 'one or more',
  },
  options,
  examples: [
    ['calibrate-host recordings', 'fit the costs of the host of the recordings'],
    ['calibrate-host mine/*.json --profile default --out host.json', 'fit your own machine'],
  ],
  async run(given) {
    const name = given.value('profile') ?? '';
    const start = hostProfiles[name];
    if (start === undefined) throw new UsageError(unknown('host profile', name, Object.keys(hostProfiles)));
    const { calibrateAndPrint } = await import('../work/calibrate-host.js');
    await calibrateAndPrint(given, name, start);
  },
};
