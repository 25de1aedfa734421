/** `migsim check`: whether scenarios do what they say. */
import { availableParallelism } from 'node:os';
import { ExpectationError } from '../../errors.js';
import type { CheckReport } from '../../experiment/check.js';
import type { Scenario } from '../../scenario/scenario.js';
import checkFile, { type CheckTask } from '../check-worker.js';
import type { Command, Given } from '../command.js';
import {
  experimentOptions,
  noteReading,
  readRuns,
  readSeed,
  runsOption,
} from '../options/experiment-options.js';
import { loadAll, namedFiles, scenarioFiles } from '../options/scenario-files.js';
import { type MemoryChoice } from '../../experiment/memory-choice.js';
import { checkScenarioInThreads, refuseUnreadable } from '../../api/check.js';
import { loadScenario } from '../../scenario/load.js';
import { openOutputFile } from '../../report/files/output-folder.js';
import { checkText, failuresOf } from '../../report/terminal/check-text.js';
import { junitXml } from '../../report/files/junit.js';
import { inWorkers } from '../../experiment/workers.js';
import { read } from '../options/values.js';

export const memoryOption = {
  ...experimentOptions.memory,
  summary: 'Memory model: page (exact), fluid (fast) or auto: page if that takes at most about a second',
};

export const checkCommand: Command = {
  positional: scenarioFiles,
  options: {
    runs: runsOption,
    memory: memoryOption,
    seed: experimentOptions.seed,
    junit: {
      kind: 'text',
      summary: 'Write a JUnit report for a CI system there',
      value: 'FILE',
      affectsResult: false,
    },
    verbose: { kind: 'flag', summary: 'Also print the expectations that hold', affectsResult: false },
  },
  examples: [
    ['check', 'everything in scenarios/'],
    ['check guest.yaml --runs 20', 'quantiles such as p90(total-time) need runs'],
    ['check --junit results/check.xml', 'exits with 1 when an expectation fails'],
  ],
  async run(given) {
    const options = {
      memory: readMemoryChoice(given),
      runs: readRuns(given),
      seed: readSeed(given),
    };
    const files = namedFiles(given.all('files'));
    const scenarios = loadAll(files, refuseUnreadable);
    for (const scenario of scenarios) noteReading(given, scenario);
    const junit = given.value('junit');
    const writeJunit = junit === undefined ? null : openOutputFile(junit);

    const tasks = files.map((file): CheckTask => ({ file, options }));
    const onDone = progressOf(given, scenarios, options.runs);
    const reports = await overFiles(tasks, checkFile, onDone);

    given.print(`${checkText(reports, given.flag('verbose'), given.page)}\n`);
    if (writeJunit !== null) {
      writeJunit(junitXml(reports));
    }
    const failures = failuresOf(reports);
    if (failures > 0)
      throw new ExpectationError(
        `migsim: ${failures === 1 ? 'an expectation does' : `${failures} expectations do`} not hold`,
      );
  },
};

/** In worker threads: a file each, or the runs of the only file. Sources that were not built have no worker. */
async function overFiles(
  tasks: readonly CheckTask[],
  checkFile: (task: CheckTask) => CheckReport,
  onDone: (index: number) => void,
): Promise<CheckReport[]> {
  const built = import.meta.url.endsWith('.js');
  if (built && tasks.length > 1) {
    return inWorkers(new URL('../check-worker.js', import.meta.url), tasks, onDone);
  }
  const [only] = tasks;
  if (built && only !== undefined) {
    const report = await checkScenarioInThreads(
      loadScenario(only.file),
      only.options,
      availableParallelism(),
    );
    onDone(0);
    return [report];
  }
  return tasks.map((task, index) => {
    const report = checkFile(task);
    onDone(index);
    return report;
  });
}

/** Counts runs; those of a file are done all at once. */
function progressOf(given: Given, scenarios: readonly Scenario[], runs: number): (index: number) => void {
  const counts = scenarios.map(({ strategies }) => strategies.length * runs);
  const progress = given.progress(counts.reduce((sum, count) => sum + count, 0));
  return (index) => {
    for (let run = 0; run < (counts[index] ?? 0); run++) progress.step();
  };
}

export function readMemoryChoice(given: Given): MemoryChoice {
  return read(given, { memory: memoryOption }, 'memory');
}
