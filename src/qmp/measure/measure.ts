/** Measures a guest through its QEMU: what QEMU says, and how much the guest dirties in several periods. */
import type { QmpClient } from '../client.js';
import {
  calcDirtyRate,
  checkPeriods,
  isModeOff,
  periodsOf,
  planOf,
  refuseUnfit,
  type CalcOptions,
  type MeasurePlan,
  type Reading,
} from './calc.js';
import type { DirtyRateMode } from './dangers.js';
import { readFacts, type GuestFacts } from './facts.js';
import { readHaltedNs, readMappedBytes } from './kvm-stats.js';

/** How a guest is measured; all have defaults. */
export interface MeasureOptions extends CalcOptions {
  /** Periods in ms; default: 0.1, 0.3, 1, 3 and 10 s, and whole seconds up to QEMU 8.1. */
  readonly periodsMs?: readonly number[];
  /** Measurements per period; default 3. */
  readonly repeats?: number;
  /** ms of a clock that only goes forward, for how busy the vCPUs were; without it that stays unknown. */
  readonly now?: () => number;
  /** Before the first measurement, with what is going to happen. */
  readonly onPlan?: (facts: GuestFacts, plan: MeasurePlan, periodsMs: readonly number[]) => void;
  /** After each measurement. */
  readonly onReading?: (reading: Reading) => void;
  /** Asked between two measurements: true ends them. */
  readonly isStopped?: () => boolean;
}

/** A guest as it was measured. */
export interface GuestMeasurement {
  readonly facts: GuestFacts;
  readonly plan: MeasurePlan;
  /** The mode that answered the shortest period. */
  readonly mode: DirtyRateMode;
  /** In the order in which they were taken; fewer where it was stopped. */
  readonly readings: readonly Reading[];
  readonly repeats: number;
  /** Bytes of RAM that KVM has mapped so far; null where nothing says so. */
  readonly mappedBytes: number | null;
  /** Share of their time (0..1) for which the vCPUs were not halted; null where nothing says so. */
  readonly busyShare: number | null;
}

const DEFAULT_REPEATS = 3;
/** kvm_dirty_ring_reaper_thread empties all rings once per second. */
const REAPER_MS = 1000;

/**
 * Measures a guest that runs and is not being migrated. It changes no setting. QEMU tracks writes while a measurement lasts
 * and stops at its end by itself, so this function returns after the measurement under way even where it is stopped.
 *
 * @throws UsageError when the guest does not run or migrates, or a period is not one that its QEMU takes
 * @throws QmpCommandError when QEMU refuses to measure
 */
export async function measureGuest(
  client: QmpClient,
  options: MeasureOptions = {},
): Promise<GuestMeasurement> {
  const { repeats = DEFAULT_REPEATS, isStopped = () => false, now } = options;
  await refuseUnfit(client);
  const facts = await readFacts(client);
  const plan = planOf(facts);
  const periodsMs = [...new Set(options.periodsMs ?? periodsOf(facts))].sort((a, b) => a - b);
  checkPeriods(facts, periodsMs);
  options.onPlan?.(facts, plan, periodsMs);
  const mappedBytes = facts.hasKvm ? await readMappedBytes(client) : null;
  const begin = { halted: facts.hasKvm ? await readHaltedNs(client) : null, ms: now?.() };
  const meter = new Meter(client, facts, plan, options);
  for (let at = 0; at < repeats; at += 1) {
    for (const periodMs of periodsMs) if (!isStopped()) await meter.measure(periodMs);
  }
  const busyShare = await busySince(client, begin, now, facts.vcpus);
  return { facts, plan, mode: meter.mode, readings: meter.readings, repeats, mappedBytes, busyShare };
}

/** Tries the modes of the plan until one is answered, and stays with it. */
class Meter {
  readonly readings: Reading[] = [];
  readonly #modes: DirtyRateMode[];
  readonly #calc: (mode: DirtyRateMode, periodMs: number) => Promise<Reading>;
  readonly #onReading: ((reading: Reading) => void) | undefined;

  constructor(client: QmpClient, facts: GuestFacts, plan: MeasurePlan, options: MeasureOptions) {
    this.#modes = [...plan.modes];
    this.#calc = (mode, periodMs) => calcDirtyRate(client, facts, mode, periodMs, plan.samplePages, options);
    this.#onReading = options.onReading;
  }

  get mode(): DirtyRateMode {
    return this.#modes[0] ?? 'page-sampling';
  }

  async measure(periodMs: number): Promise<void> {
    const mode = this.mode === 'dirty-ring' && periodMs > REAPER_MS ? 'page-sampling' : this.mode;
    try {
      const reading = await this.#calc(mode, periodMs);
      this.readings.push(reading);
      this.#onReading?.(reading);
    } catch (error) {
      if (!isModeOff(error) || this.#modes.length < 2) throw error;
      this.#modes.shift();
      await this.measure(periodMs);
    }
  }
}

async function busySince(
  client: QmpClient,
  begin: { readonly halted: number | null; readonly ms: number | undefined },
  now: (() => number) | undefined,
  vcpus: number,
): Promise<number | null> {
  if (begin.halted === null || begin.ms === undefined || now === undefined) return null;
  const halted = await readHaltedNs(client);
  const passedNs = (now() - begin.ms) * 1e6 * vcpus;
  if (halted === null || passedNs <= 0) return null;
  return Math.min(1, Math.max(0, 1 - (halted - begin.halted) / passedNs));
}
