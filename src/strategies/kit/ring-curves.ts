/**
 * Learns each vCPU's dirty curve from its ring: the rings are flushed after windows of several lengths, and what a vCPU
 * pushed in a window of τ is its D(τ), as long as its ring did not fill in between. A full ring is reaped and its pages are
 * armed again, so that of a vCPU that fills it only the rate is learned; how many pages it writes is known from the first
 * bitmap sync that finds dirty pages.
 */
import { nth } from '../../lists.js';
import { fitDirtyCurve, type DirtyPoint } from '../../guest/dirty-curve.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Controls } from '../../migration/controls.js';
import { resized, type DirtyClass } from './restraint-law.js';
import { reapedOf } from './ring-window.js';

/** One after the other, over and over, ms. */
export const PROBE_WINDOWS_MS = [100, 300, 1000, 3000] as const;
/** Longer than any migration, s. */
const EVER = 1e9;

export class RingCurves {
  readonly #migration: Controls;
  /** By window, then by vCPU: the mean over all times that the window came round. */
  readonly #points = new Map<number, { readonly times: number; readonly mean: readonly DirtyPoint[] }>();
  readonly #filled: boolean[];
  #probing = true;
  /** A bitmap sync has emptied the rings within the window under way: what is counted is no point of a curve. */
  #cut = false;
  #classes: readonly DirtyClass[] | null = null;
  #onWindow: (windowMs: number) => void = () => {};
  /** Distinct pages that are dirtied in a number of seconds; before that is known, no more than there are. */
  #sized: { readonly pages: number; readonly seconds: number } | null = null;

  constructor(migration: Controls) {
    this.#migration = migration;
    this.#filled = Array.from({ length: migration.vcpuCount }, () => false);
    migration.onRingFull((vcpu) => {
      this.#filled[vcpu] = true;
    });
  }

  /** Goes through the windows until `stop`. The first flush only empties the rings. */
  start(): void {
    this.#migration.flushRings(() => this.#probe(0));
  }

  stop(): void {
    this.#probing = false;
  }

  holding(): void {
    this.stop();
  }

  /** At least one window is over. */
  get known(): boolean {
    return this.#points.size > 0;
  }

  /** After each window, with its length. */
  onWindow(listener: (windowMs: number) => void): void {
    this.#onWindow = listener;
  }

  /** After each bitmap sync. */
  synced(): void {
    this.#cut = true;
  }

  /** Records the distinct pages that were dirtied in the `seconds` since logging began. */
  size(pages: number, seconds: number): void {
    this.#sized = { pages, seconds };
    this.#classes = null;
  }

  #probe(index: number): void {
    if (!this.#probing) return;
    const windowMs = nth(PROBE_WINDOWS_MS, index % PROBE_WINDOWS_MS.length);
    const before = reapedOf(this.#migration);
    const sinceUs = this.#migration.nowUs();
    this.#cut = false;
    this.#migration.after(windowMs, () => {
      if (!this.#probing) return;
      this.#migration.flushRings(() => {
        if (!this.#probing) return;
        const durationUs = this.#migration.nowUs() - sinceUs;
        const pages = reapedOf(this.#migration).map((reaped, vcpu) => reaped - nth(before, vcpu));
        if (!this.#cut) this.#add(windowMs, durationUs, pages);
        this.#probe(index + 1);
      });
    });
  }

  #add(windowMs: number, durationUs: number, pages: readonly number[]): void {
    const { times, mean } = this.#points.get(windowMs) ?? { times: 0, mean: [] };
    const next = pages.map((count, vcpu) => ({
      durationUs: average(mean[vcpu]?.durationUs ?? 0, times, durationUs),
      pages: average(mean[vcpu]?.pages ?? 0, times, count),
    }));
    this.#points.set(windowMs, { times: times + 1, mean: next });
    this.#classes = null;
    this.#onWindow(windowMs);
  }

  /** The classes of all vCPUs as far as they are known. */
  classes(): readonly DirtyClass[] {
    this.#classes ??= this.#fit();
    return this.#classes;
  }

  #fit(): DirtyClass[] {
    const classes: DirtyClass[] = [];
    const mayShrink: boolean[] = [];
    const none = this.#filled.map(() => 0);
    this.#filled.forEach((filled, vcpu) => {
      const points = [...this.#points.values()]
        .map(({ mean }) => nth(mean, vcpu))
        .filter(({ pages }) => pages > 0);
      if (points.length === 0) return;
      for (const { pages, writesPerSecond } of fitDirtyCurve(points).classes) {
        classes.push({ pages, touches: none.with(vcpu, writesPerSecond / pages) });
        mayShrink.push(filled);
      }
    });
    const { pages, seconds } = this.#sized ?? {
      pages: this.#migration.stats().totalBytes / PAGE_BYTES,
      seconds: EVER,
    };
    return resized(classes, mayShrink, pages, seconds);
  }
}

function average(mean: number, times: number, value: number): number {
  return (mean * times + value) / (times + 1);
}
