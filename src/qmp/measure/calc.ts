/** One `calc-dirty-rate` after the other: what each mode of it costs, which one is used, and what came of it. */
import { UsageError } from '../../errors.js';
import type { NonEmpty } from '../../lists.js';
import { formatBytes, formatDurationMs, PAGE_BYTES, MIB, GIB } from '../../units.js';
import { QmpCommandError, type QmpClient } from '../client.js';
import { askIfKnown, mapIn, mapsIn, numberIn, textIn } from './ask.js';
import { dangerOf, release, TRACKING_MODES, type Danger, type DirtyRateMode } from './dangers.js';
import { isMigrating, type GuestFacts } from './facts.js';

const { ceil, floor, max, min } = Math;

/** One answer of `query-dirty-rate`. Rates are whole MiB/s, cut off. */
export interface Reading {
  readonly mode: DirtyRateMode;
  readonly periodMs: number;
  readonly mibPerSecond: number;
  /** By vCPU, in dirty-ring mode; else empty. */
  readonly vcpuMibPerSecond: readonly number[];
}

/** How a guest is going to be measured. */
export interface MeasurePlan {
  /** The modes to try, the one that says most first: whether a guest has a dirty ring shows only when it is asked for. */
  readonly modes: readonly [DirtyRateMode, ...DirtyRateMode[]];
  /** Modes that would show more, and why they are not used. */
  readonly refused: readonly { readonly mode: DirtyRateMode; readonly reason: string }[];
  /** For page-sampling: pages per GiB. */
  readonly samplePages: number;
}

/** Dirty pages are counted by mode since 6.2 (qapi/migration.json, DirtyRateMeasureMode); before that only sampled. */
const HAS_MODES = release(6, 2);
/** calc-time-unit: since 8.2. Before that whole seconds. */
const HAS_MILLISECONDS = release(8, 2);
/** xxHash in place of CRC32: since 8.1. */
const HAS_XXHASH = release(8, 1);

function releaseOf({ version }: GuestFacts): number {
  return release(version.major, version.minor);
}

/** Periods that this version takes, ms: 50 ms to 60 s, and whole seconds up to 8.1. */
export function periodsOf(facts: GuestFacts): readonly number[] {
  return releaseOf(facts) < HAS_MILLISECONDS ? [1000, 3000, 10_000] : [100, 300, 1000, 3000, 10_000];
}

/** @throws UsageError for a period that this version does not take */
export function checkPeriods(facts: GuestFacts, periodsMs: readonly number[]): void {
  const whole = releaseOf(facts) < HAS_MILLISECONDS;
  const bad = periodsMs.find(
    (ms) => !Number.isInteger(ms) || ms > 60_000 || (whole ? ms < 1000 || ms % 1000 !== 0 : ms < 50),
  );
  if (bad === undefined) return;
  const { major, minor } = facts.version;
  throw new UsageError(
    `QEMU ${major}.${minor} measures over ${whole ? 'whole seconds from 1s to 60s' : '50ms to 60s'}; ${formatDurationMs(bad)} is not among them`,
  );
}

/** Sampled pages in all: a rate of 1 % of memory per period is then known to 8 %. */
const WANTED_SAMPLES = 16_384;
const SAMPLE_PAGES = { least: 128, most: 16_384 } as const;

/** The modes that are safe on this guest. */
export function planOf(facts: GuestFacts): MeasurePlan {
  const wanted = ceil((WANTED_SAMPLES * GIB) / facts.memoryBytes);
  const samplePages = max(SAMPLE_PAGES.least, min(SAMPLE_PAGES.most, wanted));
  const refused: { mode: DirtyRateMode; reason: string }[] = [];
  const modes = TRACKING_MODES.filter((mode) => {
    const reason = whyNot(mode, facts);
    if (reason !== null) refused.push({ mode, reason });
    return reason === null;
  });
  const [first, ...others] = modes;
  const tried: NonEmpty<DirtyRateMode> =
    first === undefined ? ['page-sampling'] : [first, ...others, 'page-sampling'];
  return { modes: tried, refused, samplePages };
}

function whyNot(mode: DirtyRateMode, facts: GuestFacts): string | null {
  if (releaseOf(facts) < HAS_MODES) return 'this version has only page-sampling';
  const danger = dangerOf(mode, { ...facts, isRunning: true, hasVfio: facts.vfio.length > 0 });
  return danger === null ? null : dangerText(danger);
}

function dangerText({ short, source }: Danger): string {
  return `${short} (${source})`;
}

/** CPU time for a sampled page, ns: 71 ms and 14 ms for 16384 pages (commit 00a3f9c60a). */
const CRC32_NS_PER_PAGE = 4300;
const XXHASH_NS_PER_PAGE = 850;

const TRACKING_COST =
  'all RAM is write-protected while a measurement lasts, so the first write to each page takes about 1 µs longer (less with PML), ' +
  'and huge pages are mapped in 4 KiB until they are put together again';

/** What measuring in the modes of a plan costs the guest, for its owner to read before: what all have in common first. */
export function costsOf(facts: GuestFacts, { modes, samplePages }: MeasurePlan): string[] {
  if (modes[0] === 'page-sampling') return [samplingCost(facts, samplePages)];
  return [
    TRACKING_COST,
    ...(modes.includes('dirty-ring')
      ? ['dirty-ring: a vCPU leaves the guest whenever its ring is full. Plug no vCPU meanwhile']
      : []),
    ...(modes.includes('dirty-bitmap')
      ? [
          `dirty-bitmap: the start and the end hold QEMU's main loop for about ${formatDurationMs(stallMs(facts))}`,
        ]
      : []),
  ];
}

