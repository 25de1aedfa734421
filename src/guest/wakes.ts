/** How late a vCPU wakes from its sleeps at full rings. */
import { exponential } from '../random/distributions.js';
import type { Generator } from '../random/generator.js';
import { stream } from '../random/streams.js';

/** Draws of a stream of their own, which is opened for the first of them: most runs never ask. */
export class Wakes {
  readonly #seed: number;
  readonly #run: number;
  readonly #vcpu: number;
  readonly #meanUs: number;
  #generator: Generator | null = null;

  constructor(seed: number, run: number, vcpu: number, meanUs: number) {
    this.#seed = seed;
    this.#run = run;
    this.#vcpu = vcpu;
    this.#meanUs = meanUs;
  }

  /** Exponential, µs. */
  nextLateUs(): number {
    this.#generator ??= stream(this.#seed, this.#run, `vcpu ${this.#vcpu} wakes`);
    return exponential(this.#generator, this.#meanUs);
  }
}
