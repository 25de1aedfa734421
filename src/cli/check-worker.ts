/** What a worker thread of `migsim check` does with a file. */
import { type CheckOptions, type CheckReport, checkScenario } from '../experiment/check.js';
import { runColumns, vcpuColumns } from '../report/columns.js';
import { loadScenario } from '../scenario/load.js';

export const measures = { run: runColumns, vcpu: vcpuColumns };

export interface CheckTask {
  readonly file: string;
  readonly options: CheckOptions;
}

export default function checkFile({ file, options }: CheckTask): CheckReport {
  return checkScenario(loadScenario(file), measures, options);
}
