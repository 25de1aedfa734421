/** Runs the values of a key, each once: a few runs first, and all of those that may hold. */
import { UsageError } from '../../errors.js';
import { zip } from '../../lists.js';
import type { MigrationResult } from '../../migration/result.js';
import type { Batches } from '../parallel/batches.js';
import type { Batch } from '../parallel/run-worker.js';
import type { SearchPoint } from './point.js';

/** How a value is run and judged. */
export interface ValueForm {
  /** Runs of a value, and those after which it may be given up. */
  readonly runs: number;
  readonly firstRuns: number;
  batch(value: number, firstRun: number, lastRun: number): Batch;
  holds(results: readonly MigrationResult[]): boolean;
  point(value: number, results: readonly MigrationResult[]): SearchPoint;
}

export class ValueRuns {
  readonly #form: ValueForm;
  readonly #batches: Batches;
  readonly #points = new Map<number, SearchPoint>();
  readonly #refusals: string[] = [];

  constructor(form: ValueForm, batches: Batches) {
    this.#form = form;
    this.#batches = batches;
  }

  /** All that were tried so far, from small to large. Throws `UsageError` where no value runs. */
  async run(values: readonly number[]): Promise<readonly SearchPoint[]> {
    const { runs, firstRuns, holds, point } = this.#form;
    const fresh = values.filter((value) => !this.#points.has(value));
    const begun = await this.#ran(fresh, 1, firstRuns);
    const promising = [...begun].filter(([, results]) => results.length < runs && holds(results));
    const more = await this.#ran(
      promising.map(([value]) => value),
      2,
      runs,
    );
    for (const [value, results] of begun)
      this.#points.set(value, point(value, [...results, ...(more.get(value) ?? [])]));
    const [refusal] = this.#refusals;
    if (this.#points.size === 0 && refusal !== undefined) throw new UsageError(refusal);
    return [...this.#points.values()].sort((a, b) => a.value - b.value);
  }

  /** Results by value; what refuses is left out. */
  async #ran(
    values: readonly number[],
    first: number,
    last: number,
  ): Promise<Map<number, readonly MigrationResult[]>> {
    const outcomes = await this.#batches.run(values.map((value) => this.#form.batch(value, first, last)));
    const found = new Map<number, readonly MigrationResult[]>();
    for (const [value, outcome] of zip(values, outcomes)) {
      if ('refusal' in outcome) this.#refusals.push(outcome.refusal);
      else found.set(value, outcome.results);
    }
    return found;
  }
}
