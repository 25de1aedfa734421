/** The chunks whose tracking is cleared together (clear_bmap): within a RAM block, guest RAM and then the hidden pages as one of their own. */
const { ceil, floor, min } = Math;

export class ClearChunks {
  /** 1: to be cleared before a page of it is sent. */
  readonly pending: Uint8Array;
  readonly #ramPages: number;
  readonly #totalPages: number;
  readonly #size: number;

  /** `shift`: log2 of the pages of one. */
  constructor(ramPages: number, totalPages: number, shift: number) {
    this.#ramPages = ramPages;
    this.#totalPages = totalPages;
    this.#size = 2 ** shift;
    this.pending = new Uint8Array(this.of(totalPages - 1) + 1);
  }

  of(page: number): number {
    return page < this.#ramPages ? floor(page / this.#size) : ceil(this.#ramPages / this.#size);
  }

  startOf(chunk: number): number {
    return min(chunk * this.#size, this.#ramPages);
  }

  endOf(chunk: number): number {
    const start = this.startOf(chunk);
    return start === this.#ramPages ? this.#totalPages : min(start + this.#size, this.#ramPages);
  }
}
