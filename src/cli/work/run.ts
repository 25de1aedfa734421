/** What `migsim run` does with a scenario. */
import { nth } from '../../lists.js';
import type { Comparison } from '../../experiment/compare.js';
import { preparedSetup } from '../../experiment/simulate.js';
import type { Scenario, StrategyChoice } from '../../scenario/scenario.js';
import type { Given } from '../command.js';
import { failUnlessMet, printDependences, printWritten, runExperiment } from './experiment.js';
import { oneStrategy } from '../options/experiment-options.js';
import { jsonReport } from '../../report/files/json.js';
import { wrap } from '../../report/terminal/kit/text.js';
import { runReport } from '../../report/terminal/run-text.js';
import { runChart } from '../../report/terminal/kit/braille.js';
import { openOutputFile } from '../../report/files/output-folder.js';
import { guestperfReport } from '../../formats/guestperf/write.js';

export async function runAndPrint(given: Given, scenario: Scenario): Promise<void> {
  const choose = async (): Promise<StrategyChoice[]> => [await oneStrategy(given, scenario)];
  const writeGuestperf = openGuestperf(given);
  const trace = given.flag('verbose') || given.flag('json');
  const keep = { keep: 'everything', timeline: true, trace } as const;
  const experiment = await runExperiment(given, scenario, choose, keep);
  const { comparison, manifest } = experiment;
  const result = nth(nth(comparison.strategies, 0).results, 0);
  writeGuestperf(comparison);
  if (given.flag('json')) {
    given.print(jsonReport(manifest, [result], true));
    return failUnlessMet(given, comparison);
  }
  given.print(`${runReport(comparison.scenario, result, comparison, given.flag('verbose'), given.page)}\n`);
  printDependences(given, comparison);
  if (given.flag('chart')) {
    given.print(`\n${runChart(result, given.page)}\n`);
  }
  printWritten(given, experiment);
  failUnlessMet(given, comparison);
}

/** Tries the path before the run: one that cannot be written to should fail at once. */
function openGuestperf(given: Given): (comparison: Comparison) => void {
  const file = given.value('guestperf');
  if (file === undefined) return () => undefined;
  const write = openOutputFile(file);
  return ({ scenario, policy, strategies }) => {
    const { strategy, results } = nth(strategies, 0);
    const setup = preparedSetup(scenario, strategy, { policy });
    write(guestperfReport({ setup, strategy, policy, result: nth(results, 0) }));
    const groups = new Set(setup.guest.vcpus.map(({ group }) => group));
    if (groups.size > 1) given.warn(mixedText(groups, given.page.width));
  };
}

/** guestperf runs one load in all vCPUs, so its reports have no word for who does what. */
function mixedText(groups: ReadonlySet<string>, width: number): string {
  const text =
    `migsim: a guestperf report does not say that ${[...groups].join(' and ')} vCPUs do different work; ` +
    'guestperf-plot draws it, but migsim learn cannot learn this guest from it';
  return wrap(text, width, '  ').join('\n');
}
