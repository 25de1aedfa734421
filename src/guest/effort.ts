/**
 * What one run may take of the machine that simulates it: so much work that no run goes on for hours, and a run that would is
 * refused at the same point everywhere. Work is counted, not timed; a unit is about 1 ns of a current CPU.
 */
import { UsageError } from '../errors.js';

const { floor, round } = Math;

/** About half a minute. */
const MOST_UNITS = 30e9;

const PER_WRITE = 6;
const PER_STRETCH = 500;
const PER_TURN = 500;
const PER_WORD = 1;
/** And memory, which ends at 2 GB where the first million of records has been kept. */
const PER_RECORD = 15_000;
const PER_VCPU_OF_RECORD = 1500;

export class Effort {
  #left = 0;
  #writes = 0;
  #stretches = 0;
  #turns = 0;
  #words = 0;
  #records = 0;
  #recordUnits = 0;

  constructor(mostUnits = MOST_UNITS) {
    this.#left = mostUnits;
  }

  /** Writes, or reads in post-copy, each of which draws its page. */
  draw(writes: number): void {
    this.#writes += writes;
    this.#spend(writes * PER_WRITE);
  }

  /** A vCPU runs, sleeps or waits until something changes. */
  stretch(): void {
    this.stretches(1);
  }

  stretches(count: number): void {
    this.#stretches += count;
    this.#spend(count * PER_STRETCH);
  }

  /** A turn of the migration thread, a run of pages, an event. */
  turn(): void {
    this.#turns += 1;
    this.#spend(PER_TURN);
  }

  /** Words of bitmaps, or segments of memory counted in words, that a sync goes through. */
  scan(words: number): void {
    this.#words += words;
    this.#spend(words * PER_WORD);
  }

  /** A sync, a point of the timeline or a decision is kept until the end, with figures of each vCPU. */
  record(vcpus: number): void {
    this.#records += 1;
    this.#keep(PER_RECORD + vcpus * PER_VCPU_OF_RECORD);
  }

  /** `count` points of the timeline are about to be kept, apart from the figures of vCPUs. */
  points(count: number): void {
    this.#records += count;
    this.#keep(count * PER_RECORD);
  }

  /** The same for the figures of one vCPU. */
  vcpuPoints(count: number): void {
    this.#keep(count * PER_VCPU_OF_RECORD);
  }

  #keep(units: number): void {
    this.#recordUnits += units;
    this.#spend(units);
  }

  #spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new TooMuchWork(this.#reason());
  }

  /** What most of it was, and what there is less of. */
  #reason(): string {
    const kinds: readonly (readonly [number, string])[] = [
      [
        this.#writes * PER_WRITE,
        `the page memory has drawn ${millions(this.#writes)} writes; expected the fluid memory, which counts them, ` +
          'lower rates, or a shorter give-up-after',
      ],
      [
        this.#stretches * PER_STRETCH,
        `its vCPUs have run ${millions(this.#stretches)} stretches, each to a full ring, a phase or a kick; expected fewer ` +
          'vCPUs, longer phases, larger rings, or a shorter give-up-after',
      ],
      [
        this.#turns * PER_TURN,
        `it has taken ${millions(this.#turns)} turns and events; expected a shorter give-up-after`,
      ],
      [
        this.#recordUnits,
        `${millions(this.#records)} syncs, points of its timeline and decisions have been kept; expected a shorter ` +
          'give-up-after',
      ],
      [
        this.#words * PER_WORD,
        `its syncs have gone through ${millions(this.#words)} words of bitmaps; expected the fluid memory, less memory, ` +
          'or a shorter give-up-after',
      ],
    ];
    return kinds.reduce((most, kind) => (kind[0] > most[0] ? kind : most))[1];
  }
}

/** Records that one run keeps at most. */
export function mostRecords(vcpus: number): number {
  return floor(MOST_UNITS / (PER_RECORD + vcpus * PER_VCPU_OF_RECORD));
}

/** A run that would take too long is not a mistake of migsim: bad input, as the message says how to change it. */
export class TooMuchWork extends UsageError {}

function millions(count: number): string {
  return `${round(count / 1e5) / 10} million`;
}
