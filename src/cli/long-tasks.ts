/** What a thread can be asked to do: plain data in, plain data out. */
import type { Refusal } from '../experiment/parallel/refusal.js';
import { type CalibrateOptions, type Calibration, calibrateHost } from '../recording/validate/calibrate.js';
import {
  readRecordings,
  type ValidateOptions,
  validateRecordings,
  type Validation,
} from '../recording/validate/validate.js';

interface Asked<Options> {
  readonly paths: readonly string[];
  readonly options: Options;
}

export const longTasks = {
  validate: (
    { paths, options }: Asked<Omit<ValidateOptions, 'onProgress'>>,
    onStep: () => void,
  ): Validation => validateRecordings(paths, { ...options, onProgress: onStep }),
  calibrate: (
    { paths, options }: Asked<Omit<CalibrateOptions, 'onTried'>>,
    onStep: () => void,
  ): Calibration => calibrateHost(readRecordings(paths), { ...options, onTried: onStep }),
};

export type LongTasks = typeof longTasks;

/** What the thread says: one step is done, all of it is, or why it cannot be done. */
export type LongWorkMessage<Result> = { readonly step: true } | { readonly result: Result } | Refusal;
