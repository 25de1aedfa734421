/** `migsim drain`: a host is emptied over one link. */
import { UsageError } from '../../errors.js';
import { defineOptions, type Command } from '../command.js';
import { experimentOptions, failUnlessOption, readScenario } from '../options/experiment-options.js';
import { read } from '../options/values.js';
import type { Scenario } from '../../scenario/scenario.js';

const MODES = ['serial', 'parallel'] as const;
const MOST_GUESTS = 10_000;

const options = defineOptions({
  mode: {
    kind: 'choice',
    choices: MODES,
    summary: 'serial (one after the other) or parallel (default: both)',
    value: 'MODE',
  },
  compare: { kind: 'flag', summary: 'Compare both modes, as without --mode' },
  parallel: {
    kind: 'count',
    min: 1,
    max: MOST_GUESTS,
    summary: 'Maximum concurrent migrations (default: all)',
    value: 'N',
  },
  copies: {
    kind: 'count',
    min: 1,
    max: MOST_GUESTS,
    default: 1,
    summary: 'Number of guests per scenario',
    value: 'N',
  },
  strategy: experimentOptions.strategy,
  'fail-unless': failUnlessOption,
  memory: experimentOptions.memory,
  seed: experimentOptions.seed,
  set: experimentOptions.set,
  json: experimentOptions.json,
});

export const drainCommand: Command = {
  positional: { name: 'scenarios', describe: 'Scenario file of each guest', takes: 'one or more' },
  options,
  examples: [
    ['drain web.yaml database.yaml', 'one after the other, and all at once'],
    ['drain guest.yaml --copies 8 --mode parallel --parallel 2', 'eight guests, two at a time'],
  ],
  async run(given) {
    const mode = read(given, options, 'mode');
    if (given.flag('compare') && mode !== undefined)
      throw new UsageError('--compare runs both modes; expected --compare without --mode');
    const copies = read(given, options, 'copies');
    const most = read(given, options, 'parallel');
    const scenarios: Scenario[] = [];
    for (const file of given.all('scenarios')) scenarios.push(await readScenario(given, file));
    const { drainAndPrint } = await import('../work/drain.js');
    await drainAndPrint(given, scenarios, { mode, copies, most });
  },
};
