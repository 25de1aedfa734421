/** What `run` and `compare` do alike with a scenario: read the options, make sure of the output folder, run, write the files. */
import { basename, dirname } from 'node:path';
import type { Comparison, CompareOptions } from '../../experiment/compare.js';
import type { Manifest } from '../../experiment/manifest.js';
import { withoutDefaultEnd } from '../../experiment/simulate.js';
import { refuseUnreadableDemands, unmet } from '../../experiment/expect/fail-unless.js';
import { demandMeasures, failUnlessKept, readDemands } from '../options/fail-unless.js';
import type { MigrationResult } from '../../migration/result.js';
import type { Scenario, StrategyChoice } from '../../scenario/scenario.js';
import type { Given } from '../command.js';
import { ownFiles, readMemory, readPolicy, readRuns, readSeed } from '../options/experiment-options.js';
import { compareInThreads } from '../../experiment/parallel/compare.js';
import { manifestOf, sourceFile } from '../../experiment/manifest.js';
import { openCsv } from '../../report/files/csv.js';
import { bandRows } from '../../report/files/bands.js';
import { dependenceLines } from '../../report/terminal/dependence-text.js';
import { wrap, writtenText } from '../../report/terminal/kit/text.js';
import { threadsOfMachine } from './threads.js';

/** Period of timeline.csv and of the curves of `run`, ms. */
const TIMELINE_MS = 100;

export interface Experiment {
  readonly comparison: Comparison;
  readonly manifest: Manifest;
  /** Files, in the order in which the user hears of them. */
  readonly written: readonly string[];
}

export async function runExperiment(
  given: Given,
  scenario: Scenario,
  choose: () => Promise<readonly StrategyChoice[]>,
  {
    keep,
    timeline,
    trace = false,
  }: { readonly keep: 'everything' | 'scalars'; readonly timeline: boolean; readonly trace?: boolean },
): Promise<Experiment> {
  const policy = await readPolicy(given, scenario);
  // What only a policy ends may go on for hours: too long for a memory that draws every write.
  const { giveUpByDefault, giveUpAfterUs } = withoutDefaultEnd(policy, scenario.setup).migration;
  const isLong = giveUpByDefault === true && giveUpAfterUs === 0;
  const memory = readMemory(given, isLong ? 'fluid' : 'page');
  const numbers = { seed: readSeed(given), runs: readRuns(given), memory };
  const strategies = await choose();
  const demands = readDemands(given);
  refuseUnreadableDemands(demands, scenario, strategies, demandMeasures);
  const options: CompareOptions = {
    ...numbers,
    policy,
    strategies,
    keep,
    trace,
    timelineMs: timeline ? TIMELINE_MS : 0,
  };

  const files = ownFiles(given).map(sourceFile);
  const manifest = (comparison: Comparison): Manifest => manifestOf(comparison, given.recorded, files);

  const progress = given.progress(strategies.length * numbers.runs);
  const folder = given.value('out');
  if (folder === undefined) {
    const onResult = progress.step;
    const comparison = await compareInThreads(scenario, { ...options, onResult }, threadsOfMachine());
    return { comparison, manifest: manifest(comparison), written: [] };
  }
  const csv = openCsv(folder);
  try {
    const onResult = (result: MigrationResult): void => {
      csv.add(result);
      progress.step();
    };
    const inFiles = { ...options, timelineMs: TIMELINE_MS, onResult };
    const comparison = await compareInThreads(scenario, inFiles, threadsOfMachine());
    const made = manifest(comparison);
    return { comparison, manifest: made, written: csv.finish(made, bandRows(comparison)) };
  } catch (error) {
    csv.abandon();
    throw error;
  }
}

/** After the report. Throws `ExpectationError` when `--fail-unless` is not met. */
export function failUnlessMet(given: Given, comparison: Comparison): void {
  failUnlessKept(unmet(readDemands(given), comparison, demandMeasures));
}

/** Behind the results: the two inputs that they depend on most, and how to measure them. */
export function printDependences(given: Given, comparison: Comparison): void {
  const { width, style } = given.page;
  const lines = dependenceLines(comparison).flatMap((line) => wrap(line, width, '  '));
  if (lines.length > 0) given.print(`\n${lines.map(style.faint).join('\n')}\n`);
}

/** The last line of a report. */
export function printWritten(given: Given, { written }: Pick<Experiment, 'written'>): void {
  const [first] = written;
  if (first === undefined) return;
  const names = written.map((path) => basename(path));
  given.print(`\n${writtenText(dirname(first), names, given.page.width)}\n`);
}
