/** What a recording shows and what its predictions say, under the same names. */
import { keysOf, mapOf } from '../../lists.js';
import type { MigrationResult, SyncRecord } from '../../migration/result.js';
import { median, quantile } from '../../stats/summary.js';
import type { Recording } from '../recording-file.js';
import { accessesOf } from './guest-of.js';

const { max, round } = Math;

/** What is compared, with the names of a recording's `result`. null: not measured, or there was none. */
export interface Outcome {
  readonly totalTimeMs: number | null;
  readonly downtimeMs: number | null;
  /** What the guest felt: from the source's STOP to the destination's RESUME. Not compared where a command had stopped it. */
  readonly blackoutMs: number | null;
  readonly setupTimeMs: number | null;
  readonly dirtySyncCount: number | null;
  readonly transferredBytes: number | null;
  readonly normalPages: number | null;
  readonly zeroPages: number | null;
  readonly downtimeBytes: number | null;
  readonly multifdBytes: number | null;
  /** XBZRLE: pages found in the cache, their encoded bytes, pages that were not there, differences larger than a page. */
  readonly xbzrlePages: number | null;
  readonly xbzrleBytes: number | null;
  readonly xbzrleCacheMiss: number | null;
  readonly xbzrleOverflow: number | null;
  /** Post-copy: how long it lasted, bytes, pages requested, and the time for which vCPUs waited for them, all vCPUs together. */
  readonly postcopyMs: number | null;
  readonly postcopyBytes: number | null;
  readonly postcopyRequests: number | null;
  readonly postcopyBlockedMs: number | null;
  /** The first sync after which a throttle step or a sleep at full rings was seen: its number, and when. */
  readonly firstThrottleSync: number | null;
  readonly firstThrottleMs: number | null;
  readonly maxThrottlePercent: number | null;
  /** Longest sleep at a full ring, µs. */
  readonly maxDirtyLimitThrottleUsPerRound: number | null;
  /** Each percentage of a throttle and the first sync that saw it, in order of the syncs; empty where there was none. */
  readonly throttleSteps: readonly ThrottleStep[];
  /** Accesses of each vCPU during the migration. */
  readonly vcpuAccesses: readonly number[];
}
/** The figures of an `Outcome`. */
export type OutcomeName = Exclude<keyof Outcome, 'vcpuAccesses' | 'throttleSteps'>;

/** A CPU throttle and the number of the first sync that saw it. */
export interface ThrottleStep {
  readonly sync: number;
  readonly percent: number;
}

/** How a recorded migration ended: `cancelled` by a command that was given while it ran. */
export type Verdict = 'completed' | 'not-converged' | 'cancelled';

/** A predicted figure, of the runs that have it. */
export interface Spread {
  /** The prediction: the median of the runs with everything uncertain at its median. */
  readonly median: number | null;
  /** 5th and 95th percentile of the runs that draw it. */
  readonly p5: number | null;
  readonly p95: number | null;
}

/** What the runs of one recording predict. */
export interface Prediction {
  /** What most runs with everything uncertain at its median say. */
  readonly status: Verdict;
  /** Share of the drawn runs (0..1) that complete. */
  readonly completedShare: number;
  readonly figures: Readonly<Record<OutcomeName, Spread>>;
  /** Percentages that most seeds come to, each at the median of its syncs. */
  readonly throttleSteps: readonly ThrottleStep[];
  readonly vcpuAccesses: readonly Spread[];
}

function verdictOf(status: string): Verdict {
  return status === 'completed' || status === 'cancelled' ? status : 'not-converged';
}

/** Of verdicts that are as frequent the one that is named first here. */
function mostFrequent(verdicts: readonly Verdict[]): Verdict {
  const count = (verdict: Verdict): number => verdicts.filter((one) => one === verdict).length;
  return VERDICTS.reduce((most, verdict) => (count(verdict) > count(most) ? verdict : most));
}
const VERDICTS = ['completed', 'not-converged', 'cancelled'] as const;

/** Its user misses each page once. */
function usesXbzrle({ xbzrleMisses }: MigrationResult): boolean {
  return xbzrleMisses > 0;
}

function blockedMs({ vcpus }: MigrationResult): number {
  return vcpus.reduce((sum, { postcopyBlockedMs }) => sum + postcopyBlockedMs, 0);
}

