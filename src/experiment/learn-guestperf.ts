/** A report of guestperf in, the scenario of its run and a comparison with the report out. */
import { nth } from '../lists.js';
import type { MigrationResult } from '../migration/result.js';
import { type GuestperfReport, readGuestperf } from '../formats/guestperf/read.js';
import {
  guestperfScenarioText,
  learnGuestperf,
  type LearnedGuestperf,
} from '../recording/learn/learn-guestperf.js';
import { parseScenario } from '../scenario/parse.js';
import { median } from '../stats/summary.js';
import { simulate } from './simulate.js';
import { largest } from '../stats/extremes.js';

const { abs } = Math;

/** The run of a guestperf report as migsim has it: its scenario, and its figures next to the simulated ones. */
export interface LearnedGuestperfRun {
  readonly learned: LearnedGuestperf;
  /** Text of a scenario file. */
  readonly scenario: string;
  readonly check: GuestperfCheck;
}

/** One figure as reported and as simulated; null where there is none. */
export interface Beside {
  readonly reported: number | null;
  readonly simulated: number | null;
}

/** A pass, or those between two records of a report that missed some. */
export interface GuestperfPass {
  /** `dirty-sync-count` during it, and after it. */
  readonly from: number;
  readonly to: number;
  readonly lengthMs: Beside;
  /** The rest is as the sync that ends it leaves it; the report's is up to one poll later. */
  readonly remainingBytes: Beside;
  readonly sentBytes: Beside;
  readonly throttlePercent: Beside;
}

/** The report compared with the simulation of its run. */
export interface GuestperfCheck {
  readonly passes: readonly GuestperfPass[];
  readonly status: { readonly reported: string; readonly simulated: string };
  readonly totalTimeMs: Beside;
  readonly downtimeMs: Beside;
  readonly syncs: Beside;
  readonly sentBytes: Beside;
  /** Over the lengths of passes of a second or more: median and largest |simulated / reported - 1|; null when there is none. */
  readonly medianDeviation: number | null;
  readonly largestDeviation: number | null;
}

/** guestperf looks every 50 ms: the length of a shorter pass is not known to 10 %. */
const COMPARED_MS = 1000;

/** @throws UsageError with the place of what cannot be read, or cannot be */
export function learnFromGuestperf(text: string, file: string): LearnedGuestperfRun {
  const report = readGuestperf(text, file);
  const learned = learnGuestperf(report);
  const scenario = parseScenario(guestperfScenarioText(learned, null), file);
  const result = simulate(scenario, nth(scenario.strategies, 0), { memory: 'fluid' });
  const check = beside(report, result);
  return { learned, scenario: guestperfScenarioText(learned, inWords(check)), check };
}

function beside(report: GuestperfReport, result: MigrationResult): GuestperfCheck {
  const passes = passesBeside(report, result);
  const deviations = passes.flatMap(({ lengthMs: { reported, simulated } }) =>
    reported === null || simulated === null || reported < COMPARED_MS ? [] : [abs(simulated / reported - 1)],
  );
  const { progress_history: history, samples } = report;
  const [first] = history;
  const end = history.at(-1);
  const last = samples.at(-1);
  const startS = first === undefined ? 0 : first.now - first.duration / 1000;
  const completed = end?.status === 'completed';
  const endMs = end === undefined ? null : end.duration > 0 ? end.duration : (end.now - startS) * 1000;
  const some = deviations.length > 0;
  return {
    passes,
    status: { reported: end?.status ?? 'none', simulated: result.status },
    totalTimeMs: { reported: endMs, simulated: result.totalTimeMs },
    downtimeMs: { reported: completed ? end.downtime : null, simulated: result.downtimeMs },
    syncs: { reported: last?.dirtySyncCount ?? null, simulated: result.dirtySyncCount },
    sentBytes: { reported: last?.transferredBytes ?? null, simulated: result.sentBytes },
    medianDeviation: some ? median(deviations) : null,
    largestDeviation: some ? largest(deviations) : null,
  };
}

/** Between records: guestperf keeps the first reply of each dirty-sync-count. The first pass begins when setup ends. */
function passesBeside({ samples }: GuestperfReport, result: MigrationResult): GuestperfPass[] {
  const records = samples.filter(
    ({ status, dirtySyncCount }, at) =>
      dirtySyncCount >= 1 &&
      status !== 'completed' &&
      (at === 0 || dirtySyncCount > nth(samples, at - 1).dirtySyncCount),
  );
  const hasThrottle = samples.some(({ throttlePercent }) => throttlePercent > 0);
  const throttled = result.syncs.some(({ throttlePercent }) => throttlePercent > 0);
  return records.slice(1).map((to, index): GuestperfPass => {
    const from = nth(records, index);
    const isFirst = from.dirtySyncCount === 1;
    const began = result.syncs.find(({ n }) => n === from.dirtySyncCount);
    const ended = result.syncs.find(({ n }) => n === to.dirtySyncCount);
    const beganMs = isFirst ? result.setupTimeMs : began?.timeMs;
    const reportedBeganMs = isFirst ? (from.setupTimeMs ?? 0) : from.tUs / 1000;
    const known = ended !== undefined && beganMs !== undefined;
    return {
      from: from.dirtySyncCount,
      to: to.dirtySyncCount,
      lengthMs: {
        reported: to.tUs / 1000 - reportedBeganMs,
        simulated: known ? ended.timeMs - beganMs : null,
      },
      remainingBytes: { reported: to.remainingBytes, simulated: ended?.remainingBytes ?? null },
      sentBytes: { reported: to.transferredBytes, simulated: ended?.sentBytes ?? null },
      throttlePercent: {
        // Until 2023 guestperf asked for the throttle by a name that was gone: all zeros say nothing.
        reported: hasThrottle || !throttled ? to.throttlePercent : null,
        simulated: ended?.throttlePercent ?? null,
      },
    };
  });
}

function inWords({ medianDeviation, largestDeviation, passes, totalTimeMs }: GuestperfCheck): string {
  const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`;
  const { reported, simulated } = totalTimeMs;
  const total =
    reported === null || simulated === null || reported === 0
      ? ''
      : ` The total time differs by ${percent(abs(simulated / reported - 1))}.`;
  if (medianDeviation === null || largestDeviation === null)
    return `Simulated, it has no pass of a second or more to compare with the report.${total}`;
  return (
    `Simulated, the lengths of its ${passes.length} passes (those of a second or more) differ from the report by ` +
    `${percent(medianDeviation)} (median), ${percent(largestDeviation)} at most.${total}`
  );
}
