/** Between which values most runs lie at each instant, from runs as they come in. */
import { nth } from '../lists.js';
import type { MigrationResult } from '../migration/result.js';
import { MIB } from '../units.js';

/** 90 % of the runs lie between `low` and `high`. */
export interface Band {
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

/** Of one strategy, over the instants of `Bands.time`. */
export interface StrategyBands {
  readonly label: string;
  /** MiB. */
  readonly remaining: Band;
  /** Percent. */
  readonly throttle: Band;
  readonly converged: number;
  readonly runs: number;
}

export interface Bands {
  /** s. */
  readonly time: readonly number[];
  readonly strategies: readonly StrategyBands[];
}

const INSTANTS = 300;
const TAIL = 0.05;
/** Fewer runs have no tails. */
const FEWEST = 3;

interface Samples {
  readonly label: string;
  readonly remaining: number[][];
  readonly throttle: number[][];
  converged: number;
}

export class BandCollector {
  readonly #time: readonly number[];
  readonly #samples: readonly Samples[];

  /** `endS`: where the time ends, s. */
  constructor(labels: readonly string[], endS: number) {
    this.#time = Array.from({ length: INSTANTS }, (_, index) => (endS * index) / (INSTANTS - 1));
    this.#samples = labels.map((label) => ({ label, remaining: [], throttle: [], converged: 0 }));
  }

  add(strategy: number, result: MigrationResult): void {
    const samples = nth(this.#samples, strategy);
    const { timeline } = result;
    const remaining: number[] = [];
    const throttle: number[] = [];
    let at = 0;
    for (const time of this.#time) {
      while (at + 1 < timeline.length && nth(timeline, at + 1).timeMs <= time * 1e3) at += 1;
      const isOver = result.status === 'completed' && time * 1e3 > result.totalTimeMs;
      const point = timeline[at];
      remaining.push(isOver || point === undefined ? 0 : point.remainingBytes / MIB);
      throttle.push(isOver || point === undefined ? 0 : point.throttlePercent);
    }
    samples.remaining.push(remaining);
    samples.throttle.push(throttle);
    if (result.converged) samples.converged += 1;
  }

  bands(): Bands {
    return {
      time: this.#time,
      strategies: this.#samples.map(({ label, remaining, throttle, converged }) => ({
        label,
        remaining: this.#band(remaining),
        throttle: this.#band(throttle),
        converged,
        runs: remaining.length,
      })),
    };
  }

  #band(runs: readonly (readonly number[])[]): Band {
    if (runs.length < FEWEST) {
      const none = this.#time.map(() => null);
      return { low: none, high: none };
    }
    const low: number[] = [];
    const high: number[] = [];
    for (let index = 0; index < this.#time.length; index++) {
      const values = runs.map((run) => nth(run, index)).sort((a, b) => a - b);
      low.push(nth(values, Math.floor(TAIL * (values.length - 1))));
      high.push(nth(values, Math.ceil((1 - TAIL) * (values.length - 1))));
    }
    return { low, high };
  }
}
