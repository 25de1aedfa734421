/** Watches the remaining after each sync: does it still fall, and is it low for what it has been? */
const { min } = Math;

/** A remaining this close to the lowest counts as the lowest. */
const NEAR = 1.02;

export class RemainingWatch {
  #windowUs = 0;
  #windowEndUs = 0;
  /** The lowest of the window under way and of the one before. */
  #lowest = Infinity;
  #lowestBefore = Infinity;
  #flat = false;
  /** The lowest ever, and when it was reached. */
  lowestEver = Infinity;
  lowestEverUs = 0;

  /** From now on, window after window of this length. */
  begin(nowUs: number, windowUs: number): void {
    this.#windowUs = windowUs;
    this.#windowEndUs = nowUs + windowUs;
  }

  get windowUs(): number {
    return this.#windowUs;
  }

  /** `worthPerSecond`: how fast it must fall to be worth waiting for. */
  see(pending: number, nowUs: number, worthPerSecond: number): void {
    if (nowUs >= this.#windowEndUs) {
      this.#flat = this.#lowest > this.#lowestBefore - (worthPerSecond * this.#windowUs) / 1e6;
      this.#lowestBefore = this.#lowest;
      this.#lowest = Infinity;
      this.#windowEndUs = nowUs + this.#windowUs;
    }
    this.#lowest = min(this.#lowest, pending);
    if (pending * NEAR >= this.lowestEver) return;
    this.lowestEver = pending;
    this.lowestEverUs = nowUs;
  }

  /** It has stopped falling, and `pending` is about the lowest of the last two windows. */
  isLow(pending: number): boolean {
    return this.#flat && pending <= NEAR * min(this.#lowest, this.#lowestBefore);
  }
}
