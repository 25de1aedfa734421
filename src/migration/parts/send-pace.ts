/** What sending costs now, as a factor of what the host profile says: it drifts within a run. */
import { DRIFT_STEP_US } from '../../guest/variability.js';
import type { Clock } from './clock.js';

const { floor, max } = Math;
const INFINITY = Infinity;

export class SendPace {
  readonly #clock: Readonly<Clock>;
  /** A factor for each step, again from the first after the last; empty: always 1. */
  readonly #drift: readonly number[];

  constructor(drift: readonly number[] | undefined, clock: Readonly<Clock>) {
    this.#drift = drift ?? [];
    this.#clock = clock;
  }

  get factor(): number {
    return this.#drift.length === 0 ? 1 : this.#drift[this.#step() % this.#drift.length]!;
  }

  /** When the factor is another, µs. It is no event, as nothing waits for it. */
  get nextUs(): number {
    return this.#drift.length === 0 ? INFINITY : (this.#step() + 1) * DRIFT_STEP_US;
  }

  #step(): number {
    return floor(max(0, this.#clock.nowUs) / DRIFT_STEP_US);
  }
}