/** From `result`, and from the samples what it does not say. */
export function measuredOutcome(recording: Recording): Outcome & { readonly status: Verdict } {
  const { result, syncs, samples, guest } = recording;
  const status = verdictOf(result.status);
  const totalTimeMs = result.totalTimeMs ?? result.gaveUpAfterMs ?? null;
  const ended = status === 'completed';
  const postcopy = result.postcopy ?? null;
  const throttled = syncs.find(
    (sync) => sync.throttlePercent > 0 || (sync.dirtyLimitThrottleUsPerRound ?? 0) > 0,
  );
  const throttleColumn = samples.columns.indexOf('throttlePercent');
  const sampled = samples.rows.find((row) => (row[throttleColumn] ?? 0) > 0);
  const firstThrottle = throttled === undefined ? null : Math.min(throttled.t, sampled?.[0] ?? Infinity);
  return {
    status,
    totalTimeMs,
    downtimeMs: result.downtimeMs ?? null,
    blackoutMs: result.stopToResumeMs == null ? null : round(result.stopToResumeMs),
    setupTimeMs: result.setupTimeMs,
    dirtySyncCount: result.dirtySyncCount,
    transferredBytes: result.transferredBytes,
    normalPages: result.normalPages,
    zeroPages: result.zeroPages,
    downtimeBytes: ended ? result.downtimeBytes : null,
    multifdBytes: result.multifdBytes ?? null,
    xbzrlePages: result.xbzrle?.pages ?? null,
    xbzrleBytes: result.xbzrle?.bytes ?? null,
    xbzrleCacheMiss: result.xbzrle?.cacheMiss ?? null,
    xbzrleOverflow: result.xbzrle?.overflow ?? null,
    postcopyMs: postcopy === null || !ended ? null : round((totalTimeMs ?? 0) - postcopy.startedMs),
    postcopyBytes: postcopy?.bytes ?? null,
    postcopyRequests: postcopy?.requests ?? null,
    postcopyBlockedMs: postcopy?.vcpuBlocktimeMs?.reduce((sum, ms) => sum + ms, 0) ?? null,
    firstThrottleSync: throttled?.n ?? null,
    firstThrottleMs: firstThrottle === null ? null : round(firstThrottle * 1000),
    maxThrottlePercent: syncs.reduce((most, sync) => max(most, sync.throttlePercent), 0),
    maxDirtyLimitThrottleUsPerRound: syncs.reduce<number | null>(
      (most, { dirtyLimitThrottleUsPerRound: sleep }) => (sleep === null ? most : max(most ?? 0, sleep)),
      null,
    ),
    throttleSteps: stepsOf(syncs),
    vcpuAccesses: guest.vcpus.map((_, id) => accessesDuring(recording, id, totalTimeMs ?? 0)),
  };
}

/** A throttle only rises until the migration ends and lifts it. */
function stepsOf(syncs: readonly { readonly n: number; readonly throttlePercent: number }[]): ThrottleStep[] {
  const steps: ThrottleStep[] = [];
  for (const { n, throttlePercent } of syncs) {
    if (throttlePercent > (steps.at(-1)?.percent ?? 0)) steps.push({ sync: n, percent: throttlePercent });
  }
  return steps;
}

/** The samples begin a little after the migration and end a little before: scaled to the whole of it. */
function accessesDuring({ samples }: Recording, vcpu: number, totalTimeMs: number): number {
  const column = samples.columns.indexOf(`vcpu${vcpu}Pages`);
  const first = samples.rows[0];
  const last = samples.rows.at(-1);
  if (first === undefined || last === undefined || last === first) return 0;
  const seconds = (last[0] ?? 0) - (first[0] ?? 0);
  return round((((last[column] ?? 0) - (first[column] ?? 0)) / seconds) * (totalTimeMs / 1000));
}

