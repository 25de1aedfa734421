/** What a worker thread of `migsim check` does with a file. */
import type { CheckOptions, CheckReport } from '../experiment/check.js';
import { checkScenario } from '../api/check.js';
import { loadScenario } from '../scenario/load.js';

export interface CheckTask {
  readonly file: string;
  readonly options: CheckOptions;
}

export default function checkFile({ file, options }: CheckTask): CheckReport {
  return checkScenario(loadScenario(file), options);
}
