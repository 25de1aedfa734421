/**
 * How much a machine varies, from recordings of it: what each kind of variability shows directly, and repeats of one run
 * where there are some. Deviations are robust (the median of what lies off, as a normal distribution has it), because
 * recordings have stretches in which something else used the host: those are in the residuals of the model.
 */
import { keysOf, mapOf, pairs } from '../../lists.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { HostProfile } from '../../guest/spec.js';
import {
  variabilityKinds,
  type HostVariability,
  type VariabilityKind,
} from '../../guest/host-profiles/variability.js';
import { mean, median } from '../../stats/summary.js';
import type { Recording } from '../recording-file.js';
import type { RepeatedRun } from '../../formats/repeats.js';
import type { ValidatedRecording } from './summary.js';

const { abs, log, max, sqrt, SQRT2 } = Math;

/** What recordings say of one kind of variability. */
export interface FittedVariability {
  readonly kind: VariabilityKind;
  /** Of the profile that was started from; standard deviations of natural logarithms. */
  readonly before: number;
  /** The same where the recordings show too little of it. */
  readonly after: number;
  /** Observations. */
  readonly of: number;
}

/** A deviation from fewer observations is chance. */
const FEWEST = 6;
/** From the median of what lies off to the standard deviation of a normal distribution. */
const MAD_TO_DEVIATION = 1 / 0.6744897501960817;
/** Length of the stretches that a drift is between, s, as runs draw it. */
const STRETCH_S = 5;
/** Stop phases of which RAM is at least or at most this share show sending or the rest. */
const MOSTLY = 0.6;
/** A time in whole ms is known to so much, as a variance, ms². */
const ROUNDING = 1 / 12;

/** Differences of pairs, of which each end has half the variance; or deviations from a prediction. */
interface Observed {
  readonly pairs?: readonly number[];
  readonly singles?: readonly number[];
}

/**
 * `predicted`: the recordings predicted on `host` with nothing drawn, in the same order. A single migration shows sending and
 * the rest of a switchover only together, so that of either those stop phases count that are mostly it.
 */
export function fitVariability(
  recordings: readonly Recording[],
  predicted: readonly ValidatedRecording[],
  repeats: readonly RepeatedRun[],
  host: HostProfile,
): readonly FittedVariability[] {
  const phases = stopPhases(predicted, host);
  const observed: Readonly<Record<VariabilityKind, Observed>> = {
    vcpuSpeed: { pairs: measuredTwice(recordings, false) },
    pacedVcpuSpeed: { pairs: measuredTwice(recordings, true) },
    vcpuDrift: { pairs: recordings.flatMap(driftOf) },
    // What a whole run varies by shows only where no cap and no link limits it for long.
    send: {},
    sendDrift: { singles: phases.filter(({ ramShare }) => ramShare >= MOSTLY).map(({ off }) => off) },
    // Many waits of a run, of which it sees the mean.
    wake: {},
    sync: { singles: setupsOff(predicted) },
    switchover: switchovers(phases, repeats),
    resume: { singles: resumesOff(predicted) },
  };
  const beforeOf = (kind: VariabilityKind): number => host.variability?.[kind] ?? 0;
  return keysOf(variabilityKinds).map((kind) => {
    const one = fitted(kind, observed[kind], beforeOf(kind));
    // A stop phase is an instant, which meets what the run varies by and where its drift is.
    if (kind !== 'sendDrift' || one.of < FEWEST) return one;
    return { ...one, after: digits(sqrt(max(0, one.after ** 2 - beforeOf('send') ** 2))) };
  });
}

/** More than two are chance. */
function digits(value: number): number {
  return Number(value.toPrecision(2));
}

function fitted(
  kind: VariabilityKind,
  { pairs: two = [], singles = [] }: Observed,
  before: number,
): FittedVariability {
  const of = two.length + singles.length;
  if (of < FEWEST) return { kind, before, after: before, of };
  const deviations = [...two.map((one) => one / SQRT2), ...centred(singles)];
  const after = MAD_TO_DEVIATION * median(deviations.map(abs));
  return { kind, before, after: digits(after), of };
}

/** What all are off by is the profile's, not their variation. */
function centred(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  const middle = median(values);
  return values.map((value) => value - middle);
}

/** The speeds that each vCPU had in the two measurements before the migration. */
function measuredTwice(recordings: readonly Recording[], paced: boolean): number[] {
  return recordings.flatMap(({ guest }) =>
    guest.vcpus.flatMap(({ paceMicroseconds, pagesPerSecond, pagesPerSecondWhileLogged: second }) =>
      second == null || paceMicroseconds > 0 !== paced ? [] : [log(second / pagesPerSecond)],
    ),
  );
}

