/** How long a migration under way will still take, from runs that were simulated of its guest. */
import { nth } from '../../lists.js';
import { bandOf, type ModelResiduals } from '../../guest/host-profiles/residuals.js';
import type { MigrationResult } from '../../migration/result.js';
import { scenarioUnder } from '../../experiment/recorded/under.js';
import { simulate } from '../../experiment/simulate.js';
import type { Scenario } from '../../scenario/scenario.js';
import { drawsOf } from '../../stats/conformal.js';
import { mapIn, numberIn, textIn } from '../measure/ask.js';
import type { MigrateReply, RecordedSettings } from './record.js';

const { max, min } = Math;

/** Time to the end of the migration, ms. */
export interface RemainingTime {
  /** Where everything uncertain is at its median. */
  readonly pointMs: number;
  /** 90 % band. */
  readonly lowMs: number;
  readonly highMs: number;
}

const RUNS = 20;

/**
 * Predicts with one simulated run at a time, so that a migration can be polled in between. A run says how long is
 * left from where it was as far as the real migration is: in the same pass, with as much remaining.
 */
export class RemainingPredictor {
  readonly #text: string;
  readonly #file: string;
  readonly #qemu: string;
  readonly #results: MigrationResult[] = [];
  /** With everything uncertain at its median. */
  #steady: MigrationResult | null = null;
  #scenario: Scenario | null = null;
  #settings = '';

  /** @param qemu version of the source, `10.0.2` */
  constructor(text: string, file: string, qemu: string) {
    this.#text = text;
    this.#file = file;
    this.#qemu = qemu;
  }

  /** Begins again where other settings are in force. @throws UsageError when they cannot be simulated */
  under({ parameters, capabilities }: RecordedSettings): void {
    const settings = JSON.stringify([parameters, capabilities]);
    if (settings === this.#settings) return;
    this.#settings = settings;
    this.#results.length = 0;
    this.#steady = null;
    this.#scenario = scenarioUnder(this.#text, this.#file, {
      qemu: this.#qemu,
      parameters,
      capabilities,
      changes: [],
      postcopyMs: null,
      givenUpMs: null,
    }).scenario;
  }

  /** One run, where one is still to be made. */
  step(): void {
    if (this.#scenario === null || this.#results.length >= RUNS) return;
    const strategy = nth(this.#scenario.strategies, 0);
    const common = { seed: 1, memory: 'fluid' } as const;
    if (this.#steady === null) this.#steady = simulate(this.#scenario, strategy, { ...common, draw: false });
    else this.#results.push(simulate(this.#scenario, strategy, { ...common, run: this.#results.length + 1 }));
  }

  /** Whether there are runs, and none of them completes. */
  get isHopeless(): boolean {
    return this.#results.length > 0 && this.#results.every(({ converged }) => !converged);
  }

  /** null before the first run, and where no run that completes comes as far as the migration is. */
  at(reply: MigrateReply): RemainingTime | null {
    const ram = mapIn(reply['ram']);
    const sync = numberIn(ram, 'dirty-sync-count') ?? 0;
    const remaining = numberIn(ram, 'remaining') ?? 0;
    if (textIn(reply, 'status') === undefined || this.#results.length === 0) return null;
    const left = this.#results.flatMap((result) => leftOf(result, sync, remaining) ?? []);
    if (left.length === 0) return null;
    const point = this.#steady === null ? null : leftOf(this.#steady, sync, remaining);
    const draws = drawsOf(left, point ?? undefined);
    const band = bandOf('totalTimeMs', draws, this.#residuals());
    return {
      pointMs: draws.point,
      lowMs: max(0, band?.low ?? draws.p5),
      highMs: band?.high ?? draws.p95,
    };
  }

  #residuals(): ModelResiduals | undefined {
    return this.#scenario?.setup.host.residuals;
  }
}

/** From the instant at which the run had made that many syncs and had that much remaining, to its end; null: it never had. */
export function leftOf(result: MigrationResult, sync: number, remainingBytes: number): number | null {
  const { syncs, converged, totalTimeMs } = result;
  if (!converged) return null;
  if (sync < 1 || syncs.length === 0) return totalTimeMs;
  const at = syncs.findIndex(({ n }) => n === sync);
  const begun = syncs[at];
  if (begun === undefined) return null;
  const next = syncs[at + 1];
  const endMs = next === undefined ? totalTimeMs : next.timeMs - next.durationMs;
  const endBytes = next?.remainingBeforeBytes ?? 0;
  const fall = begun.remainingBytes - endBytes;
  const done = fall <= 0 ? 0 : min(1, max(0, (begun.remainingBytes - remainingBytes) / fall));
  return max(0, totalTimeMs - (begun.timeMs + done * (endMs - begun.timeMs)));
}
