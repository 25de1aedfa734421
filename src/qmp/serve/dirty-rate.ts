/** calc-dirty-rate and query-dirty-rate: what QEMU would have found of the guest (migration/dirtyrate.c). */
import type { GuestMemory } from '../../guest/memory/memory.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import { makeParts } from '../../migration/parts/parts.js';
import type { QemuVersion } from '../../migration/rules/versions.js';
import type { MigrationSetup } from '../../migration/setup.js';
import { stream } from '../../random/streams.js';
import { rateOfPages, rateOfWholeMib } from '../../strategies/kit/dirty-rate.js';
import { refused } from './errors.js';
import type { JsonValue } from './json/parser.js';
import { isIn } from './version-facts.js';

const { floor, round } = Math;

export const DIRTY_RATE_MODES = ['page-sampling', 'dirty-ring', 'dirty-bitmap'] as const;
export type DirtyRateMode = (typeof DIRTY_RATE_MODES)[number];
export type TimeUnit = 'second' | 'millisecond';

/** RAM blocks smaller than this are not sampled, bytes. */
const LEAST_SAMPLED_BYTES = 128 * 2 ** 20;
const DEFAULT_SAMPLES_PER_GIB = 512;
const FEWEST_SAMPLES = 128;
const MOST_SAMPLES = 16_384;

/** A measurement that was asked for. */
interface Calculation {
  readonly mode: DirtyRateMode;
  readonly calcMs: number;
  readonly samplesPerGib: number;
  readonly startUs: number;
}

/** What calc-dirty-rate was given. */
export interface CalcRequest {
  readonly calcTime: bigint;
  readonly unit?: TimeUnit;
  readonly samplePages?: bigint;
  readonly mode?: DirtyRateMode;
}

/** qmp_calc_dirty_rate: throws `QmpError` for what QEMU refuses. */
function readRequest(
  request: CalcRequest,
  version: QemuVersion,
  hasRing: boolean,
  nowUs: number,
): Calculation {
  const { calcTime, unit = 'second', samplePages, mode = 'page-sampling' } = request;
  const calcMs = Number(calcTime) * (unit === 'second' ? 1000 : 1);
  refuseTime(version, calcMs);
  refuseSamples(version, mode, samplePages);
  // A guest with a ring has no bitmap log, and the other way round.
  if ((mode === 'dirty-ring' && !hasRing) || (mode === 'dirty-bitmap' && hasRing))
    throw refused(`mode ${mode} is not enabled, use other method instead.`);
  return {
    mode,
    calcMs,
    samplesPerGib: Number(samplePages ?? DEFAULT_SAMPLES_PER_GIB),
    startUs: nowUs,
  };
}

function refuseTime(version: QemuVersion, calcMs: number): void {
  if (isIn(version, { since: '8.2' })) {
    if (calcMs < 50 || calcMs > 60_000) throw refused('Calculation time is out of range [50ms, 60000ms].');
  } else if (calcMs < 1000 || calcMs > 60_000) {
    throw refused('calc-time is out of range[1, 60].');
  }
}

function refuseSamples(version: QemuVersion, mode: DirtyRateMode, samplePages: bigint | undefined): void {
  if (samplePages === undefined) return;
  if (isIn(version, { since: '8.2' })) {
    if (mode !== 'page-sampling') throw refused('sample-pages is used only in page-sampling mode');
  } else if (mode === 'dirty-ring') {
    throw refused('either sample-pages or dirty-ring can be specified.');
  }
  if (samplePages < FEWEST_SAMPLES || samplePages > MOST_SAMPLES)
    throw refused(`sample-pages is out of range[${FEWEST_SAMPLES}, ${MOST_SAMPLES}].`);
}

interface DirtyRates {
  /** MiB/s. */
  readonly total: number;
  readonly vcpus: readonly number[];
}

/**
 * What the guest dirties in that time at its own pace, as the mode would count it: a guest of its own with the same
 * workload, which a migration under way neither slows nor is slowed by. `setup.run` names its random streams.
 */
function measure(setup: MigrationSetup, { mode, calcMs, samplesPerGib }: Calculation): DirtyRates {
  const { memory, guest, version } = makeParts({
    ...setup,
    migration: { ...setup.migration, settleUs: 0 },
  });
  const rule = version.ratesInWholeMib ? rateOfWholeMib : rateOfPages;
  memory.startLogging();
  memory.harvest();
  sendAll(memory);
  const vcpus = setup.guest.vcpus.map((_, vcpu) => vcpu);
  guest.advance(calcMs * 1000);
  if (mode === 'dirty-ring') {
    guest.reapAll();
    const rates = vcpus.map((vcpu) => rule(memory.reapedPages(vcpu), calcMs));
    return { total: rates.reduce((sum, rate) => sum + rate, 0), vcpus: rates };
  }
  if (setup.guest.dirtyRingSize > 0) guest.reapAll();
  const dirty = memory.harvest();
  if (mode === 'dirty-bitmap') return { total: rule(round(dirty), calcMs), vcpus: [] };
  return { total: sampled(setup, dirty / memory.totalPages, samplesPerGib, calcMs), vcpus: [] };
}

