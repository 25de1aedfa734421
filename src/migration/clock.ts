/** Virtual time and what is due in it. Events have a total order: time, then the order in which they were asked for. */

interface Due {
  timeUs: number;
  readonly serial: number;
  readonly fire: () => void;
  cancelled: boolean;
}

export class EventQueue {
  readonly #due: Due[] = [];
  #serial = 0;
  /** Time of the next event, µs; Infinity when there is none. */
  nextUs = Infinity;

  at(timeUs: number, fire: () => void): { cancel: () => void } {
    const due: Due = { timeUs, serial: this.#serial, fire, cancelled: false };
    this.#serial += 1;
    // A handful of events at a time: a sorted array beats a heap. Latest first, so that the next one is popped.
    let i = this.#due.length;
    while (i > 0 && this.#due[i - 1]!.timeUs <= timeUs) i -= 1;
    this.#due.splice(i, 0, due);
    this.nextUs = this.#due[this.#due.length - 1]!.timeUs;
    return {
      cancel: () => {
        due.cancelled = true;
      },
    };
  }

  /** Take the next event off the queue and return what to do; null when it was cancelled. */
  take(): (() => void) | null {
    const due = this.#due.pop();
    this.nextUs = this.#due.length === 0 ? Infinity : this.#due[this.#due.length - 1]!.timeUs;
    return due === undefined || due.cancelled ? null : due.fire;
  }
}
