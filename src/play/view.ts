/** What the page draws of one run: a few hundred points of each curve, and the words of the terminal. */
import { nth } from '../lists.js';
import { show } from '../experiment/expect/measure.js';
import { PAGE_BYTES } from '../guest/spec.js';
import type { MigrationResult, SyncRecord } from '../migration/result.js';
import { type TimelineRow, timelineColumns } from '../report/columns/timeline.js';
import { type Point, thin } from '../report/figures/data/thin.js';
import { type Thought, thoughts } from '../report/terminal/decisions-text.js';
import { outcomeText } from '../report/terminal/kit/outcome.js';
import { largest } from '../stats/extremes.js';
import { MIB } from '../units.js';

export type Curve = readonly (number | null)[];

/** The curves of one run over `time`. */
export interface Curves {
  /** s since migrate was accepted. */
  readonly time: readonly number[];
  /** MiB. */
  readonly remaining: Curve;
  /** What may be left for the switchover to begin, MiB. */
  readonly threshold: Curve;
  /** Percent. */
  readonly throttle: Curve;
  /** Longest sleep at a full ring, ms. */
  readonly sleep: Curve;
  /** MiB/s. */
  readonly dirtyRate: Curve;
  readonly bandwidth: Curve;
  /** Percent of an unmigrated run. */
  readonly writers: Curve;
  readonly readers: Curve;
}

export interface VcpuView {
  readonly id: number;
  readonly group: string;
  readonly writes: boolean;
  /** 0..1 of an unmigrated run; null where it has nothing to do. */
  readonly workDone: number | null;
  /** The same in words: `writer 0: 91.5 % of its work`. */
  readonly text: string;
}

/** Something that happened at an instant, in words. */
export interface Event {
  /** s. */
  readonly time: number;
  readonly text: string;
}

export interface StrategyView {
  readonly label: string;
  readonly converged: boolean;
  /** `converged in 24.6 s`. */
  readonly outcome: string;
  readonly totalMs: number;
  /** Label and figure, as the terminal shows them. */
  readonly figures: readonly (readonly [label: string, text: string])[];
  readonly curves: Curves;
  readonly syncs: readonly Event[];
  readonly decisions: readonly Event[];
  /** Decisions beyond those listed. */
  readonly unlisted: number;
  readonly vcpus: readonly VcpuView[];
}

/** Parts of the time that keep their first, lowest, highest and last sample. */
const BINS = 150;
const MOST_EVENTS = 1000;

export function strategyView(result: MigrationResult): StrategyView {
  const found = thoughts(result.decisions);
  return {
    label: result.strategy,
    converged: result.converged,
    outcome: outcomeText(result),
    totalMs: result.totalTimeMs,
    figures: figuresOf(result),
    curves: curvesOf(result),
    syncs: result.syncs.slice(0, MOST_EVENTS).map(syncEvent),
    decisions: found.slice(0, MOST_EVENTS).map(decisionEvent),
    unlisted: Math.max(0, found.length - MOST_EVENTS),
    vcpus: result.vcpus.map((vcpu) => ({
      id: vcpu.id,
      group: vcpu.group,
      writes: vcpu.writeWorkDone !== null,
      workDone: vcpu.workDone,
      text: `vCPU ${vcpu.id}, ${vcpu.group}: ${show('share', vcpu.workDone)} of its work, longest stall ${show('ms', vcpu.longestStallMs)}`,
    })),
  };
}

function figuresOf(result: MigrationResult): (readonly [string, string])[] {
  const figures: (readonly [string, string])[] = [['downtime', show('ms', result.downtimeMs)]];
  if (result.why?.stallsAtBytes != null) figures.push(['stalls at', show('bytes', result.why.stallsAtBytes)]);
  const work = (writing: boolean): number | null => {
    const shares = result.vcpus
      .filter(({ writeWorkDone }) => (writeWorkDone !== null) === writing)
      .map(({ workDone }) => workDone)
      .filter((share) => share !== null);
    return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
  };
  const [writers, readers] = [work(true), work(false)];
  if (writers !== null) figures.push(['work by writers', show('share', writers)]);
  if (readers !== null) figures.push(['work by readers', show('share', readers)]);
  return figures;
}

function syncEvent(sync: SyncRecord): Event {
  const { n, cause, remainingBytes, newDirtyPages, timeMs } = sync;
  const dirtied = show('bytes', newDirtyPages * PAGE_BYTES);
  return {
    time: timeMs / 1e3,
    text: `sync ${n} (${cause}): ${dirtied} dirtied, ${show('bytes', remainingBytes)} remain`,
  };
}

function decisionEvent({ timeMs, text, rules }: Thought): Event {
  return { time: timeMs / 1e3, text: `${text} (${rules})` };
}

const COLUMNS = new Map(timelineColumns.map((column) => [column.name, column]));

/** Five digits are more than a screen can show. */
function scaled(row: TimelineRow, name: string, scale: number): number | null {
  const value = COLUMNS.get(name)?.get(row) ?? null;
  return value === null ? null : Number((Number(value) / scale).toPrecision(5));
}

function curvesOf(result: MigrationResult): Curves {
  const rows = thinned(result);
  const curve = (name: string, scale: number): Curve => rows.map((row) => scaled(row, name, scale));
  return {
    time: rows.map(({ point }) => point.timeMs / 1e3),
    remaining: curve('remaining_bytes', MIB),
    threshold: thresholds(rows, result.syncs),
    throttle: curve('throttle_percent', 1),
    sleep: curve('max_ring_full_sleep_us', 1e3),
    dirtyRate: curve('dirty_pages_per_s', MIB / PAGE_BYTES),
    bandwidth: curve('bandwidth_bytes_per_s', MIB),
    writers: curve('writers_work_share', 0.01),
    readers: curve('readers_work_share', 0.01),
  };
}

/** Peaks and edges of what remains stay, and of the throttle each step. */
function thinned(result: MigrationResult): TimelineRow[] {
  const { timeline } = result;
  const by = (value: (index: number) => number): Point[] =>
    thin(
      timeline.map((_, index) => ({ x: index, y: value(index) })),
      BINS,
    );
  const kept = new Set([
    ...by((index) => nth(timeline, index).remainingBytes).map(({ x }) => x),
    ...by((index) => nth(timeline, index).throttlePercent + largestSleep(result, index)).map(({ x }) => x),
  ]);
  return [...kept].sort((a, b) => a - b).map((index) => ({ result, point: nth(timeline, index) }));
}

function largestSleep({ timeline }: MigrationResult, index: number): number {
  return Math.max(0, largest(nth(timeline, index).vcpuSleepUs));
}

/** A threshold that a sync found holds until the next one. */
function thresholds(rows: readonly TimelineRow[], syncs: readonly SyncRecord[]): Curve {
  let next = 0;
  let held: number | null = null;
  return rows.map(({ point }) => {
    for (; next < syncs.length && nth(syncs, next).timeMs <= point.timeMs; next++) {
      const bytes = nth(syncs, next).thresholdBytes;
      held = bytes > 0 ? Number((bytes / MIB).toPrecision(5)) : held;
    }
    return held;
  });
}
