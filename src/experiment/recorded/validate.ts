/** A recorded migration compared with what its guest's scenario predicts. */
import { keysOf, mapOf, nth } from '../../lists.js';
import { bandOf } from '../../guest/host-profiles/residuals.js';
import { drawsOf, type Band } from '../../stats/conformal.js';
import type { MigrationResult } from '../../migration/result.js';
import { learnFrom } from '../../recording/learn/learn-from-log.js';
import { median } from '../../stats/summary.js';
import { simulate } from '../simulate.js';
import type { MeasuredFigures, MeasuredSync, RecordedMigration } from './measured.js';
import { scenarioUnder, type ScenarioUnder } from './under.js';

/** How a recorded migration is predicted; all have defaults. */
export interface ValidateRecordOptions {
  /** Default 20. */
  readonly runs?: number;
  /** Unsigned 32-bit; default 1. */
  readonly seed?: number;
  /** Default `fluid`. */
  readonly memory?: 'page' | 'fluid';
  readonly onProgress?: () => void;
}

/** Figures that are compared. */
export type ComparedFigure = Exclude<keyof MeasuredFigures, 'completed'>;

export interface PredictedFigure {
  readonly measured: number | null;
  /** With everything uncertain at its median, else the median of the runs; of those that end as the recording does. null: none has it. */
  readonly point: number | null;
  /** 90 % band; null where there is none. */
  readonly band: Band | null;
  /** Whether the band holds what was measured; null where one of them is missing. */
  readonly holds: boolean | null;
}

/** A bitmap sync, measured and in the median of the runs that have it. */
export interface ComparedSync {
  readonly n: number;
  readonly measured: Omit<MeasuredSync, 'n'> | null;
  readonly predicted: Omit<MeasuredSync, 'n'> | null;
}

export interface ValidatedRecord {
  readonly recorded: RecordedMigration;
  readonly under: ScenarioUnder;
  /** Whether the guest was learned from the recording itself, so that nothing was predicted before. */
  readonly isLearned: boolean;
  readonly runs: number;
  /** Share of the runs (0..1) that complete. */
  readonly completedShare: number;
  readonly figures: Readonly<Record<ComparedFigure, PredictedFigure>>;
  readonly syncs: readonly ComparedSync[];
}

const FROM_RESULT: Readonly<Record<ComparedFigure, (result: MigrationResult) => number | null>> = {
  totalTimeMs: (result) => (result.converged ? result.totalTimeMs : null),
  downtimeMs: (result) => result.downtimeMs,
  dirtySyncCount: (result) => result.dirtySyncCount,
  transferredBytes: (result) => result.sentBytes,
  normalPages: (result) => result.normalPages,
  zeroPages: (result) => result.zeroPages,
  maxThrottlePercent: (result) => result.maxThrottlePercent,
};

const DEFAULT_RUNS = 20;
/** Syncs beyond these are of a plateau, and alike. */
const COMPARED_SYNCS = 10;

/**
 * Predicts a recorded migration from a scenario of its guest, under the settings that were in force.
 *
 * @param guest text and name of a scenario; null: the guest is learned from the recording itself
 * @throws UsageError when it is no scenario, or what was in force cannot be simulated
 */
export function validateRecord(
  recorded: RecordedMigration,
  guest: { readonly text: string; readonly file: string } | null,
  options: ValidateRecordOptions = {},
): ValidatedRecord {
  const { runs = DEFAULT_RUNS, seed = 1, memory = 'fluid', onProgress } = options;
  const { text, file } = guest ?? {
    text: learnFrom({ kind: 'migration', log: recorded.log }).scenario,
    file: recorded.file,
  };
  const under = scenarioUnder(text, file, recorded.conditions, recorded.measured.totalTimeMs ?? 0);
  const { scenario } = under;
  const strategy = nth(scenario.strategies, 0);
  const steady = simulate(scenario, strategy, { seed, draw: false, memory });
  const results = Array.from({ length: runs }, (_, at) => {
    const result = simulate(scenario, strategy, { seed, run: at + 1, memory });
    onProgress?.();
    return result;
  });
  const { residuals } = scenario.setup.host;
  // What a run sends that never completes says nothing of one that does.
  const endsAlike = ({ converged }: MigrationResult): boolean => converged === recorded.measured.completed;
  const alike = results.filter(endsAlike);
  const figures = mapOf(keysOf(FROM_RESULT), (name) => {
    const values = alike.flatMap((result) => FROM_RESULT[name](result) ?? []);
    const point = endsAlike(steady) ? FROM_RESULT[name](steady) : null;
    return compared(name, recorded.measured[name], values, point, residuals);
  });
  return {
    recorded,
    under,
    isLearned: guest === null,
    runs,
    completedShare: results.filter(({ converged }) => converged).length / runs,
    figures,
    syncs: comparedSyncs(recorded.syncs, results),
  };
}

function compared(
  name: ComparedFigure,
  measured: number | null,
  values: readonly number[],
  point: number | null,
  residuals: Parameters<typeof bandOf>[2],
): PredictedFigure {
  if (values.length === 0) return { measured, point, band: null, holds: null };
  const draws = drawsOf(values, point ?? undefined);
  const band = bandOf(name, draws, residuals);
  const holds = measured === null || band === null ? null : band.low <= measured && measured <= band.high;
  return { measured, point: draws.point, band, holds };
}

function comparedSyncs(
  measured: readonly MeasuredSync[],
  results: readonly MigrationResult[],
): ComparedSync[] {
  const most = Math.max(measured.at(-1)?.n ?? 0, median(results.map(({ syncs }) => syncs.length)));
  const found: ComparedSync[] = [];
  // The first sync is that of setup: everything remains.
  for (let n = 2; n <= Math.min(most, COMPARED_SYNCS); n += 1) {
    const own = measured.find((sync) => sync.n === n) ?? null;
    const those = results.flatMap(({ syncs }) => syncs.find((sync) => sync.n === n) ?? []);
    const predicted =
      those.length * 2 < results.length
        ? null
        : {
            timeMs: median(those.map(({ timeMs }) => timeMs)),
            remainingBytes: median(those.map(({ remainingBytes }) => remainingBytes)),
          };
    if (own !== null || predicted !== null) found.push({ n, measured: own, predicted });
  }
  return found;
}
