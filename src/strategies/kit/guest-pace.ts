/**
 * How fast each vCPU writes now, as a share of what is known of it: the entries that it pushed into its ring since the last
 * sync over those that its classes let expect. Guests have phases, and what was learned of one need not hold in the next.
 */
import { nth } from '../../lists.js';
import type { Controls } from '../../migration/controls.js';
import type { DirtyClass } from './restraint-law.js';
import { reapedOf } from './ring-window.js';

const { exp, min } = Math;

/** Weight of the latest period. */
const WEIGHT = 0.5;
const FASTEST = 4;
/** Fewer expected entries say nothing. */
const FEWEST_ENTRIES = 16;

export class GuestPace {
  readonly #migration: Controls;
  #reaped: number[];
  #sinceUs: number;
  /** By vCPU; 1: as known. */
  paces: readonly number[];

  constructor(migration: Controls) {
    this.#migration = migration;
    this.#reaped = reapedOf(migration);
    this.#sinceUs = migration.nowUs();
    this.paces = this.#reaped.map(() => 1);
  }

  /** A new period begins; the last one is not measured. */
  restart(): void {
    this.#reaped = reapedOf(this.#migration);
    this.#sinceUs = this.#migration.nowUs();
  }

  /** The period is over, all rings are flushed: vCPU i ran for `shareOf(i)` of it. */
  measure(classes: readonly DirtyClass[], shareOf: (vcpu: number) => number): void {
    const before = this.#reaped;
    const seconds = (this.#migration.nowUs() - this.#sinceUs) / 1e6;
    this.restart();
    this.paces = this.paces.map((pace, vcpu) => {
      const ran = seconds * shareOf(vcpu);
      const expected = classes.reduce(
        (sum, { pages, touches }) => sum + pages * (1 - exp(-nth(touches, vcpu) * ran)),
        0,
      );
      if (expected < FEWEST_ENTRIES) return pace;
      const now = min(FASTEST, (nth(this.#reaped, vcpu) - nth(before, vcpu)) / expected);
      return pace + WEIGHT * (now - pace);
    });
  }
}
