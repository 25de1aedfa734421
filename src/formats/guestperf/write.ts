/**
 * A run as a report of QEMU's guestperf (tests/migration-stress/guestperf/report.py), so that its guestperf-plot draws
 * simulated runs next to real ones.
 *
 * guestperf reads the wall clock. A report of migsim has the same bytes whenever it is written, so its clock starts at
 * `EPOCH_S` with the first sample of CPU time, which guestperf takes `SLEEP_S - 1` seconds before the migration. CPU times
 * are those of the source: its vCPUs' own work while they run there, and QEMU's other threads.
 */
import { lastOf, nth } from '../../lists.js';
import { unmigratedAccesses } from '../../guest/phases.js';
import { type GuestSpec, PAGE_BYTES, type VcpuSpec } from '../../guest/spec.js';
import type { MigrationResult, SyncRecord, TimelinePoint } from '../../migration/result.js';
import type { MigrationSetup } from '../../migration/setup.js';
import type { GuestperfFile, GuestperfTiming } from './read.js';
import { BESIDE_LOAD_BYTES, UNLIMITED_MIB_PER_S } from './words.js';
import type { PolicyChoice, StrategyChoice } from '../../strategies/define.js';
import { passBytes } from '../../migration/observe/pass-pages.js';
import { largest } from '../../stats/extremes.js';
import { MIB } from '../../units.js';

/** guestperf's default: it watches the guest so long, less a second, before and after the migration. */
const SLEEP_S = 15;
const START_MS = (SLEEP_S - 1) * 1e3;
/** 2000-01-01 00:00 UTC, seconds since the epoch. */
const EPOCH_S = 946_684_800;
/** guestperf asks for query-migrate this often. */
const POLL_MS = 50;
/** Accesses of one report of the stress load: a GiB of pages. */
const ACCESSES_A_REPORT = 2 ** 30 / PAGE_BYTES;
/** The policy that needs no word. */
const DEFAULT_POLICY = 'wait';
/** Process of QEMU; its vCPU threads follow. Threads of the load in the guest count from 1. */
const QEMU_TID = 1000;

/** What a report is made from. */
export interface GuestperfRun {
  readonly setup: MigrationSetup;
  readonly strategy: StrategyChoice;
  readonly policy: PolicyChoice;
  /** With its timeline. */
  readonly result: MigrationResult;
}

/** Ends with a line break. */
export function guestperfReport(run: GuestperfRun): string {
  const { result, setup } = run;
  const completed = result.status === 'completed';
  const segments = segmentsOf(result, completed);
  const sourceEndMs = sourceEnd(result, segments);
  const report: GuestperfFile = {
    hardware: hardware(setup.guest),
    scenario: scenario(run),
    progress_history: progressHistory(run),
    // guestperf-plot walks them once, so it needs them in the order of time. The sort keeps the order of threads.
    guest_timings: setup.guest.vcpus
      .flatMap((vcpu, id) => guestTimings(vcpu, id, segments))
      .sort((a, b) => a.timestamp - b.timestamp),
    qemu_timings: qemuTimings(setup, result, segments, sourceEndMs),
    vcpu_timings: vcpuTimings(setup.guest, segments, sourceEndMs),
    binary: 'migsim',
    dst_host: 'localhost',
    kernel: '',
    initrd: '',
    transport: 'tcp',
    sleep: SLEEP_S,
    result: { success: completed && !isPaused(run) },
  };
  return `${JSON.stringify(report, null, 4)}\n`;
}

function hardware(guest: GuestSpec): GuestperfFile['hardware'] {
  return {
    cpus: guest.vcpus.length,
    mem: memGib(guest),
    src_mem_bind: [],
    dst_mem_bind: [],
    src_cpu_bind: [],
    dst_cpu_bind: [],
    prealloc_pages: false,
    huge_pages: guest.hostPagePages > 1,
    locked_pages: false,
    dirty_ring_size: guest.dirtyRingSize,
  };
}

/**
 * GiB that the load fills: guestperf's guests have 512 MiB more, so 16 GiB hold 15. It is a whole number there; a guest
 * that is smaller than any of guestperf's has the part of a GiB that it is.
 */
function memGib({ ramPages }: GuestSpec): number {
  const ramGib = (ramPages * PAGE_BYTES) / 2 ** 30;
  const loadGib = ramGib - BESIDE_LOAD_BYTES / 2 ** 30;
  if (loadGib >= 1) return Math.floor(loadGib);
  return rounded(loadGib > 0 ? loadGib : ramGib, 3);
}

