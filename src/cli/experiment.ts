/** What `run` and `compare` do alike: read the options, make sure of the output folder, run, write the files. */
import { basename, dirname } from 'node:path';
import type { Comparison, CompareOptions } from '../experiment/compare.js';
import type { Manifest } from '../experiment/manifest.js';
import type { MigrationResult } from '../migration/result.js';
import type { Scenario, StrategyChoice } from '../scenario/scenario.js';
import type { Given } from './command.js';
import {
  commandWords,
  ownFiles,
  readMemory,
  readPolicy,
  readRuns,
  readScenario,
  readSeed,
} from './experiment-options.js';

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
  choose: (scenario: Scenario) => Promise<readonly StrategyChoice[]>,
  {
    keep,
    timeline,
    trace = false,
  }: { readonly keep: 'everything' | 'scalars'; readonly timeline: boolean; readonly trace?: boolean },
): Promise<Experiment> {
  const numbers = { seed: readSeed(given), runs: readRuns(given), memory: readMemory(given) };
  const scenario = await readScenario(given);
  const policy = await readPolicy(given, scenario);
  const strategies = await choose(scenario);
  const options: CompareOptions = {
    ...numbers,
    policy,
    strategies,
    keep,
    trace,
    timelineMs: timeline ? TIMELINE_MS : 0,
  };

  const { compare } = await import('../experiment/compare.js');
  const { manifestOf, sourceFile } = await import('../experiment/manifest.js');
  const files = ownFiles(given).map(sourceFile);
  const manifest = (comparison: Comparison): Manifest =>
    manifestOf(comparison, commandWords(given.words), files);

  const progress = given.progress(strategies.length * numbers.runs);
  const folder = given.value('out');
  if (folder === undefined) {
    const comparison = compare(scenario, { ...options, onResult: progress.step });
    return { comparison, manifest: manifest(comparison), written: [] };
  }
  const { openCsv } = await import('../report/files/csv.js');
  const csv = openCsv(folder);
  try {
    const onResult = (result: MigrationResult): void => {
      csv.add(result);
      progress.step();
    };
    const comparison = compare(scenario, { ...options, timelineMs: TIMELINE_MS, onResult });
    const made = manifest(comparison);
    return { comparison, manifest: made, written: csv.finish(made) };
  } catch (error) {
    csv.abandon();
    throw error;
  }
}

/** The last line of a report. */
export async function printWritten(given: Given, { written }: Pick<Experiment, 'written'>): Promise<void> {
  const [first] = written;
  if (first === undefined) return;
  const { writtenText } = await import('../report/terminal/text.js');
  const names = written.map((path) => basename(path));
  given.print(`\n${writtenText(dirname(first), names, given.page.width)}\n`);
}
