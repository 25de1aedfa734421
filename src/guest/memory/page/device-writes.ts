/** Pages that devices write, in the logs of the devices' backends (vhost_log_sync, vfio_listener_log_sync). */
import type { Generator } from '../../../random/generator.js';
import type { DmaSpec } from '../../spec.js';
import { bitmapWords, setRange } from './bitmap.js';
import type { MigrationBitmap } from './migration-bitmap.js';

const { floor } = Math;

/** After so many writes per page the share of pages that were missed is below 2^-60. */
const WRITES_TO_ALL = 42;

export class DeviceWrites {
  readonly #spec: DmaSpec;
  readonly #log: Int32Array;
  readonly #random: Generator;
  /** Part of a write that the last time left over. */
  #credit = 0;

  /** `words`: of a bitmap over all of memory. */
  constructor(spec: DmaSpec, words: number, random: Generator) {
    this.#spec = spec;
    this.#log = new Int32Array(words);
    this.#random = random;
  }

  /** They write for `us`, into `rewritten` too. Returns the writes that were drawn. */
  write(us: number, rewritten: Int32Array | null): number {
    const { firstPage, pages, writesPerSecond } = this.#spec;
    const due = this.#credit + (writesPerSecond * us) / 1e6;
    const writes = floor(due);
    this.#credit = due - writes;
    if (writes > WRITES_TO_ALL * pages) {
      setRange(this.#log, firstPage, firstPage + pages);
      if (rewritten !== null) setRange(rewritten, firstPage, firstPage + pages);
      return 0;
    }
    for (let i = 0; i < writes; i += 1) {
      const page = firstPage + this.#random.nextBelow(pages);
      this.#log[page >>> 5]! |= 1 << (page & 31);
      if (rewritten !== null) rewritten[page >>> 5]! |= 1 << (page & 31);
    }
    return writes;
  }

  /** Nobody keeps a log. */
  forget(): void {
    const { firstPage, pages } = this.#spec;
    this.#log.fill(0, firstPage >>> 5, bitmapWords(firstPage + pages));
  }

  /** The logs go into the migration bitmap, and are empty again. Returns the pages newly set there. */
  harvest(toSend: MigrationBitmap): number {
    const { firstPage, pages } = this.#spec;
    return toSend.merge(this.#log, null, firstPage >>> 5, bitmapWords(firstPage + pages));
  }
}
