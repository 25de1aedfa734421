/** The network as it is now: its phases, its outages, and other traffic's share of it. */
import { normal } from '../../random/distributions.js';
import type { Generator } from '../../random/generator.js';
import { stream } from '../../random/streams.js';
import type { EventQueue } from './clock.js';
import { type LinkRates, throughUs } from '../link-time.js';
import type { LinkPhase, LinkSpec } from '../setup.js';

const { max, min } = Math;
const INFINITY = Infinity;

export class Link {
  readonly #jitter: number;
  /** null: the bandwidth does not vary. */
  readonly #draws: Generator | null;
  #bytesPerSecond = 0;
  #latencyUs = 0;
  /** When the next phase begins, µs; Infinity: never. */
  #nextUs = INFINITY;
  /** The phases that have not begun, in order of time. */
  readonly later: LinkPhase[];
  #isDown = false;
  #isCut = false;
  #share = 1;
  /** How often it has failed so far: an outage may be over before the next look. */
  outages = 0;
  /** When it did so first, µs; Infinity: never. */
  failedUs = INFINITY;

  constructor(spec: LinkSpec, events: EventQueue, seed: number, run: number) {
    this.#jitter = spec.jitter ?? 0;
    this.#draws = this.#jitter > 0 ? stream(seed, run, 'link jitter') : null;
    this.#bytesPerSecond = spec.bandwidthBytesPerSecond;
    this.#latencyUs = spec.latencyUs;
    this.later = [...spec.phases];
    this.#nextUs = this.later[0]?.atUs ?? INFINITY;
    for (const phase of spec.phases) {
      events.at(phase.atUs, () => {
        this.#bytesPerSecond = phase.bandwidthBytesPerSecond;
        this.#latencyUs = phase.latencyUs;
        this.later.shift();
        this.#nextUs = this.later[0]?.atUs ?? INFINITY;
      });
    }
    for (const outage of spec.outages ?? []) {
      events.at(outage.atUs, () => {
        this.#isDown = true;
        this.#fail(outage.atUs);
      });
      events.at(outage.atUs + outage.durationUs, () => {
        this.#isDown = false;
      });
    }
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** The same at an instant that is not yet over, bytes/s. */
  rateAt(atUs: number): number {
    if (atUs < this.#nextUs) return this.#bytesPerSecond;
    let rate = this.#bytesPerSecond;
    for (const phase of this.later) {
      if (phase.atUs > atUs) break;
      rate = phase.bandwidthBytesPerSecond;
    }
    return rate;
  }

  /** When the rate is another next, after such an instant, µs; Infinity: never. */
  changesAfter(atUs: number): number {
    if (atUs < this.#nextUs) return this.#nextUs;
    for (const phase of this.later) if (phase.atUs > atUs) return phase.atUs;
    return INFINITY;
  }

  /** `throughUs` over this link. */
  throughUs(
    count: number,
    fromUs: number,
    timeUs: (count: number, bytesPerSecond: number) => number,
  ): number {
    return throughUs(this, count, fromUs, timeUs);
  }

  /** How long bytes take that go from `fromUs` on, µs. */
  timeForUs(bytes: number, fromUs: number): number {
    return throughUs(this, bytes, fromUs, bytesUs);
  }

  /** Its rate now and the phases that come later, to be looked at when they are past. */
  rates(): LinkRates {
    return { bytesPerSecond: this.#bytesPerSecond, later: [...this.later] };
  }

  /** One way. */
  get latencyUs(): number {
    return this.#latencyUs;
  }

  /** It carries nothing: an outage, or `cut`. */
  get isDown(): boolean {
    return this.#isDown || this.#isCut;
  }

  /** The network carries a new connection. */
  get carries(): boolean {
    return !this.#isDown;
  }

  /** migrate-pause: the channels are shut down at this instant, until `mend`. */
  cut(nowUs: number): void {
    this.#isCut = true;
    this.#fail(nowUs);
  }

  #fail(atUs: number): void {
    this.outages += 1;
    this.failedUs = min(this.failedUs, atUs);
  }

  /** migrate-recover. */
  mend(): void {
    this.#isCut = false;
  }

  /** Share of the bandwidth that this iteration has. */
  get share(): number {
    return this.#share;
  }

  /** The share is another in every iteration. */
  get varies(): boolean {
    return this.#draws !== null;
  }

  /** Other traffic and TCP's own swings: an iteration's share of the link, never below a twentieth. */
  drawJitter(): void {
    if (this.#draws !== null) this.#share = max(0.05, 1 + this.#jitter * normal(this.#draws));
  }
}

function bytesUs(bytes: number, bytesPerSecond: number): number {
  return (bytes / bytesPerSecond) * 1e6;
}