/** guestperf's switches, as far as it has them for what was run. */
function scenario({ setup, strategy, policy, result }: GuestperfRun): GuestperfFile['scenario'] {
  const { migration, guest } = setup;
  const { stream } = migration;
  const option = (choice: StrategyChoice, name: string, fallback: number): number => {
    const value = choice.options[name];
    return typeof value === 'number' ? value : fallback;
  };
  const autoConverge = strategy.definition.name === 'auto-converge';
  const dirtyLimit = strategy.definition.name === 'dirty-limit';
  const postcopy = policy.definition.name === 'postcopy-after-passes';
  const mostPasses = option(
    policy,
    policy.definition.name === 'abort-after-passes' ? 'passes' : 'max-passes',
    0,
  );
  const cachePercent = (100 * (stream?.xbzrleCacheBytes ?? 0)) / (memGib(guest) * 2 ** 30);
  return {
    name: nameOf(result),
    downtime: migration.downtimeLimitMs,
    bandwidth: migration.maxBandwidth === 0 ? UNLIMITED_MIB_PER_S : rounded(migration.maxBandwidth / MIB, 3),
    max_iters: mostPasses > 0 ? mostPasses : Math.max(30, result.dirtySyncCount),
    max_time: Math.ceil(
      migration.giveUpAfterUs > 0 ? migration.giveUpAfterUs / 1e6 : result.totalTimeMs / 1e3,
    ),
    pause: isPaused({ policy }),
    pause_iters: isPaused({ policy }) ? option(policy, 'passes', 5) : 5,
    post_copy: postcopy,
    post_copy_iters: postcopy ? option(policy, 'passes', 5) : 5,
    auto_converge: autoConverge,
    auto_converge_step: autoConverge ? option(strategy, 'cpu-throttle-increment', 10) : 10,
    compression_mt: false,
    compression_mt_threads: 1,
    compression_xbzrle: stream?.kind === 'xbzrle',
    compression_xbzrle_cache: stream?.kind === 'xbzrle' ? rounded(cachePercent, 3) : 10,
    multifd: stream?.kind === 'multifd',
    multifd_channels: stream?.kind === 'multifd' ? stream.channels : 2,
    multifd_compression: compressionOf(stream),
    dirty_limit: dirtyLimit,
    x_vcpu_dirty_limit_period: dirtyLimit ? option(strategy, 'x-vcpu-dirty-limit-period', 1000) : 500,
    vcpu_dirty_limit: dirtyLimit ? option(strategy, 'vcpu-dirty-limit', 1) : 1,
  };
}

/** Runs that differ have names that differ: guestperf-plot distinguishes its curves by nothing else. */
function nameOf({ scenario: name, strategy, policy }: MigrationResult): string {
  return policy === DEFAULT_POLICY ? `${name}: ${strategy}` : `${name}: ${strategy}, ${policy}`;
}

function compressionOf(stream: MigrationSetup['migration']['stream']): string {
  return stream?.kind !== 'multifd' || stream.compression === 'none' ? '' : stream.compression;
}

function isPaused({ policy }: Pick<GuestperfRun, 'policy'>): boolean {
  return policy.definition.name === 'pause-after-passes';
}

// ------------------------------------------------------------------------------------------------------- progress

/**
 * One record per sync, as guestperf keeps one when dirty-sync-count has grown, and the last reply. Of several syncs between
 * two polls guestperf sees only the last. Times and figures are those of the sync, not of the poll that would have seen it.
 */
function progressHistory({ setup, result }: GuestperfRun): GuestperfFile['progress_history'] {
  const passes = passBytes(
    result.syncs.map((sync) => ({
      remainingBefore: sync.remainingBeforeBytes,
      remaining: sync.remainingBytes,
    })),
    { totalRam: result.totalRamBytes, zero: result.zeroPages * PAGE_BYTES, remaining: result.remainingBytes },
  );
  let zero = 0;
  let normal = 0;
  const polled = (sync: SyncRecord): number => Math.ceil(sync.timeMs / POLL_MS);
  const records = result.syncs.flatMap((sync, index) => {
    const before = passes[index - 1];
    zero += (before?.zero ?? 0) / PAGE_BYTES;
    normal += ((before?.first ?? 0) + (before?.again ?? 0)) / PAGE_BYTES;
    const next = result.syncs[index + 1];
    if (next !== undefined && polled(next) === polled(sync)) return [];
    const record = {
      status: sync.cause === 'postcopy' ? 'postcopy-active' : 'active',
      ram: ramStatistics(result, {
        transferred_bytes: sync.sentBytes,
        remaining_bytes: sync.remainingBytes,
        duplicate_pages: Math.round(zero),
        normal_pages: Math.round(normal),
        dirty_rate_pps: sync.dirtyPagesRate,
        transfer_rate_mbs: rounded((sync.bandwidthBytesPerSecond * 8) / 1e6, 5),
        iterations: sync.n,
      }),
      now: clock(START_MS + sync.timeMs),
      duration: Math.round(sync.timeMs),
      downtime: 0,
      downtime_expected: Math.round(sync.expectedDowntimeMs),
      setup_time: result.setupTimeMs,
      throttle_pcent: sync.throttlePercent,
      ...dirtyLimit(sync, setup),
    };
    return [record];
  });
  return [...setupRecord(result), ...records, endRecord(setup, result)];
}

