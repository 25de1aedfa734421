/**
 * One host profile for all recordings of a machine: a coordinate search over the costs that recordings can identify. A
 * profile describes the machine, so nothing is ever fitted to a single recording; what each would have had from the others
 * alone (leave one out) shows whether the fit learned the machine or the recordings.
 */
import { nth } from '../../lists.js';
import { recordingsHost } from '../../guest/host-profiles/recordings.js';
import type { HostProfile } from '../../guest/spec.js';
import { mean } from '../../stats/summary.js';
import type { Recording } from '../recording-file.js';
import type { ValidatedRecording } from './summary.js';
import type { ModelResiduals } from '../../guest/host-profiles/residuals.js';
import { residualsOf } from './bands.js';
import { fitVariability, variabilityOf, type FittedVariability } from './fit-variability.js';
import type { RepeatedRun } from '../../formats/repeats.js';
import { validateRecording } from './validate.js';

const { abs, log, min, round } = Math;

/** Costs that change what a recording shows. What only setup or post-copy shows is left as it is. */
export const CALIBRATED_FIELDS = [
  'sendNsPerPage',
  'populateNsPerPage',
  'siblingSlowdown',
  'vcpuColdUs',
  'wakeLatencyUs',
  'writeFaultNs',
  'ringExitUs',
  'ringEntryNs',
  'kickUs',
  'syncFixedUs',
  'bitmapSyncUsPerGiB',
  'stopUs',
  'deviceSaveUs',
  'deviceStateBytes',
] as const satisfies readonly (keyof HostProfile)[];
export type CalibratedField = (typeof CALIBRATED_FIELDS)[number];

export interface CalibrateOptions {
  /** Where the search begins, and what keeps the fields that it does not touch; default recordings-host. */
  readonly start?: HostProfile;
  /** Predictions of each recording; default 4. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
  /** Default `page`. */
  readonly memory?: 'page' | 'fluid';
  /** Default: all. */
  readonly fields?: readonly CalibratedField[];
  /** Runs that were made twice; default none. */
  readonly repeats?: readonly RepeatedRun[];
  /** Called after each profile that was tried. */
  readonly onTried?: () => void;
}

export interface CalibratedFieldResult {
  readonly field: CalibratedField;
  readonly before: number;
  readonly after: number;
  /** How much the loss rises when the field is half as large again or two thirds: the smaller of both. Near 0: not identified. */
  readonly lossRise: number;
}

export interface Calibration {
  readonly profile: HostProfile;
  readonly fields: readonly CalibratedFieldResult[];
  /** Mean over the recordings, before and after. */
  readonly startLoss: number;
  readonly loss: number;
  /** The same two with another seed, which the search did not see: what of the gain is not chance. */
  readonly otherSeedStartLoss: number;
  readonly otherSeedLoss: number;
  /** Mean loss of each recording under the profile that is best for all others, of those that the search tried. */
  readonly leaveOneOutLoss: number;
  readonly recordings: readonly { readonly id: string; readonly startLoss: number; readonly loss: number }[];
  /** How much the machine varies: kind by kind, in the order of tables. */
  readonly variability: readonly FittedVariability[];
  /** What predictions with the fitted profile, its variability drawn, miss: what its bands are made from. */
  readonly residuals: ModelResiduals;
  /** Profiles tried. */
  readonly tried: number;
}

/** A figure this far off, as |ln(predicted / measured)|, is as wrong as it gets: a disturbed recording must not rule. */
const WORST = 0.5;
/** The other verdict is worse than any figure. */
const WRONG_VERDICT = 1;

/**
 * How far a prediction is off: the mean of |ln(predicted / measured)| (0.1: about 10 %) over total time and downtime where
 * both completed, bytes sent, and accesses (mean over the vCPUs), each cut at 0.5; 1 for the wrong verdict.
 */
export function lossOf({ measured, predicted }: ValidatedRecording): number {
  if (measured.status !== predicted.status) return WRONG_VERDICT;
  const { figures, vcpuAccesses } = predicted;
  const parts: number[] = [];
  const completed = measured.status === 'completed';
  if (completed) parts.push(off(figures.totalTimeMs.median, measured.totalTimeMs));
  if (completed) parts.push(off(figures.downtimeMs.median, measured.downtimeMs));
  parts.push(off(figures.transferredBytes.median, measured.transferredBytes));
  const accesses = measured.vcpuAccesses.map((count, id) => off(vcpuAccesses[id]?.median ?? null, count));
  if (accesses.length > 0) parts.push(mean(accesses));
  return mean(parts);
}

function off(predicted: number | null, measured: number | null): number {
  if (predicted === null || measured === null || predicted <= 0 || measured <= 0) return 0;
  return min(WORST, abs(log(predicted / measured)));
}

/** Percentiles of draws need more of them than a search does. */
const RESIDUAL_RUNS = 20;

