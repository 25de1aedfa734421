/** `migsim run`: one migration in detail. */
import type { Command } from '../command.js';
import {
  experimentOptions,
  failUnlessOption,
  readScenario,
  scenarioFile,
} from '../options/experiment-options.js';

export const runCommand: Command = {
  positional: scenarioFile,
  options: {
    ...experimentOptions,
    'fail-unless': failUnlessOption,
    chart: { kind: 'flag', summary: 'Draw the run over time', affectsResult: false },
    guestperf: {
      kind: 'text',
      summary: "Write the run as a report of QEMU's guestperf",
      value: 'FILE',
      affectsResult: false,
    },
    verbose: { kind: 'flag', summary: 'Print every decision with its rule', affectsResult: false },
  },
  examples: [
    ['run guest.yaml --strategy dirty-limit', 'curves, syncs, vCPUs'],
    ['run guest.yaml --strategy none --verbose', 'shows every decision'],
    ['run guest.yaml --strategy none --chart', 'draws the run over time'],
    ['run guest.yaml --strategy none --fail-unless converged', 'exits with 1 when it does not converge'],
  ],
  async run(given) {
    const scenario = await readScenario(given);
    const { runAndPrint } = await import('../work/run.js');
    await runAndPrint(given, scenario);
  },
};