/** What the last reply says. */
function endRecord(
  setup: MigrationSetup,
  result: MigrationResult,
): GuestperfFile['progress_history'][number] {
  const completed = result.status === 'completed';
  return {
    status: ENDINGS[result.status],
    ram: ramStatistics(result, {
      transferred_bytes: result.sentBytes,
      remaining_bytes: result.remainingBytes,
      duplicate_pages: result.zeroPages,
      normal_pages: result.normalPages,
      // migration.c:populate_ram_info has none of what is completed.
      dirty_rate_pps: completed ? 0 : result.dirtyPagesRate,
      transfer_rate_mbs: rounded((result.bandwidthBytesPerSecond * 8) / 1e6, 5),
      iterations: result.dirtySyncCount,
    }),
    now: clock(START_MS + result.totalTimeMs),
    duration: Math.round(result.totalTimeMs),
    downtime: result.downtimeMs ?? 0,
    downtime_expected: completed ? 0 : Math.round(result.expectedDowntimeMs),
    setup_time: result.setupTimeMs,
    // QEMU lifts both brakes when a migration ends.
    throttle_pcent: 0,
    ...dirtyLimit(completed ? undefined : result.syncs.at(-1), setup),
  };
}

/** What the first poll finds while setup takes longer: query-migrate has no RAM statistics yet, which guestperf writes as 0. */
function setupRecord(result: MigrationResult): GuestperfFile['progress_history'] {
  if (result.setupTimeMs <= POLL_MS) return [];
  return [
    {
      status: 'setup',
      ram: {
        transferred_bytes: 0,
        remaining_bytes: 0,
        total_bytes: 0,
        duplicate_pages: 0,
        skipped_pages: 0,
        normal_pages: 0,
        normal_bytes: 0,
        dirty_rate_pps: 0,
        transfer_rate_mbs: 0,
        iterations: 0,
      },
      now: clock(START_MS + POLL_MS),
      duration: 0,
      downtime: 0,
      downtime_expected: 0,
      setup_time: 0,
      throttle_pcent: 0,
      dirty_limit_throttle_time_per_round: 0,
      dirty_limit_ring_full_time: 0,
    },
  ];
}

const ENDINGS = {
  completed: 'completed',
  // guestperf cancels what takes too long.
  'gave-up': 'cancelled',
  cancelled: 'cancelled',
  failed: 'failed',
} as const;

type Ram = GuestperfFile['progress_history'][number]['ram'];

function ramStatistics(result: MigrationResult, changing: Omit<Ram, 'total_bytes' | 'normal_bytes'>): Ram {
  return {
    ...changing,
    total_bytes: result.totalRamBytes,
    skipped_pages: 0,
    normal_bytes: Number(changing.normal_pages) * PAGE_BYTES,
  };
}

/** As query-migrate reports a dirty limit: migration.c:populate_time_info, dirtylimit.c:dirtylimit_ring_full_time. */
function dirtyLimit(
  sync: SyncRecord | undefined,
  { guest }: MigrationSetup,
): { readonly dirty_limit_throttle_time_per_round: number; readonly dirty_limit_ring_full_time: number } {
  const sleepUs = Math.max(0, largest(sync?.vcpuSleepUs ?? []));
  const perVcpu = (sync?.dirtyPagesRate ?? 0) / guest.vcpus.length;
  const fullUs = sleepUs > 0 && perVcpu > 0 ? (guest.dirtyRingSize / perVcpu) * 1e6 : 0;
  return {
    dirty_limit_throttle_time_per_round: Math.round(sleepUs),
    dirty_limit_ring_full_time: Math.round(fullUs),
  };
}

// -------------------------------------------------------------------------------------------------------- timings

/** A stretch of time in which every vCPU does a constant share of what it does undisturbed. Times are of the report, ms. */
interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  /** null: all of it, for all vCPUs. */
  readonly shares: readonly number[] | null;
  readonly sentBytes: number;
}

/** Before the migration, between two samples of it each, and after it: guestperf goes on watching what completed. */
function segmentsOf({ timeline }: MigrationResult, completed: boolean): Segment[] {
  const segments: Segment[] = [{ fromMs: 0, toMs: START_MS, shares: null, sentBytes: 0 }];
  let before: TimelinePoint | undefined;
  for (const point of timeline) {
    const fromMs = START_MS + (before?.timeMs ?? 0);
    const toMs = START_MS + point.timeMs;
    const sentBytes = point.sentBytes - (before?.sentBytes ?? 0);
    if (toMs > fromMs) segments.push({ fromMs, toMs, shares: point.vcpuWorkShare, sentBytes });
    before = point;
  }
  const endMs = lastOf(segments).toMs;
  return completed
    ? [...segments, { fromMs: endMs, toMs: endMs + START_MS, shares: null, sentBytes: 0 }]
    : segments;
}