function samplingCost(facts: GuestFacts, samplePages: number): string {
  const pages = floor((facts.memoryBytes / GIB) * samplePages);
  const ns = releaseOf(facts) < HAS_XXHASH ? CRC32_NS_PER_PAGE : XXHASH_NS_PER_PAGE;
  return (
    `a thread of QEMU reads ${pages} pages twice per measurement (some ${formatDurationMs(max(1, (pages * ns) / 1e6))} of one host CPU); ` +
    'vCPUs run on, and no write is tracked. Shared or huge pages that the guest never touched are allocated where they are read'
  );
}

/** Write-protecting and reading the log: 65 and 200 µs per GiB (docs/host-profiles.md), 1 ms at least. */
function stallMs({ memoryBytes }: GuestFacts): number {
  return max(1, (memoryBytes / GIB) * 0.265);
}

/** The weakness of what a mode says; a sentence without a full stop. */
export function weaknessOf(mode: DirtyRateMode): string {
  if (mode === 'page-sampling')
    return 'page-sampling compares contents: a page that got the same bytes again counts as clean, and it says nothing of single vCPUs';
  if (mode === 'dirty-bitmap')
    return 'dirty-bitmap counts each page once per period, for the guest as a whole: it says nothing of single vCPUs';
  return 'dirty-ring counts a page again each time the rings are emptied, at least once per second: rates over longer periods are too high, so page-sampling measures those';
}

/** How a measurement waits. */
export interface CalcOptions {
  /** How the time passes; tests replace it. */
  readonly wait?: (ms: number) => Promise<void>;
}

const POLL_MS = 50;
/** QEMU may be this much later than it said: the last sync of a large guest, a busy host. */
const PATIENCE_MS = 60_000;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * One measurement from its start to its end. A calculation cannot be called off: QEMU switches tracking off at its end, so
 * this returns no earlier.
 *
 * @throws UsageError when the guest stopped or began to migrate, or another client measures
 * @throws QmpCommandError when QEMU refuses the mode
 */
export async function calcDirtyRate(
  client: QmpClient,
  facts: GuestFacts,
  mode: DirtyRateMode,
  periodMs: number,
  samplePages: number,
  { wait = sleep }: CalcOptions = {},
): Promise<Reading> {
  await refuseUnfit(client);
  const inMs = releaseOf(facts) >= HAS_MILLISECONDS;
  await client.execute('calc-dirty-rate', {
    'calc-time': inMs ? periodMs : periodMs / 1000,
    ...(inMs ? { 'calc-time-unit': 'millisecond' } : {}),
    ...(releaseOf(facts) >= HAS_MODES ? { mode } : {}),
    ...(mode === 'page-sampling' && releaseOf(facts) >= release(6, 1) ? { 'sample-pages': samplePages } : {}),
  });
  await wait(periodMs);
  for (let waited = 0; waited <= PATIENCE_MS; waited += POLL_MS) {
    const reply = mapIn(
      await client.execute('query-dirty-rate', inMs ? { 'calc-time-unit': 'millisecond' } : undefined),
    );
    if (reply['status'] === 'measured') return readingOf(reply, mode, periodMs, inMs);
    await wait(POLL_MS);
  }
  throw new UsageError(
    `QEMU has not ended a measurement of ${formatDurationMs(periodMs)} after ${formatDurationMs(PATIENCE_MS)} more`,
  );
}

function readingOf(
  reply: Readonly<Record<string, unknown>>,
  mode: DirtyRateMode,
  periodMs: number,
  inMs: boolean,
): Reading {
  const said = numberIn(reply, 'calc-time') ?? 0;
  const measuredMs = said * (inMs ? 1 : 1000);
  return {
    mode,
    periodMs: measuredMs > 0 ? measuredMs : periodMs,
    mibPerSecond: max(0, numberIn(reply, 'dirty-rate') ?? 0),
    vcpuMibPerSecond: mapsIn(reply['vcpu-dirty-rate'])
      .toSorted((a, b) => (numberIn(a, 'id') ?? 0) - (numberIn(b, 'id') ?? 0))
      .map((one) => max(0, numberIn(one, 'dirty-rate') ?? 0)),
  };
}

/** A guest must run, and must not migrate: before each measurement. */
export async function refuseUnfit(client: QmpClient): Promise<void> {
  const migration = textIn(mapIn(await askIfKnown(client, 'query-migrate')), 'status') ?? 'none';
  if (isMigrating(migration))
    throw new UsageError(
      `the guest is being migrated (${migration}); measure it before, or watch it with \`migsim record\``,
    );
  const status = textIn(mapIn(await askIfKnown(client, 'query-status')), 'status') ?? 'unknown';
  if (status !== 'running')
    throw new UsageError(`the guest does not run (${status}), so it writes no memory; resume it first`);
}

/** Whether QEMU says that the guest lacks what the mode needs (dirtyrate.c, qmp_calc_dirty_rate). */
export function isModeOff(error: unknown): boolean {
  return error instanceof QmpCommandError && /is not enabled, use other method/.test(error.description);
}

/** Pages of 4 KiB that a rate means over its period: rates are cut off to whole MiB/s, so half of one more is as likely as not. */
export function pagesOf(mibPerSecond: number, periodMs: number): number {
  return (((mibPerSecond + 0.5) * periodMs) / 1000) * (MIB / PAGE_BYTES);
}

export function rateText(mibPerSecond: number): string {
  return mibPerSecond === 0 ? 'below 1 MiB/s' : `${formatBytes(mibPerSecond * MIB)}/s`;
}
