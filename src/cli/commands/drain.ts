/** `migsim drain`: a host is emptied over one link. */
import { nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import type { DrainGuest } from '../../experiment/drain.js';
import type { MigrationResult } from '../../migration/result.js';
import { defineOptions, type Command } from '../command.js';
import {
  experimentOptions,
  noteReading,
  readMemory,
  readSeed,
  oneStrategy,
} from '../options/experiment-options.js';
import { refuseUnreadableDemands, unmetInRun } from '../../experiment/expect/fail-unless.js';
import { demandMeasures, failUnlessKept, failUnlessOption, readDemands } from '../options/fail-unless.js';
import { loadScenario } from '../../scenario/load.js';
import type { DrainTask } from '../long-tasks.js';
import { longWork } from '../long-work.js';
import { drainText } from '../../report/terminal/drain-text.js';
import { read } from '../options/values.js';

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
    const word = read(given, options, 'mode');
    if (given.flag('compare') && word !== undefined)
      throw new UsageError('--compare runs both modes; expected --compare without --mode');
    const copies = read(given, options, 'copies');
    const guests: DrainGuest[] = [];
    const tasks: DrainTask['guests'][number][] = [];
    for (const file of given.all('scenarios')) {
      const scenario = loadScenario(file, { set: given.values('set') });
      noteReading(given, scenario);
      const strategy = await oneStrategy(given, scenario);
      tasks.push({ text: scenario.text, file, set: scenario.set, copies });
      for (let copy = 0; copy < copies; copy++) guests.push({ scenario, strategy });
    }
    const atOnce = read(given, options, 'parallel') ?? guests.length;
    const ways = word === undefined ? [1, atOnce] : [word === 'serial' ? 1 : atOnce];
    const progress = given.progress(guests.length * ways.length);
    const how = { seed: readSeed(given), memory: readMemory(given) };
    const demands = readDemands(given);
    for (const { scenario, strategy } of guests)
      refuseUnreadableDemands(demands, scenario, [strategy], demandMeasures);
    const strategy = given.value('strategy') ?? null;
    const drains = await longWork('drain', { guests: tasks, ways, strategy, ...how }, () => progress.step());
    const broken = drains.flatMap((way) =>
      way.guests.flatMap(({ result }, index) => {
        const { scenario, strategy } = nth(guests, index);
        const ran = { scenario, strategy, policy: scenario.policy };
        const mode = way.parallel === 1 ? 'serial' : 'parallel';
        return unmetInRun(demands, ran, result, demandMeasures).map(
          (sentence) => `${mode}, guest ${index + 1} (${result.scenario}): ${sentence}`,
        );
      }),
    );
    if (given.flag('json')) {
      const shown = drains.map(({ guests, ...rest }) => ({
        ...rest,
        guests: guests.map(({ result, ...times }) => ({ ...times, ...outcome(result) })),
      }));
      given.print(`${JSON.stringify({ memory: how.memory, seed: how.seed, drains: shown }, null, 2)}\n`);
      return failUnlessKept(broken);
    }
    given.print(`${drainText(drains, given.page)}\n\n${how.memory} memory, seed ${how.seed}\n`);
    failUnlessKept(broken);
  },
};

function outcome({
  scenario,
  strategy,
  status,
  converged,
  totalTimeMs,
  downtimeMs,
  blackoutMs,
  sentBytes,
  heldTimeMs,
  writersWorkHeld,
  readersWorkHeld,
}: MigrationResult): object {
  const held = { heldTimeMs, writersWorkHeld, readersWorkHeld };
  return { scenario, strategy, status, converged, totalTimeMs, downtimeMs, blackoutMs, sentBytes, ...held };
}
