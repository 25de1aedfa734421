/** What `migsim baseline` does. */
import { got } from '../../lists.js';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ExpectationError, UsageError } from '../../errors.js';
import type { Baseline, BaselineManifest, BaselineOptions } from '../../experiment/baseline.js';
import { type Unit, bareName } from '../../experiment/expect/measure.js';
import type { Tolerances } from '../../experiment/outcomes.js';
import type { Scenario } from '../../scenario/scenario.js';
import { unknown } from '../../options/wording.js';
import { parseShare } from '../../units.js';
import type { Given } from '../command.js';
import { FOLDER, savedNames, TOLERANCE } from '../options/baseline-options.js';
import { readMemoryChoice, readRuns, readSeed } from '../options/experiment-options.js';
import { loadAll, namedFiles } from '../options/scenario-files.js';
import { outcomeCsv, outcomeColumns, readOutcomes } from '../../report/files/outcome-csv.js';
import { openOutputFolder } from '../../report/files/output-folder.js';
import { outcomeChanges } from '../../experiment/outcomes.js';
import { relabelled, takeBaseline } from '../../experiment/baseline.js';
import { baselineText } from '../../report/terminal/baseline-text.js';
import { threadsOfMachine } from './threads.js';

export async function save(given: Given, name: string): Promise<void> {
  if (given.value('tolerance') !== undefined) throw new UsageError('--tolerance belongs to baseline diff');
  const options = { memory: readMemoryChoice(given), runs: readRuns(given), seed: readSeed(given) };
  const scenarios = await loadAll(namedFiles(given.all('files')));
  const { results, manifest } = await take(given, scenarios, options);
  const [csv, json] = pathsOf(name);
  const output = openOutputFolder(
    FOLDER,
    [csv, json].map((path) => basename(path)),
  );
  try {
    output.append(basename(csv), outcomeCsv(results));
    output.append(basename(json), `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (error) {
    output.abandon();
    throw error;
  }
  output.finish();
  given.print(`Written: ${csv}, ${json}\n`);
}

export async function diff(given: Given, name: string): Promise<void> {
  for (const option of ['runs', 'memory', 'seed']) {
    if (given.has(option))
      throw new UsageError(`--${option} belongs to baseline save; diff runs what was saved`);
  }
  const [csv, json] = pathsOf(name);
  if (!existsSync(csv) || !existsSync(json)) throw new UsageError(unknown('baseline', name, savedNames()));
  const tolerances = readTolerances(given, outcomeColumns);
  const saved = JSON.parse(readFileSync(json, 'utf8')) as BaselineManifest;
  const chosen = given.all('files');
  const files = chosen.length === 0 ? saved.scenarios.map(({ file }) => file) : namedFiles(chosen);
  // A scenario that is no longer there is a change, unless it was asked for by its name.
  const scenarios = await loadAll(chosen.length === 0 ? files.filter((file) => existsSync(file)) : files);
  const names = new Set(scenarios.map((scenario) => scenario.name));

  const { results, manifest } = await take(given, scenarios, saved);
  const outcomes = readOutcomes(readFileSync(csv, 'utf8'), csv).filter(
    ({ scenario }) => chosen.length === 0 || names.has(scenario),
  );
  const before = relabelled({ manifest: saved, outcomes }, manifest);
  const after = readOutcomes(outcomeCsv(results), csv);
  const changes = outcomeChanges(before.outcomes, after, outcomeColumns, tolerances);
  given.print(`${baselineText(before.manifest, manifest, changes, given.page)}\n`);
  if (changes.length > 0) throw new ExpectationError(`migsim: ${name} has changed`);
}

async function take(
  given: Given,
  scenarios: readonly Scenario[],
  { memory, runs, seed }: BaselineOptions,
): Promise<Baseline> {
  const total = scenarios.reduce((sum, { strategies }) => sum + strategies.length * runs, 0);
  const progress = given.progress(total);
  return takeBaseline(scenarios, { memory, runs, seed }, threadsOfMachine(), () => progress.step());
}

function pathsOf(name: string): [csv: string, json: string] {
  return [join(FOLDER, `${name}.csv`), join(FOLDER, `${name}.json`)];
}

function readTolerances(
  given: Given,
  columns: readonly { readonly name: string; readonly unit: Unit }[],
): Tolerances {
  const keys = new Map(columns.map((column) => [bareName(column).replaceAll('_', '-'), column.name]));
  const tolerances: Record<string, number> = { '': parseShare(TOLERANCE) };
  for (const text of given.values('tolerance')) {
    const [, key, share = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(text) ?? [];
    if (key !== undefined && !keys.has(key))
      throw new UsageError(`--tolerance: ${unknown('measure', key, [...keys.keys()])}`);
    try {
      tolerances[key === undefined ? '' : got(keys, key)] = parseShare(share);
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(`--tolerance: ${error.message}`) : error;
    }
  }
  return tolerances;
}