/** From one stretch to the next, of the vCPUs of a recording that nothing held back in either. */
function driftOf({ samples, syncs, guest }: Recording): number[] {
  const held = syncs.find((sync) => sync.throttlePercent > 0 || (sync.dirtyLimitThrottleUsPerRound ?? 0) > 0);
  const untilS = held?.t ?? Infinity;
  const ends = samples.rows.filter((row, at, rows) => {
    const [t = 0] = row;
    const [before = -Infinity] = rows[at - 1] ?? [];
    return t < untilS && Math.floor(t / STRETCH_S) > Math.floor(before / STRETCH_S);
  });
  return guest.vcpus.flatMap((_, id) => {
    const column = samples.columns.indexOf(`vcpu${id}Pages`);
    const speeds = [...pairs(ends)].map(
      ([from, to]) => ((to[column] ?? 0) - (from[column] ?? 0)) / ((to[0] ?? 0) - (from[0] ?? 0)),
    );
    return [...pairs(speeds)].filter(([a, b]) => a > 0 && b > 0).map(([a, b]) => log(b / a));
  });
}

/** How far the stop phase of a completed migration is off, and which share of it its RAM is reckoned to be. */
interface StopPhase {
  readonly id: string;
  readonly measuredMs: number;
  /** Of the natural logarithm. */
  readonly off: number;
  readonly ramShare: number;
}

/** From here on a pause of the user's, not the host, decides. */
const LONGEST_MS = 1000;

function stopPhases(predicted: readonly ValidatedRecording[], host: HostProfile): StopPhase[] {
  return predicted.flatMap(({ id, measured, predicted: { status, figures } }): StopPhase[] => {
    const [downtime, bytes] = [figures.downtimeMs.median, figures.downtimeBytes.median];
    const { downtimeMs } = measured;
    if (measured.status !== 'completed' || status !== 'completed') return [];
    if (downtimeMs === null || downtime === null || downtimeMs > LONGEST_MS) return [];
    if (downtimeMs === 0 || downtime === 0) return [];
    const ramMs = ((bytes ?? 0) / PAGE_BYTES) * (host.sendNsPerPage / 1e6);
    return [{ id, measuredMs: downtimeMs, off: log(downtimeMs / downtime), ramShare: ramMs / downtime }];
  });
}

/**
 * Repeats where there are enough: half the variance of ln(first / second), less what rounding to ms adds and what sending
 * varies by, is that of the rest of the switchover. Otherwise stop phases that are mostly not RAM.
 */
function switchovers(phases: readonly StopPhase[], repeats: readonly RepeatedRun[]): Observed {
  const share = new Map(phases.map(({ id, ramShare }) => [id, ramShare]));
  const sending = phases.filter(({ ramShare }) => ramShare >= MOSTLY);
  const sendVariance =
    sending.length < FEWEST ? 0 : mean(centred(sending.map(({ off }) => off)).map((x) => x * x));
  const twice = repeats.flatMap(({ id, downtimeMs }) => {
    const ramShare = share.get(id);
    if (downtimeMs === null || ramShare === undefined || ramShare > 0.9) return [];
    const [first, second] = downtimeMs;
    if (max(first, second) > LONGEST_MS) return [];
    const rounding = ROUNDING * (1 / first ** 2 + 1 / second ** 2);
    const both = log(second / first) ** 2 - rounding - 2 * ramShare ** 2 * sendVariance;
    return [both / (1 - ramShare) ** 2];
  });
  if (twice.length >= FEWEST) {
    // All as large as their mean square: a deviation of each pair alone would be cut at 0.
    const root = sqrt(max(0, mean(twice)));
    return { pairs: twice.map(() => root / MAD_TO_DEVIATION) };
  }
  return {
    singles: phases
      .filter(({ ramShare }) => ramShare <= 1 - MOSTLY)
      .map(({ off, ramShare }) => off / (1 - ramShare)),
  };
}

/** A setup of 1 ms is known to a quarter of itself. */
const SHORTEST_SETUP_MS = 2;

function setupsOff(predicted: readonly ValidatedRecording[]): number[] {
  return predicted.flatMap(({ measured, predicted: { figures } }) => {
    const [was, is] = [measured.setupTimeMs, figures.setupTimeMs.median];
    return was === null || is === null || was < SHORTEST_SETUP_MS || is === 0 ? [] : [log(was / is)];
  });
}

/** What lies between the end of the downtime and the RESUME of the destination. */
function resumesOff(predicted: readonly ValidatedRecording[]): number[] {
  return predicted.flatMap(({ measured, predicted: { figures } }) => {
    const { blackoutMs, downtimeMs, postcopyMs } = measured;
    const [blackout, downtime] = [figures.blackoutMs.median, figures.downtimeMs.median];
    if (blackoutMs === null || downtimeMs === null || blackout === null || downtime === null) return [];
    const [was, is] = [blackoutMs - downtimeMs, blackout - downtime];
    return postcopyMs === null && was > 0 && is > 0 ? [log(was / is)] : [];
  });
}

/** The figures as a profile has them. */
export function variabilityOf(fit: readonly FittedVariability[]): HostVariability {
  const after = new Map(fit.map((one) => [one.kind, one.after]));
  return mapOf(keysOf(variabilityKinds), (kind) => after.get(kind) ?? 0);
}