/** A record whenever the load of a vCPU has gone over another GiB: when, and how long that took. */
function guestTimings(vcpu: VcpuSpec, id: number, segments: readonly Segment[]): GuestperfTiming[] {
  const timings: GuestperfTiming[] = [];
  let done = 0;
  let lastMs = 0;
  for (const { fromMs, toMs, shares } of segments) {
    const share = shares === null ? 1 : (shares[id] ?? 0);
    const full = unmigratedAccesses(vcpu, (fromMs - START_MS) * 1e3, (toMs - START_MS) * 1e3);
    const accesses = (full.writes + full.reads) * share;
    const perMs = accesses / (toMs - fromMs);
    let atMs = fromMs;
    let left = accesses;
    while (done + left >= ACCESSES_A_REPORT && perMs > 0) {
      const missing = ACCESSES_A_REPORT - done;
      atMs += missing / perMs;
      left -= missing;
      done = 0;
      const timestamp = rounded(EPOCH_S + atMs / 1e3, 3);
      timings.push({ tid: 1 + id, timestamp, value: Math.round(atMs - lastMs) });
      lastMs = atMs;
    }
    done += left;
  }
  return timings;
}

/** When the vCPUs stop on the source for good, in times of the report: post-copy begins, or the migration completes. */
function sourceEnd(
  { status, postcopyTimeMs, totalTimeMs }: MigrationResult,
  segments: readonly Segment[],
): number {
  if (postcopyTimeMs > 0) return START_MS + totalTimeMs - postcopyTimeMs;
  return status === 'completed' ? START_MS + totalTimeMs : lastOf(segments).toMs;
}

function vcpuTimings(
  { vcpus }: GuestSpec,
  segments: readonly Segment[],
  sourceEndMs: number,
): GuestperfTiming[] {
  const growth = (segment: Segment): number[] =>
    vcpus.map((vcpu, id) => cpuMs(vcpu, id, segment, sourceEndMs));
  return everySecond(segments, growth).flatMap(({ timestamp, values }) =>
    values.map((value, id) => ({ tid: QEMU_TID + 1 + id, timestamp, value })),
  );
}

function qemuTimings(
  { guest }: MigrationSetup,
  { senderCpuMs, sentBytes }: MigrationResult,
  segments: readonly Segment[],
  sourceEndMs: number,
): GuestperfTiming[] {
  return everySecond(segments, (segment) => {
    const vcpus = guest.vcpus.reduce((sum, vcpu, id) => sum + cpuMs(vcpu, id, segment, sourceEndMs), 0);
    // CPU time goes with what is sent, near enough.
    return [vcpus + (sentBytes > 0 ? (segment.sentBytes / sentBytes) * senderCpuMs : 0)];
  }).map(({ timestamp, values }) => ({ tid: QEMU_TID, timestamp, value: nth(values, 0) }));
}

/** On the source, in this segment. */
function cpuMs(vcpu: VcpuSpec, id: number, { fromMs, toMs, shares }: Segment, sourceEndMs: number): number {
  const ranMs = Math.max(0, Math.min(toMs, sourceEndMs) - fromMs);
  return ranMs * vcpu.busy * (shares === null ? 1 : (shares[id] ?? 0));
}

/** Cumulative values each second, in steps of 10 ms as the kernel counts CPU time; within a segment they grow evenly. */
function everySecond(
  segments: readonly Segment[],
  growth: (segment: Segment) => readonly number[],
): { readonly timestamp: number; readonly values: readonly number[] }[] {
  const samples: { timestamp: number; values: number[] }[] = [];
  let sums: readonly number[] = [];
  let nextMs = 0;
  const sample = (values: readonly number[]): void => {
    samples.push({ timestamp: clock(nextMs), values: values.map((value) => Math.round(value / 10) * 10) });
    nextMs += 1e3;
  };
  for (const segment of segments) {
    const grown = growth(segment);
    const before = sums;
    const at = (share: number): number[] => grown.map((value, index) => (before[index] ?? 0) + value * share);
    while (nextMs <= segment.toMs) sample(at((nextMs - segment.fromMs) / (segment.toMs - segment.fromMs)));
    sums = at(1);
  }
  return samples;
}

/** Seconds since the epoch of a time of the report. */
function clock(ms: number): number {
  return rounded(EPOCH_S + ms / 1e3, 6);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
