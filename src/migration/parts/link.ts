/** The network as it is now: its phases, its outages, and other traffic's share of it. */
import { normal } from '../../random/distributions.js';
import type { Generator } from '../../random/generator.js';
import { stream } from '../../random/streams.js';
import type { EventQueue } from './clock.js';
import type { LinkSpec } from '../setup.js';

const { max } = Math;
const INFINITY = Infinity;

export class Link {
  readonly #jitter: number;
  readonly #phases: LinkSpec['phases'];
  /** null: the bandwidth does not vary. */
  readonly #draws: Generator | null;
  #bytesPerSecond = 0;
  #latencyUs = 0;
  #isDown = false;
  #isCut = false;
  #share = 1;
  /** How often it has failed so far: an outage may be over before the next look. */
  outages = 0;

  constructor(spec: LinkSpec, events: EventQueue, seed: number, run: number) {
    this.#jitter = spec.jitter ?? 0;
    this.#phases = spec.phases;
    this.#draws = this.#jitter > 0 ? stream(seed, run, 'link jitter') : null;
    this.#bytesPerSecond = spec.bandwidthBytesPerSecond;
    this.#latencyUs = spec.latencyUs;
    for (const phase of spec.phases) {
      events.at(phase.atUs, () => {
        this.#bytesPerSecond = phase.bandwidthBytesPerSecond;
        this.#latencyUs = phase.latencyUs;
      });
    }
    for (const outage of spec.outages ?? []) {
      events.at(outage.atUs, () => {
        this.#isDown = true;
        this.outages += 1;
      });
      events.at(outage.atUs + outage.durationUs, () => {
        this.#isDown = false;
      });
    }
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** When the next phase begins after `nowUs`, µs; Infinity where none does. */
  nextPhaseUs(nowUs: number): number {
    for (const { atUs } of this.#phases) if (atUs > nowUs) return atUs;
    return INFINITY;
  }

  /** How long `bytes` take that leave from `fromUs` on, through whatever phases begin meanwhile, µs. */
  timeForUs(bytes: number, fromUs: number): number {
    let left = bytes;
    let atUs = fromUs;
    let rate = this.#bytesPerSecond;
    for (const phase of this.#phases) {
      if (phase.atUs <= fromUs) continue;
      const carried = (rate * (phase.atUs - atUs)) / 1e6;
      if (left <= carried) break;
      left -= carried;
      atUs = phase.atUs;
      rate = phase.bandwidthBytesPerSecond;
    }
    return atUs - fromUs + (left / rate) * 1e6;
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

  /** migrate-pause: the channels are shut down, until `mend`. */
  cut(): void {
    this.#isCut = true;
    this.outages += 1;
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