/** How each figure is read from a run. Where only some seeds have a value, the spread is over those. */
const FIGURES: Readonly<Record<OutcomeName, (result: MigrationResult) => number | null>> = {
  totalTimeMs: (r) => r.totalTimeMs,
  downtimeMs: (r) => r.downtimeMs,
  blackoutMs: (r) => r.blackoutMs,
  setupTimeMs: (r) => r.setupTimeMs,
  dirtySyncCount: (r) => r.dirtySyncCount,
  transferredBytes: (r) => r.sentBytes,
  normalPages: (r) => r.normalPages,
  zeroPages: (r) => r.zeroPages,
  downtimeBytes: (r) => (r.converged ? r.downtimeBytes : null),
  multifdBytes: (r) => (r.multifdBytes > 0 ? r.multifdBytes : null),
  xbzrlePages: (r) => (usesXbzrle(r) ? r.xbzrlePages : null),
  xbzrleBytes: (r) => (usesXbzrle(r) ? r.xbzrleBytes : null),
  xbzrleCacheMiss: (r) => (usesXbzrle(r) ? r.xbzrleMisses : null),
  xbzrleOverflow: (r) => (usesXbzrle(r) ? r.xbzrleOverflows : null),
  postcopyMs: (r) => (r.postcopyTimeMs > 0 ? r.postcopyTimeMs : null),
  postcopyBytes: (r) => (r.postcopyTimeMs > 0 ? r.postcopyBytes : null),
  postcopyRequests: (r) => (r.postcopyTimeMs > 0 ? r.postcopyRequests : null),
  postcopyBlockedMs: (r) => (r.postcopyTimeMs > 0 ? blockedMs(r) : null),
  firstThrottleSync: (r) => firstThrottled(r)?.n ?? null,
  firstThrottleMs: (r) => firstThrottled(r)?.timeMs ?? null,
  maxThrottlePercent: (r) => r.maxThrottlePercent,
  maxDirtyLimitThrottleUsPerRound: (r) => (r.maxRingFullSleepUs > 0 ? r.maxRingFullSleepUs : null),
};

/** A recording shows a sleep at full rings at the syncs only: the first sync that saw a restraint, here as there. */
function firstThrottled(result: MigrationResult): SyncRecord | undefined {
  return result.syncs.find(
    (sync) => sync.throttlePercent > 0 || sync.vcpuSleepUs.some((sleepUs) => sleepUs > 0),
  );
}

export const OUTCOME_NAMES = keysOf(FIGURES);

/**
 * `undrawn`: runs with everything uncertain at its median, which say what is predicted; `drawn`: runs that draw it, which say
 * how far it may be off. Where nothing is drawn they are the same.
 */
export function predictionFrom(
  recording: Recording,
  drawn: readonly MigrationResult[],
  undrawn: readonly MigrationResult[] = drawn,
): Prediction {
  const completed = drawn.filter((result) => result.converged);
  const status = mostFrequent(undrawn.map((result) => verdictOf(result.status)));
  // Figures of a verdict come from the runs that ended so: a mean of both kinds would be of neither.
  const alike = (results: readonly MigrationResult[]): readonly MigrationResult[] =>
    results.filter((result) => verdictOf(result.status) === status);
  const predicting = alike(undrawn);
  const drawnAlike = alike(drawn);
  const varying = drawnAlike.length > 0 ? drawnAlike : predicting;
  const spreadOf = (figure: (result: MigrationResult) => number | null): Spread =>
    spread(predicting.map(figure), varying.map(figure));
  const vcpus = predicting[0]?.vcpus ?? [];
  return {
    status,
    completedShare: completed.length / max(1, drawn.length),
    figures: mapOf(OUTCOME_NAMES, (name) => spreadOf(FIGURES[name])),
    throttleSteps: commonSteps(predicting.map(({ syncs }) => stepsOf(syncs))),
    vcpuAccesses: vcpus.map((_, id) => spreadOf((result) => accessesOf(recording, result, id))),
  };
}

function commonSteps(ladders: readonly (readonly ThrottleStep[])[]): ThrottleStep[] {
  const syncsOf = new Map<number, number[]>();
  for (const { sync, percent } of ladders.flat())
    syncsOf.set(percent, [...(syncsOf.get(percent) ?? []), sync]);
  return [...syncsOf]
    .filter(([, syncs]) => syncs.length * 2 > ladders.length)
    .map(([percent, syncs]) => ({ sync: round(median(syncs)), percent }))
    .sort((a, b) => a.percent - b.percent);
}

function spread(predicting: readonly (number | null)[], varying: readonly (number | null)[]): Spread {
  const drawn = varying.filter((value) => value !== null);
  const undrawn = predicting.filter((value) => value !== null);
  const values = undrawn.length > 0 ? undrawn : drawn;
  if (values.length === 0) return { median: null, p5: null, p95: null };
  const spreading = drawn.length > 0 ? drawn : values;
  return {
    median: round(median(values)),
    p5: round(quantile(spreading, 0.05)),
    p95: round(quantile(spreading, 0.95)),
  };
}