/** Factors by which a field is tried, from coarse to fine; each until nothing gets better. */
const STEPS = [2, 1.4, 1.15];
/** Rounds over all fields with one step. */
const ROUNDS = 3;
/** An improvement below this is chance. */
const NOTICED = 1e-4;
/** For telling which fields matter. */
const PROBE = 1.5;

interface Tried {
  readonly profile: HostProfile;
  /** By recording. */
  readonly losses: readonly number[];
  readonly loss: number;
}

/** Fits a profile to all recordings at once. */
export function calibrateHost(recordings: readonly Recording[], options: CalibrateOptions = {}): Calibration {
  const { start = recordingsHost, fields = CALIBRATED_FIELDS, onTried } = options;
  const { runs = 4, seed = 1, memory = 'page', repeats = [] } = options;
  const tried: Tried[] = [];
  // The point of a prediction is that of the undrawn host: nothing of its variability decides the loss.
  const lossesOf = ({ variability: _, ...host }: HostProfile, withSeed: number): number[] =>
    recordings.map((one) => lossOf(validateRecording(one, { runs, seed: withSeed, memory, host })));
  const attempt = (profile: HostProfile): Tried => {
    const losses = lossesOf(profile, seed);
    const result = { profile, losses, loss: mean(losses) };
    tried.push(result);
    onTried?.();
    return result;
  };
  const first = attempt(start);
  const fitted = descended(first, fields, attempt);
  const otherSeed = (seed + 1) % 2 ** 32;
  const results = fields.map((field): CalibratedFieldResult => {
    const lossRise = riseAround(fitted, field, attempt);
    return { field, before: start[field], after: fitted.profile[field], lossRise };
  });
  const { variability: _, ...steady } = fitted.profile;
  const undrawn = recordings.map((one) => validateRecording(one, { runs, seed, memory, host: steady }));
  const variability = fitVariability(recordings, undrawn, repeats, fitted.profile);
  const profile = { ...fitted.profile, variability: variabilityOf(variability) };
  return {
    profile,
    variability,
    fields: results,
    startLoss: first.loss,
    loss: fitted.loss,
    otherSeedStartLoss: mean(lossesOf(start, otherSeed)),
    otherSeedLoss: mean(lossesOf(fitted.profile, otherSeed)),
    leaveOneOutLoss: mean(recordings.map((_, left) => bestWithout(tried, left).losses[left] ?? 0)),
    recordings: recordings.map(({ id }, at) => ({
      id,
      startLoss: first.losses[at] ?? 0,
      loss: fitted.losses[at] ?? 0,
    })),
    residuals: residualsOf(
      recordings.map((one) => validateRecording(one, { runs: RESIDUAL_RUNS, seed, memory, host: profile })),
      `${recordings.length} recordings`,
    ),
    tried: tried.length,
  };
}

type Attempt = (profile: HostProfile) => Tried;

/** The best profile within reach: field by field up and down, in finer and finer steps. */
function descended(first: Tried, fields: readonly CalibratedField[], attempt: Attempt): Tried {
  let best = first;
  for (const step of STEPS) {
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = best.loss;
      for (const field of fields) best = betterIn(best, field, step, attempt);
      if (best.loss > before - NOTICED) break;
    }
  }
  return best;
}

function betterIn(best: Tried, field: CalibratedField, step: number, attempt: Attempt): Tried {
  for (const factor of [step, 1 / step]) {
    const profile = moved(best.profile, field, factor);
    const result = profile === null ? null : attempt(profile);
    if (result !== null && result.loss <= best.loss - NOTICED) return result;
  }
  return best;
}

/** By how much the loss rises when the field is moved, the smaller of both ways. */
function riseAround(fitted: Tried, field: CalibratedField, attempt: Attempt): number {
  const rises = [PROBE, 1 / PROBE].flatMap((factor) => {
    const profile = moved(fitted.profile, field, factor);
    return profile === null ? [] : [attempt(profile).loss - fitted.loss];
  });
  return rises.length === 0 ? 0 : rises.reduce((least, rise) => min(least, rise));
}

/** null: the field stays as it is. */
function moved(profile: HostProfile, field: CalibratedField, factor: number): HostProfile | null {
  const value = scaled(field, profile[field], factor);
  return value === profile[field] ? null : { ...profile, [field]: value };
}

/** A cost is a whole number, a share has two places and stays below 1. A field that is 0 stays 0. */
function scaled(field: CalibratedField, value: number, factor: number): number {
  if (field === 'siblingSlowdown') return min(0.9, round(value * factor * 100) / 100);
  return round(value * factor);
}

/** The profile that would have been chosen without this recording. */
function bestWithout(tried: readonly Tried[], left: number): Tried {
  const sum = ({ losses }: Tried): number =>
    losses.reduce((total, loss) => total + loss, 0) - nth(losses, left);
  return tried.reduce((best, one) => (sum(one) < sum(best) ? one : best));
}
