/** What a thread can be asked to do: plain data in, plain data out. Each task loads the modules that it needs. */
import type { FigureOptions } from '../api/figures.js';
import { UsageError } from '../errors.js';
import type { Drain } from '../experiment/drain.js';
import type { LearnedGuestperfRun } from '../experiment/learn-guestperf.js';
import type { Refusal } from '../experiment/parallel/refusal.js';
import type { LogFile } from '../formats/readers/read-logs.js';
import { nth } from '../lists.js';
import type { LearnResult } from '../recording/learn/learn-from-log.js';
import type { LearnOptions } from '../recording/learn/learned.js';
import type { CalibrateOptions, Calibration } from '../recording/validate/calibrate.js';
import type { ValidateOptions, Validation } from '../recording/validate/validate.js';
import type { Drawing } from '../report/figures/kit/figure.js';
import type { Selection } from '../report/figures/data/results.js';
import type { PaperFormat } from './options/table-format.js';

interface Asked<Options> {
  readonly paths: readonly string[];
  readonly options: Options;
}

/** What each task takes, and what comes of it. */
export interface LongTasks {
  readonly validate: readonly [Asked<Omit<ValidateOptions, 'onProgress'>>, Validation];
  readonly calibrate: readonly [Asked<Omit<CalibrateOptions, 'onTried'>>, Calibration];
  readonly learn: readonly [LearnTask, LearnAnswer];
  readonly drain: readonly [DrainTask, readonly Drain[]];
  readonly plot: readonly [PlotTask, readonly Drawn[]];
  readonly report: readonly [ReportTask, string];
}

export const longTasks: {
  readonly [Name in keyof LongTasks]: (
    task: LongTasks[Name][0],
    onStep: () => void,
  ) => Promise<LongTasks[Name][1]>;
} = {
  async validate({ paths, options }, onStep) {
    const { validateRecordings } = await import('../recording/validate/validate.js');
    return validateRecordings(paths, { ...options, onProgress: onStep });
  },

  async calibrate({ paths, options }, onStep) {
    const { calibrateHost } = await import('../recording/validate/calibrate.js');
    const { readRecordings } = await import('../recording/validate/validate.js');
    return calibrateHost(readRecordings(paths), { ...options, onTried: onStep });
  },

  async learn({ files, options, predict }) {
    const { readLogs } = await import('../formats/readers/read-logs.js');
    const read = readLogs(files);
    if (read.kind === 'guestperf') {
      const { learnFromGuestperf } = await import('../experiment/learn-guestperf.js');
      return { kind: 'guestperf', run: learnFromGuestperf(read.text, nth(files, 0).file) };
    }
    const { learnFrom } = await import('../recording/learn/learn-from-log.js');
    const result = learnFrom(read, options);
    return { kind: 'log', result, predictions: await predictionsOf(result, nth(files, 0).file, predict) };
  },

  async drain({ guests, ways, strategy, seed, memory }, onStep) {
    const { drain } = await import('../experiment/drain.js');
    const { chosen } = await import('../experiment/parallel/run-worker.js');
    const given = await Promise.all(
      guests.map(async ({ copies, ...one }) => ({
        copies,
        guest: await chosen({ ...one, strategy, policy: null }),
      })),
    );
    const all = given.flatMap(({ copies, guest }) => Array.from({ length: copies }, () => guest));
    return ways.map((parallel) => drain(all, { parallel, seed, memory, onGuest: onStep }));
  },

  async plot({ path, figures, format }) {
    const { drawFigures } = await import('../api/figures.js');
    const drawings: readonly Drawing[] = await drawFigures(path, figures);
    if (format === 'svg') return drawings.map(({ name, svg }) => ({ name, content: svg }));
    const { pngOf } = await import('../report/figures/kit/png.js');
    const { SHEETS } = await import('../report/figures/kit/sheet.js');
    return drawings.map(({ name, svg }) => ({ name, content: pngOf(svg, SHEETS[figures.width ?? 'two']) }));
  },

  async report({ path, isFile, selection, format, title }) {
    const { readResults } = await import('../report/figures/data/results.js');
    const { readProvenance } = await import('../report/files/provenance.js');
    const results = await readResults(path, selection);
    const provenance = isFile ? null : readProvenance(path);
    if (format === 'html') {
      const { htmlReport } = await import('../report/html/page.js');
      return htmlReport({ results, provenance, title });
    }
    const { cellsBy, sweepKeys } = await import('../report/figures/data/sweep-keys.js');
    const { paperTable } = await import('./work/paper-table.js');
    if (results.runs.length === 0)
      throw new UsageError('no runs.csv in it, from which the table is made', { file: path });
    const tables = cellsBy(results.runs, sweepKeys(results.runs)).map(({ what, rows }) =>
      paperTable(format, rows, provenance, what),
    );
    return tables.join('\n');
  },
};

export interface LearnTask {
  readonly files: readonly LogFile[];
  readonly options: LearnOptions;
  /** Whether to predict the guest's next migrations. */
  readonly predict: boolean;
}

export type LearnAnswer =
  | { readonly kind: 'log'; readonly result: LearnResult; readonly predictions: readonly string[] }
  | { readonly kind: 'guestperf'; readonly run: LearnedGuestperfRun };

/** Figures that a log can have and a scenario cannot end here, and not in a file that nothing loads. */
async function predictionsOf(
  { scenario, learned, outlook }: LearnResult,
  file: string,
  predict: boolean,
): Promise<readonly string[]> {
  const { parseScenario } = await import('../scenario/parse.js');
  try {
    const loaded = parseScenario(scenario, file);
    if (!predict || learned.guest.classes.length === 0) return [];
    const { loggedOf } = await import('../recording/learn/answer/outlook.js');
    const { predictionLines } = await import('../report/terminal/learned-prediction.js');
    const { wasThrottled } = await import('../recording/learn/learned.js');
    // What auto-converge did is in what was learned.
    const strategies = wasThrottled(learned) ? (['none'] as const) : (['none', 'auto-converge'] as const);
    return predictionLines(loaded, strategies, loggedOf(learned, outlook));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const what = nth(error.message.replace(/^.*?:\d+(?::\d+)?: /, '').split('\n'), 0);
    throw new UsageError(`its figures describe a guest that cannot be simulated: ${what}`, { file });
  }
}

export interface DrainTask {
  /** Scenarios by their text and the values put in, and how many guests of each. */
  readonly guests: readonly {
    readonly text: string;
    readonly file: string;
    readonly set: readonly string[];
    readonly copies: number;
  }[];
  /** Migrations at a time, of each way to do it. */
  readonly ways: readonly number[];
  /** As `--strategy` takes it; null: the first that each scenario lists. */
  readonly strategy: string | null;
  readonly seed: number;
  readonly memory: 'page' | 'fluid';
}

export interface PlotTask {
  readonly path: string;
  readonly figures: FigureOptions;
  readonly format: 'svg' | 'png';
}

/** A figure as it is written. */
export interface Drawn {
  readonly name: string;
  readonly content: string | Uint8Array;
}

export interface ReportTask {
  readonly path: string;
  /** A recording, and not a folder of results. */
  readonly isFile: boolean;
  readonly selection: Selection;
  readonly format: 'html' | PaperFormat;
  readonly title: string;
}

/** What the thread says: one step is done, all of it is, or why it cannot be done. */
export type LongWorkMessage<Result> = { readonly step: true } | { readonly result: Result } | Refusal;
