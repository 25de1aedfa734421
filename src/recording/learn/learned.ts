/** What is known of a guest after learning, and what the caller can state beforehand. */
import type { DirtyPoint, UniformSet } from '../../guest/dirty-curve.js';
import type { ZeroExtent } from '../../guest/spec.js';
import { formatBytesPerSecond } from '../../units.js';
import type { LogSource } from '../../formats/migration-log.js';
import type { QemuVersion } from '../../migration/rules/versions.js';
import { throttlesAlways } from '../../policies/kit/always-on.js';
import type { MemoryLayout } from './memory-layout.js';
import type { Pass } from './passes.js';

/** What the log does not say; all have defaults. */
export interface LearnOptions {
  /** Entries of a dirty ring that the logged guest had; default 0: the log does not say, the bitmap log is QEMU's default. */
  readonly dirtyRingSize?: number;
  /** ms; default: what the log shows, else QEMU's 300. */
  readonly downtimeLimitMs?: number;
  /** bytes/s; default: what the log shows. */
  readonly maxBandwidth?: number;
  /** Guest RAM, bytes; default: `total` less what goes beyond the last 64 MiB border (ROMs and video memory). */
  readonly memoryBytes?: number;
  /** vCPUs of the guest, each with an equal part of the load in a part of memory of its own; default 4: the log does not say. */
  readonly vcpus?: number;
  /**
   * Share of its run time, 0..1, that the load needs; default 0.83, an assumption. What it does not need absorbs the cost of
   * dirty tracking and makes up for throttles and sleeps (`VcpuSpec.catchesUp`).
   */
  readonly cpu?: number;
}

/** A reading of the dirty curve: passes of about the same length, put together. */
export interface CurveReading extends WeightedPoint {
  /** Its passes, as indexes into those of the log. */
  readonly passes: readonly number[];
  /** Pages in the 5th and 95th percentile of its passes; equal to `pages` for one. */
  readonly low: number;
  readonly high: number;
}

/** Where a log that did not converge settled: means over its passes. */
export interface Plateau {
  readonly passUs: number;
  readonly newPages: number;
  readonly remainingPages: number;
  readonly passes: number;
}

/** The guest that the log is of. Sizes are in pages of 4 KiB. */
export interface LearnedGuest {
  readonly ramPages: number;
  readonly hiddenPages: number;
  /** In address order, disjoint; pages from `ramPages` on are hidden. */
  readonly zeroExtents: readonly ZeroExtent[];
  readonly zeroPages: number;
  readonly dirtyRingSize: number;
  readonly vcpus: number;
  readonly cpu: number;
  /** Whether nothing says it: `cpu` is then the median of `CPU_SPREAD`. */
  readonly cpuAssumed: boolean;
  /** Where zero pages and load lie when it is migrated again; ROMs and video memory are taken for zero. */
  readonly layout: MemoryLayout;
  /** What the log's syncs found. */
  readonly readings: readonly CurveReading[];
  /** The guest's dirty curve: at first the readings, after `refine` the curve whose syncs find them. */
  readonly curve: readonly DirtyPoint[];
  /** How the sets are written: each page as likely as another, or one after another. */
  readonly pattern: LoadPattern;
  /** The sets that the curve falls into. */
  readonly classes: readonly UniformSet[];
  /** Relative root mean square error of the classes at the curve's points. */
  readonly residual: number;
  /** Left out where the log says how fast the load goes. */
  readonly intensity?: Intensity;
}

/** How much faster or slower than its classes a load may go whose passes a log bounds from both sides, as factors. */
export interface Intensity {
  readonly low: number;
  readonly high: number;
  /** How long passes are at the highest, us; null where they shrink. */
  readonly longestUs: number | null;
}

/** At the highest intensity that the log leaves open. */
export function atMost(learned: Learned): Learned {
  const { guest } = learned;
  const { intensity } = guest;
  if (intensity === undefined) return learned;
  const classes = guest.classes.map(({ pages, writesPerSecond }) => ({
    pages,
    writesPerSecond: writesPerSecond * intensity.high,
  }));
  return { ...learned, guest: { ...guest, classes } };
}

/** How the logged migration went, and with which parameters. */
export interface LearnedMigration {
  /** bytes/s; 0: the link was the limit. */
  readonly maxBandwidth: number;
  /** Whether the log or the options say it; else it is taken from the log's windows. */
  readonly maxBandwidthSaid: boolean;
  /** bytes/s that the log's windows carried. */
  readonly bytesPerSecond: number;
  readonly downtimeLimitMs: number;
  /** KVM re-arms pages when they are sent, not at syncs (`MigrationParameters`). */
  readonly manualDirtyLogProtect: boolean;
  /** Time of the migration thread for a zero page, ns (`HostProfile`). */
  readonly zeroNsPerPage: number;
  /** bytes/s while the guest was stopped; null when the log does not reach that far. */
  readonly switchoverBytesPerSecond: number | null;
  /** null without a post-copy phase. */
  readonly postcopy: LoggedPostcopy | null;
  /** CPU throttle as the log shows it; empty when there was none. */
  readonly throttleSteps: readonly ThrottleStep[];
  readonly completed: boolean;
  readonly totalTimeMs: number;
  /** As far as the log shows it; else the version whose rules scenarios have by default. */
  readonly qemu: QemuVersion;
  /** QEMU's; null where the log has none. */
  readonly downtimeMs: number | null;
}

