/** What `migsim compare` does with a scenario, or with a preset. */
import type { Given } from '../command.js';
import type { TableFormat } from '../options/table-format.js';
import {
  type Experiment,
  failUnlessMet,
  printDependences,
  printWritten,
  runExperiment,
} from './experiment.js';
import { readStrategy, strategyTexts } from '../options/experiment-options.js';
import { paperTable } from './paper-table.js';
import { runPreset } from './preset.js';
import { jsonReport } from '../../report/files/json.js';
import { runRows } from '../../report/files/rows.js';
import { bandRows } from '../../report/files/bands.js';
import { provenanceOf } from '../../report/files/provenance.js';
import { comparisonTable } from '../../report/terminal/table.js';
import type { Scenario } from '../../scenario/scenario.js';

/** `what`: a scenario, or the name of a preset. */
export async function compareAndPrint(
  given: Given,
  what: Scenario | string,
  format: TableFormat,
): Promise<void> {
  const isPreset = typeof what === 'string';
  const experiment = isPreset ? await runPreset(given, what) : await runScenario(given, what);
  const { comparison, manifest } = experiment;
  if (given.flag('json')) {
    const results = comparison.strategies.flatMap((entry) => entry.results);
    given.print(jsonReport(manifest, results, false, bandRows(comparison)));
    return failUnlessMet(given, comparison);
  }
  if (format !== 'text') {
    const results = comparison.strategies.flatMap((entry) => entry.results);
    given.print(paperTable(format, runRows(results), provenanceOf(manifest)));
    return failUnlessMet(given, comparison);
  }
  given.print(`${comparisonTable(comparison, given.page)}\n`);
  // A preset compares scenarios of its own.
  if (!isPreset) printDependences(given, comparison);
  printWritten(given, experiment);
  failUnlessMet(given, comparison);
}

function runScenario(given: Given, scenario: Scenario): Promise<Experiment> {
  const choose = async () => {
    const named = strategyTexts(given).map((text) => readStrategy(text, scenario));
    return named.length > 0 ? Promise.all(named) : scenario.strategies;
  };
  return runExperiment(given, scenario, choose, { keep: 'scalars', timeline: false });
}
