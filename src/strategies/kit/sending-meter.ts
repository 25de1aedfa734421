/** What is sent a second, and how much may be left when the guest stops: medians over the last rate windows. */
import { nth } from '../../lists.js';
import { PAGE_BYTES } from '../../guest/spec.js';
import type { Controls } from '../../migration/controls.js';
import { NORMAL_PAGE_BYTES } from '../../migration/rules/stream.js';
import type { Sending } from './restraint-law.js';

const { max } = Math;

/** BUFFER_DELAY: a window is over after this, ms; this many are looked at. A sync makes one of them look slow. */
const WINDOW_MS = 100;
const WINDOWS = 11;

/** The median of the last values; the largest that it ever was until `forgetPeak`. */
class RunningMedian {
  #values: number[] = [];
  #peaks = true;
  value = 0;

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > WINDOWS) this.#values.shift();
    const median = nth(
      this.#values.toSorted((a, b) => a - b),
      this.#values.length >> 1,
    );
    this.value = this.#peaks ? max(this.value, median) : median;
  }

  forgetPeak(): void {
    this.#peaks = false;
    this.#values = [];
  }
}

/** In the first pass it takes the most there was, as zero pages are next to nothing on the wire; after it, what is sent now. */
export class SendingMeter {
  readonly #migration: Controls;
  readonly #bandwidth = new RunningMedian();
  readonly #threshold = new RunningMedian();

  constructor(migration: Controls) {
    this.#migration = migration;
    migration.every(WINDOW_MS, () => {
      const { bandwidthBytesPerSecond, thresholdBytes } = migration.stats();
      this.#bandwidth.add(bandwidthBytesPerSecond);
      this.#threshold.add(thresholdBytes);
    });
  }

  firstPassEnded(): void {
    this.#bandwidth.forgetPeak();
    this.#threshold.forgetPeak();
  }

  /** Before the first median there is only the last window. */
  sending(): Sending {
    const { bandwidthBytesPerSecond, thresholdBytes } = this.#migration.stats();
    const bandwidth = this.#bandwidth.value || bandwidthBytesPerSecond;
    return {
      pagesPerSecond: max(1, bandwidth / NORMAL_PAGE_BYTES),
      limitPages: (this.#threshold.value || thresholdBytes) / PAGE_BYTES,
    };
  }
}
