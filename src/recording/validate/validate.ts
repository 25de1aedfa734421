/** Predicted versus measured: every recording simulated over several seeds. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { UsageError, errorCode } from '../../errors.js';
import { noSuchFile, readInput, statusOf } from '../../files.js';
import type { HostProfile } from '../../guest/spec.js';
import { runMigration } from '../../migration/engine.js';
import type { MigrationResult } from '../../migration/result.js';
import { readRecording } from '../recording.js';
import type { Recording } from '../recording-file.js';
import { measuredOutcome, predictionFrom } from './outcome.js';
import { hostOf, predictionOf } from './predict.js';
import { withBands } from './bands.js';
import { relativeError, summarise, type ValidatedRecording, type ValidationSummary } from './summary.js';

const { ceil } = Math;

/** How recordings are predicted; all have defaults. */
export interface ValidateOptions {
  /** Runs of each recording that draw how the host varies; half as many more meet its median. Default 10. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
  /** Default `page`. */
  readonly memory?: 'page' | 'fluid';
  /** Default: recordings-host. */
  readonly host?: HostProfile;
  /** Called after each recording. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** Predictions compared with measurements, and how far off they are. */
export interface Validation {
  readonly recordings: readonly ValidatedRecording[];
  readonly summary: ValidationSummary;
}

/**
 * Reads recordings from files and folders (every `.json` in them) and predicts each.
 * @throws UsageError for a file that is no recording, or when there is none
 */
export function validateRecordings(paths: readonly string[], options: ValidateOptions = {}): Validation {
  const recordings = readRecordings(paths);
  const validated = recordings.map((recording, at) => {
    const done = validateRecording(recording, options);
    options.onProgress?.(at + 1, recordings.length);
    return done;
  });
  return { recordings: validated, summary: summarise(validated) };
}

/** In the order of the paths; within a folder by name. */
export function readRecordings(paths: readonly string[]): Recording[] {
  const files = paths.flatMap((given) => {
    const stat = statusOf(given);
    if (stat === undefined)
      throw new UsageError(noSuchFile(given, 'recordings, such as recordings/T05.json', 'file or folder'), {
        file: given,
      });
    if (!stat.isDirectory()) return [given];
    const names = readdirSync(given).filter((name) => name.endsWith('.json'));
    if (names.length === 0)
      throw new UsageError('no .json file in this folder; expected recordings', { file: given });
    return names.sort().map((name) => path.join(given, name));
  });
  return files.map((file) => readRecording(textOf(file), file));
}

/** A recording of an hour has some 10 MB. */
const MOST_BYTES = 2 ** 28;

function textOf(file: string): string {
  try {
    return readInput(file, MOST_BYTES).toString('utf8');
  } catch (error) {
    const code = errorCode(error);
    const what = code === 'SILENT' ? 'nothing comes from it' : `cannot be read (${code ?? 'unknown reason'})`;
    throw new UsageError(`${what}; expected a recording`, { file });
  }
}

export function validateRecording(recording: Recording, options: ValidateOptions = {}): ValidatedRecording {
  const { runs = 10, seed = 1, memory = 'page', host = hostOf(recording) } = options;
  const { variability, ...steady } = host;
  const simulate = (on: HostProfile, count: number): MigrationResult[] =>
    Array.from({ length: count }, (_, index) => {
      const prediction = predictionOf(recording, { seed, run: index + 1, memory, host: on });
      const names = { strategy: recording.strategy, policy: 'wait' };
      return runMigration(prediction.setup, names, (controls) => prediction.attach(controls));
    });
  const results = simulate(host, runs);
  const measured = measuredOutcome(recording);
  // What the dice of a run decide (phases of clocks and loops) is left to several runs, of which the median counts.
  const undrawn = variability === undefined ? results : simulate(steady, ceil(runs / 2));
  const drawn = predictionFrom(recording, results, undrawn);
  const predicted = { ...drawn, figures: withBands(drawn.figures, host.residuals) };
  const bothCompleted = measured.status === 'completed' && predicted.status === 'completed';
  const total = predicted.figures.totalTimeMs.median;
  const totalTimeError =
    bothCompleted && total !== null && measured.totalTimeMs !== null
      ? relativeError(total, measured.totalTimeMs)
      : null;
  return {
    id: recording.id,
    file: recording.file,
    strategy: recording.strategy,
    measured,
    predicted,
    drawn: drawn.figures,
    totalTimeError,
  };
}
