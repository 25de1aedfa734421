/** `migsim run`: one migration in detail. */
import { UsageError } from '../errors.js';
import type { Scenario, StrategyChoice } from '../scenario/scenario.js';
import type { Command, Given } from './command.js';
import { printWritten, runExperiment } from './experiment.js';
import { experimentOptions, readStrategy, scenarioFile } from './experiment-options.js';

export const runCommand: Command = {
  name: 'run',
  summary: 'Run one strategy and show what happened',
  positional: scenarioFile,
  options: {
    ...experimentOptions,
    verbose: { describe: 'Print every decision with the rule that took it' },
  },
  examples: [
    ['run guest.yaml --strategy dirty-limit', 'curves, syncs, vCPUs'],
    ['run guest.yaml --strategy none --verbose', 'and every decision'],
  ],
  async run(given) {
    const choose = async (scenario: Scenario): Promise<StrategyChoice[]> => [
      await strategyOf(given, scenario),
    ];
    const experiment = await runExperiment(given, choose, { keep: 'everything', timeline: true });
    const { comparison, manifest } = experiment;
    const result = comparison.strategies[0]!.results[0]!;
    if (given.flag('json')) {
      const { jsonReport } = await import('../report/json.js');
      given.print(jsonReport(manifest, [result], true));
      return;
    }
    const { runReport } = await import('../report/run-text.js');
    given.print(`${runReport(comparison.scenario, result, comparison, given.flag('verbose'), given.page)}\n`);
    printWritten(given, experiment);
  },
};

async function strategyOf(given: Given, scenario: Scenario): Promise<StrategyChoice> {
  const text = given.value('strategy');
  if (text !== undefined) return readStrategy(text, scenario);
  const [only, ...others] = scenario.strategies;
  if (only !== undefined && others.length === 0) return only;
  const labels = scenario.strategies.map((choice) => choice.label).join(', ');
  throw new UsageError(`run takes one strategy: choose one with --strategy, such as ${labels}`);
}
