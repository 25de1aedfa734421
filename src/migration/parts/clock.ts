/** Virtual time and what is due in it. Events have a total order: time, then the order in which they were asked for. */
import { UsageError } from '../../errors.js';
import { Effort } from '../../guest/effort.js';
import type { Generator } from '../../random/generator.js';
import type { Timer } from '../controls.js';

const { floor, log, max } = Math;
const INFINITY = Infinity;

interface Due {
  readonly timeUs: number;
  readonly fire: () => void;
  cancelled: boolean;
}

/** More events than this at one instant are a timer that starts itself again without a delay. */
const MOST_AT_ONCE = 1_000_000;

export class EventQueue {
  readonly #due: Due[] = [];
  /** Time of the next event, µs; Infinity when there is none. */
  nextUs = Infinity;

  at(timeUs: number, fire: () => void): Due {
    const due: Due = { timeUs, fire, cancelled: false };
    const all = this.#due;
    // A handful of events at a time: a sorted array beats a heap. Latest first, so that the next one is popped.
    let i = all.length;
    all.push(due);
    for (; i > 0 && all[i - 1]!.timeUs <= timeUs; i -= 1) all[i] = all[i - 1]!;
    all[i] = due;
    this.nextUs = all[all.length - 1]!.timeUs;
    return due;
  }

  /** Take the next event off the queue and return what to do; null when it was cancelled. */
  take(): (() => void) | null {
    const due = this.#due.pop();
    this.nextUs = this.#due.length === 0 ? Infinity : this.#due[this.#due.length - 1]!.timeUs;
    return due === undefined || due.cancelled ? null : due.fire;
  }
}

function standstill(atUs: number): UsageError {
  return new UsageError(
    `more than ${MOST_AT_ONCE} timers fired at ${atUs / 1000} ms; a strategy or policy starts one again without a delay`,
  );
}

/** An observer that looks on as time passes, and changes nothing. */
export interface Watcher {
  look(): void;
}

/** Virtual time since `migrate`, µs, and the source host's own clock, which counts in whole ms. */
export class Clock {
  readonly events = new EventQueue();
  /** Negative while what was started before `migrate` settles. */
  nowUs = 0;
  watcher: Watcher | null = null;
  /** At this instant the caller that lets time pass wants to look or to act; Infinity: it passes to the end. */
  pauseUs = INFINITY;
  #isHalted = false;
  #eventsNow = 0;
  readonly #meanWakeLatencyUs: number;
  readonly #latency: Generator;
  readonly #effort: Effort;
  /** Where in its millisecond the host's clock stood when the migration began, µs. */
  readonly #phaseUs: number;

  constructor(startUs: number, meanWakeLatencyUs: number, latency: Generator, effort = new Effort()) {
    this.#effort = effort;
    this.nowUs = startUs;
    this.#meanWakeLatencyUs = meanWakeLatencyUs;
    this.#latency = latency;
    this.#phaseUs = latency.nextFloat() * 1000;
  }

  /** The host's monotonic clock in whole ms (qemu_clock_get_ms(QEMU_CLOCK_REALTIME)). */
  ms(atUs = this.nowUs): number {
    return floor((atUs + this.#phaseUs) / 1000);
  }

  /** The migration ends at this instant: time stands still, and nothing that is due happens any more. */
  halt(): void {
    this.#isHalted = true;
  }

  /** Go to `toUs`, letting everything that is due on the way happen; to where one of these halts time. */
  advance(toUs: number): void {
    while (this.events.nextUs <= toUs && !this.#isHalted) {
      const atUs = max(this.events.nextUs, this.nowUs);
      const fire = this.events.take();
      this.#effort.turn();
      this.#eventsNow = atUs === this.nowUs ? this.#eventsNow + 1 : 0;
      if (this.#eventsNow > MOST_AT_ONCE) throw standstill(atUs);
      this.nowUs = atUs;
      if (fire !== null) fire();
    }
    // Halted in the middle of something: what is seen of it is for those to put right who were at it.
    if (this.#isHalted) return;
    if (toUs > this.nowUs) this.nowUs = toUs;
    if (this.watcher !== null) this.watcher.look();
  }

  /** The same inside a turn of the loop, which is seen as a whole unless something happens in it. */
  pass(toUs: number): void {
    if (this.events.nextUs <= toUs) this.advance(toUs);
    else if (!this.#isHalted) this.nowUs = max(this.nowUs, toUs);
  }

  /** The caller wants to act before `toUs`. Nothing is to be waited for once time stands still. */
  pausesBefore(toUs: number): boolean {
    return this.pauseUs < toUs && !this.#isHalted;
  }

  /** How late a timed wait returns, µs. */
  wakeLatencyUs(): number {
    const mean = this.#meanWakeLatencyUs;
    return mean === 0 ? 0 : -log(1 - this.#latency.nextFloat()) * mean;
  }

  after(delayMs: number, fire: () => void): Timer {
    const due = this.events.at(this.nowUs + delayMs * 1000, fire);
    return {
      cancel: () => {
        due.cancelled = true;
      },
    };
  }

  every(periodMs: number, listener: () => void): Timer {
    const periodUs = periodMs * 1000;
    let cancelled = false;
    let nextUs = this.nowUs + periodUs;
    const fire = (): void => {
      if (cancelled) return;
      nextUs += periodUs;
      this.events.at(nextUs, fire);
      listener();
    };
    this.events.at(nextUs, fire);
    return {
      cancel: () => {
        cancelled = true;
      },
    };
  }
}
