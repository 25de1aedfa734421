/** What `migsim drain` does with the scenarios of its guests. */
import { nth, zip } from '../../lists.js';
import type { DrainGuest } from '../../experiment/drain.js';
import type { MigrationResult } from '../../migration/result.js';
import type { Scenario } from '../../scenario/scenario.js';
import type { Given } from '../command.js';
import { oneStrategy, readMemory, readSeed } from '../options/experiment-options.js';
import { refuseUnreadableDemands, unmetInRun } from '../../experiment/expect/fail-unless.js';
import { demandMeasures, failUnlessKept, readDemands } from '../options/fail-unless.js';
import type { DrainTask } from '../long-tasks.js';
import { longWork } from '../long-work.js';
import { drainText } from '../../report/terminal/drain-text.js';

interface How {
  /** Left out: both. */
  readonly mode: 'serial' | 'parallel' | undefined;
  /** Guests of each scenario. */
  readonly copies: number;
  /** Migrations at once; left out: all. */
  readonly most: number | undefined;
}

/** `scenarios`: one for each file that is given. */
export async function drainAndPrint(
  given: Given,
  scenarios: readonly Scenario[],
  { mode, copies, most }: How,
): Promise<void> {
  const guests: DrainGuest[] = [];
  const tasks: DrainTask['guests'][number][] = [];
  for (const [file, scenario] of zip(given.all('scenarios'), scenarios)) {
    const strategy = await oneStrategy(given, scenario);
    tasks.push({ text: scenario.text, file, set: scenario.set, copies });
    for (let copy = 0; copy < copies; copy++) guests.push({ scenario, strategy });
  }
  const atOnce = most ?? guests.length;
  const ways = mode === undefined ? [1, atOnce] : [mode === 'serial' ? 1 : atOnce];
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
}

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