/** QEMU's max-bandwidth by default (migration/options.c:MAX_THROTTLE), bytes/s. */
export const DEFAULT_MAX_BANDWIDTH = 128 * 2 ** 20;

/** The rules that a scenario has by default. */
export const DEFAULT_QEMU: QemuVersion = '10.0';

/** What Ethernet of 1, 2.5, 10, 25 and 100 Gbit/s carries, bytes/s. */
const LINKS = [1, 2.5, 10, 25, 100].map((gbit) => gbit * 117.7e6);
/** Above a cap by less, a link would have been seen in the windows. */
const CLEAR_OF_CAP = 1.1;

/**
 * What a link is taken to carry that a log does not show, bytes/s: the slowest Ethernet of which the cap was a cap. A rate
 * just below QEMU's default is about what 1 Gbit/s carries, too: there the link may have been the limit.
 */
export function leastLink(
  migration: Pick<LearnedMigration, 'maxBandwidth' | 'maxBandwidthSaid' | 'bytesPerSecond'>,
): number {
  const { maxBandwidth, maxBandwidthSaid, bytesPerSecond } = migration;
  const isDefault = !maxBandwidthSaid && maxBandwidth === DEFAULT_MAX_BANDWIDTH;
  if (isDefault && bytesPerSecond < maxBandwidth) return bytesPerSecond;
  const least = CLEAR_OF_CAP * Math.max(bytesPerSecond, maxBandwidth);
  return LINKS.find((rate) => rate >= least) ?? least;
}

/** What `leastLink` returns, as a sentence without its full stop. */
export function linkAssumed(rate: number): string {
  return `the link carries ${formatBytesPerSecond(rate, 'bit')}: the log does not show how fast memory flows without max-bandwidth`;
}

/** Whether the log shows what the link carries; else it is taken to carry no more than the log shows. */
export function isLinkSeen({
  maxBandwidth,
  switchoverBytesPerSecond,
}: Pick<LearnedMigration, 'maxBandwidth' | 'switchoverBytesPerSecond'>): boolean {
  return maxBandwidth === 0 || switchoverBytesPerSecond !== null;
}

/** A post-copy phase as the log shows it. */
export interface LoggedPostcopy {
  /** When the migration went over to it, us since its begin. */
  readonly atUs: number;
  /** Until the migration was done, ms; null where the log ends before. */
  readonly lengthMs: number | null;
  readonly bytes: number;
  /** bytes/s; null where samples do not show it. */
  readonly bytesPerSecond: number | null;
}

/** A CPU throttle from a time on. */
export interface ThrottleStep {
  readonly atUs: number;
  readonly percent: number;
}

/** What a log shows, and what had to be assumed. */
export interface Learned {
  readonly file: string;
  /** The passes of a log, its totals, or readings of the curve alone: the last two have no passes. */
  readonly from: 'log' | 'totals' | 'readings';
  /** The program that wrote it. */
  readonly source: LogSource | 'dirty-rate';
  readonly guest: LearnedGuest;
  readonly migration: LearnedMigration;
  readonly passes: readonly Pass[];
  readonly plateau: Plateau | null;
  /** When the passes that were learned from end, µs, where the load ended before the migration did; else null. */
  readonly loadEndedUs: number | null;
  /** Sentences, no full stop: what the log does not say and was assumed. */
  readonly assumptions: readonly string[];
}

/** Programs whose logs say what they did, by the name of their policy. */
const PROGRAMS: Partial<Record<Learned['source'], string>> = { proxmox: 'proxmox', vdsm: 'ovirt' };

/** Whether auto-converge was on though the log does not show it: what is learned is then of a guest that it held back. */
export function wasThrottled({ source, migration }: Pick<Learned, 'source' | 'migration'>): boolean {
  return migration.throttleSteps.length === 0 && throttlesAlways(PROGRAMS[source] ?? '');
}

/** In which order the load writes its pages. */
export type LoadPattern = 'uniform' | 'sequential';

/** A point of the curve with how much it counts. */
export interface WeightedPoint extends DirtyPoint {
  /** A whole number, at least 1. */
  readonly weight: number;
}

/**
 * A server under load. Of PostgreSQL under updates, throttled by 20 to 40 %, 87 % of the throughput is measured; a load that
 * needs b of its time and makes up for the rest does min(1, (1 - f)/b) of its work: 0.96 at 20 %, 0.84 at 30 %, 0.72 at 40 %
 * with b = 0.83.
 */
export const DEFAULT_CPU = 0.83;
/**
 * How unsure that is: standard deviation as a share of it. Had the measured guest been at 40 % all the time, b were 0.69, and
 * 0.92 at 20 %: two standard deviations to either side. Cut at three, no load needs more than all of its time.
 */
export const CPU_SPREAD = 0.065;
/** What `cpu` means for throttles, as a sentence without its full stop. */
export function cpuAssumed(cpu: number): string {
  return `the load needs ${Number((cpu * 100).toFixed(1))} % of its vCPUs' time and makes up for throttles with the rest`;
}
export const DEFAULT_VCPUS = 4;
export const VCPUS_ASSUMED = `${DEFAULT_VCPUS} vCPUs share the load evenly, each in a part of memory of its own`;