/** What becomes dirty from here on is new. */
function sendAll(memory: GuestMemory): void {
  for (;;) {
    const pages = memory.nextRun();
    if (pages > 0) memory.take(pages);
    else if (memory.clearNeeded) memory.clearChunk(0);
    else return;
  }
}

/** dirtyrate.c:update_dirtyrate: of the pages sampled, each changed with the share of all that did. */
function sampled(setup: MigrationSetup, share: number, samplesPerGib: number, calcMs: number): number {
  const bytes = setup.guest.ramPages * PAGE_BYTES;
  if (bytes < LEAST_SAMPLED_BYTES) return 0;
  const samples = floor((bytes * samplesPerGib) / 2 ** 30);
  const draws = stream(setup.seed, setup.run, 'dirty rate samples');
  let changed = 0;
  for (let i = 0; i < samples; i += 1) if (draws.nextFloat() < share) changed += 1;
  const mib = floor(bytes / 2 ** 20);
  return samples === 0 ? 0 : floor((changed * mib * 1000) / (samples * calcMs));
}

/** DirtyRateInfo. `rates` null: nothing was measured yet. */
function dirtyRateReply(
  version: QemuVersion,
  calculation: Calculation | null,
  rates: DirtyRates | null,
  unit: TimeUnit,
): Record<string, JsonValue> {
  const mode = calculation?.mode ?? 'page-sampling';
  const calcMs = calculation?.calcMs ?? 0;
  const isSampling = mode === 'page-sampling' || rates === null;
  const hasUnit = isIn(version, { since: '8.2' });
  return {
    status: calculation === null ? 'unstarted' : rates === null ? 'measuring' : 'measured',
    ...(rates === null ? {} : { 'dirty-rate': rates.total }),
    'start-time': floor((calculation?.startUs ?? 0) / 1e6),
    'calc-time': unit === 'second' ? floor(calcMs / 1000) : calcMs,
    ...(hasUnit ? { 'calc-time-unit': unit } : {}),
    'sample-pages': isSampling ? (calculation?.samplesPerGib ?? 0) : 0,
    mode,
    ...(mode === 'dirty-ring' && rates !== null
      ? { 'vcpu-dirty-rate': rates.vcpus.map((rate, id) => ({ id, 'dirty-rate': rate })) }
      : {}),
  };
}

/** Names the random streams of measurements: beyond those of all migrations. */
const FIRST_MEASUREMENT = 1_000_000;

/** The last measurement, or the one under way. */
export class DirtyRateMeter {
  readonly #version: QemuVersion;
  readonly #hasRing: boolean;
  readonly #setupOf: (measurement: number) => MigrationSetup;
  #calculation: Calculation | null = null;
  #rates: DirtyRates | null = null;
  #measurements = 0;

  /** `setupOf`: the guest as it is now, with the random streams of that measurement. */
  constructor(version: QemuVersion, hasRing: boolean, setupOf: (measurement: number) => MigrationSetup) {
    this.#version = version;
    this.#hasRing = hasRing;
    this.#setupOf = setupOf;
  }

  get isMeasuring(): boolean {
    return this.#calculation !== null && this.#rates === null;
  }

  /** Throws `QmpError` for what QEMU refuses. */
  start(request: CalcRequest, nowUs: number): void {
    if (this.isMeasuring) throw refused('the dirty rate is already being measured.');
    this.#calculation = readRequest(request, this.#version, this.#hasRing, nowUs);
    this.#rates = null;
  }

  /** Time has passed; a guest that stands still dirties nothing. */
  advance(nowUs: number, isRunning: boolean): void {
    const calculation = this.#calculation;
    if (calculation === null || this.#rates !== null) return;
    if (nowUs < calculation.startUs + calculation.calcMs * 1000) return;
    this.#measurements += 1;
    const setup = this.#setupOf(FIRST_MEASUREMENT + this.#measurements);
    const nothing = { total: 0, vcpus: setup.guest.vcpus.map(() => 0) };
    this.#rates = isRunning ? measure(setup, calculation) : nothing;
  }

  query(unit: TimeUnit = 'second'): Record<string, JsonValue> {
    return dirtyRateReply(this.#version, this.#calculation, this.#rates, unit);
  }
}
