/** `migsim run`: one migration in detail. */
import { UsageError } from '../../errors.js';
import type { Comparison } from '../../experiment/compare.js';
import type { Scenario, StrategyChoice } from '../../scenario/scenario.js';
import type { Command, Given } from '../command.js';
import { printWritten, runExperiment } from '../experiment.js';
import { experimentOptions, readStrategy, scenarioFile } from '../experiment-options.js';

export const runCommand: Command = {
  name: 'run',
  summary: 'Run one strategy and show what happened',
  positional: scenarioFile,
  options: {
    ...experimentOptions,
    chart: { describe: 'Draw the run over time' },
    guestperf: { describe: "Write the run as a report of QEMU's guestperf", value: 'FILE' },
    verbose: { describe: 'Print every decision with the rule that took it' },
  },
  examples: [
    ['run guest.yaml --strategy dirty-limit', 'curves, syncs, vCPUs'],
    ['run guest.yaml --strategy none --verbose', 'and every decision'],
    ['run guest.yaml --strategy none --chart', 'and a drawing over time'],
  ],
  async run(given) {
    const choose = async (scenario: Scenario): Promise<StrategyChoice[]> => [
      await strategyOf(given, scenario),
    ];
    const writeGuestperf = await openGuestperf(given);
    const trace = given.flag('verbose') || given.flag('json');
    const experiment = await runExperiment(given, choose, { keep: 'everything', timeline: true, trace });
    const { comparison, manifest } = experiment;
    const result = comparison.strategies[0]!.results[0]!;
    await writeGuestperf(comparison);
    if (given.flag('json')) {
      const { jsonReport } = await import('../../report/files/json.js');
      given.print(jsonReport(manifest, [result], true));
      return;
    }
    const { runReport } = await import('../../report/terminal/run-text.js');
    given.print(`${runReport(comparison.scenario, result, comparison, given.flag('verbose'), given.page)}\n`);
    if (given.flag('chart')) {
      const { runChart } = await import('../../report/terminal/braille.js');
      given.print(`\n${runChart(result, given.page)}\n`);
    }
    await printWritten(given, experiment);
  },
};

/** Tries the path before the run: one that cannot be written to should fail at once. */
async function openGuestperf(given: Given): Promise<(comparison: Comparison) => Promise<void>> {
  const file = given.value('guestperf');
  if (file === undefined) return () => Promise.resolve();
  const { openOutputFile } = await import('../../report/files/output-folder.js');
  const write = openOutputFile(file);
  return async ({ scenario, policy, strategies }) => {
    const { guestperfReport } = await import('../../formats/guestperf/write.js');
    const { strategy, results } = strategies[0]!;
    write(guestperfReport({ setup: scenario.setup, strategy, policy, result: results[0]! }));
  };
}

async function strategyOf(given: Given, scenario: Scenario): Promise<StrategyChoice> {
  const text = given.value('strategy');
  if (text !== undefined) return readStrategy(text, scenario);
  const [only, ...others] = scenario.strategies;
  if (only !== undefined && others.length === 0) return only;
  const labels = scenario.strategies.map((choice) => choice.label).join(', ');
  throw new UsageError(`run takes one strategy: choose one with --strategy, such as ${labels}`);
}
