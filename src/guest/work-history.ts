/**
 * What each vCPU had done at instants a period apart, noted while the guest runs as it runs anyway: no observer that wants to see
 * it makes the guest stop, and so a guest that is watched does what it does unwatched.
 */
import type { Effort } from './effort.js';
import type { ThrottleTimetable } from './throttle.js';

const { floor } = Math;

/** What of a vCPU is watched. */
interface Watched {
  readonly id: number;
  readonly throttle: ThrottleTimetable;
  readonly wakeLossUs: number;
  timeUs: number;
  writes: number;
  reads: number;
}

export class WorkHistory {
  readonly #fromUs: number;
  readonly #periodUs: number;
  /** Per vCPU: accesses at `fromUs`, one period later, … */
  readonly #accesses: readonly number[][];
  readonly #effort: Effort;

  constructor(vcpus: number, fromUs: number, periodUs: number, effort: Effort) {
    this.#effort = effort;
    this.#fromUs = fromUs;
    this.#periodUs = periodUs;
    this.#accesses = Array.from({ length: vcpus }, () => []);
  }

  /**
   * A vCPU has come from `sinceUs`, with `before` accesses, to where it stands: spread over the time in which its throttle
   * let it run, as the first accesses of a stretch are not known from its last.
   */
  ran(vcpu: Watched, sinceUs: number, before: number): void {
    const accesses = this.#accesses[vcpu.id]!;
    const { throttle, wakeLossUs, timeUs } = vcpu;
    let at = this.#fromUs + accesses.length * this.#periodUs;
    if (at > timeUs) return;
    this.#effort.vcpuPoints(floor((timeUs - at) / this.#periodUs) + 1);
    const done = vcpu.writes + vcpu.reads - before;
    const ranUs = throttle.runTimeUs(sinceUs, timeUs, wakeLossUs);
    while (at <= timeUs) {
      const share = ranUs > 0 ? throttle.runTimeUs(sinceUs, at, wakeLossUs) / ranUs : 1;
      accesses.push(before + share * done);
      at = this.#fromUs + accesses.length * this.#periodUs;
    }
  }

  /** A vCPU has done nothing up to `untilUs`. */
  rested(vcpu: Watched, untilUs: number): void {
    const accesses = this.#accesses[vcpu.id]!;
    const due = floor((untilUs - this.#fromUs) / this.#periodUs) + 1 - accesses.length;
    if (due > 0) this.#effort.vcpuPoints(due);
    while (this.#fromUs + accesses.length * this.#periodUs <= untilUs)
      accesses.push(vcpu.writes + vcpu.reads);
  }

  /** Accesses of a vCPU at the i-th instant; undefined when it has not come so far. */
  at(vcpu: number, index: number): number | undefined {
    return this.#accesses[vcpu]![index];
  }
}
