/** What `migsim check` does with scenarios. */
import { ExpectationError } from '../../errors.js';
import type { CheckReport } from '../../experiment/check.js';
import type { Scenario } from '../../scenario/scenario.js';
import checkFile, { type CheckTask } from '../check-worker.js';
import type { Given } from '../command.js';
import { checkScenarioInThreads } from '../../api/check.js';
import { loadScenario } from '../../scenario/load.js';
import { openOutputFile } from '../../report/files/output-folder.js';
import { checkText, failuresOf } from '../../report/terminal/check-text.js';
import { junitXml } from '../../report/files/junit.js';
import { inWorkers } from '../../experiment/parallel/workers.js';
import { threadsOfMachine } from './threads.js';

/** `scenarios`: what the files hold. */
export async function checkAndPrint(
  given: Given,
  files: readonly string[],
  scenarios: readonly Scenario[],
  options: Required<CheckTask['options']>,
): Promise<void> {
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
}

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
    const report = await checkScenarioInThreads(loadScenario(only.file), only.options, threadsOfMachine());
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
