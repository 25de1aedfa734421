/** What `migsim compare --preset` does. */
import { UsageError } from '../../errors.js';
import type { MigrationResult } from '../../migration/result.js';
import { unknown } from '../../options/wording.js';
import type { Given } from '../command.js';
import type { Experiment } from './experiment.js';
import { readMemory, readRuns, readSeed } from '../options/experiment-options.js';
import { comparePreset, presets } from '../../experiment/presets.js';
import { manifestOf } from '../../experiment/manifest.js';
import { openCsv } from '../../report/files/csv.js';
import { bandRows } from '../../report/files/bands.js';

/** Runs it like a comparison of strategies, with its question and what there is to know on stderr. */
export async function runPreset(given: Given, name: string): Promise<Experiment> {
  const preset = presets[name];
  if (preset === undefined) throw new UsageError(unknown('preset', name, Object.keys(presets)));
  const numbers = { seed: readSeed(given), runs: readRuns(given), memory: readMemory(given) };
  given.warn(`${name}: ${preset.question}`);
  if (preset.note !== undefined) given.warn(`${name}: ${preset.note}`);

  const progress = given.progress(preset.entries.length * numbers.runs);
  const folder = given.value('out');
  const csv = folder === undefined ? null : openCsv(folder);
  try {
    const onResult = (result: MigrationResult): void => {
      csv?.add(result);
      progress.step();
    };
    const comparison = await comparePreset(name, preset, given.values('set'), { ...numbers, onResult });
    const manifest = manifestOf(comparison, given.recorded);
    return { comparison, manifest, written: csv?.finish(manifest, bandRows(comparison)) ?? [] };
  } catch (error) {
    csv?.abandon();
    throw error;
  }
}
