/**
 * What pages hold, as far as a stream can see: how far their content compresses. Contents have numbers: 0 is that of the guest
 * at large, the others are the different ones of `GuestSpec.contents`, in order.
 */
import { type NonEmpty, mapped } from '../lists.js';
import type { GuestSpec } from './spec.js';

const { min } = Math;

type Contents = Pick<GuestSpec, 'compressibility' | 'contents'>;

/** Compressibility of each content; undefined: as the compressor's table has it. */
export function compressibilities({ compressibility, contents }: Contents): NonEmpty<number | undefined> {
  if (contents === undefined) return [compressibility];
  const others = new Set(contents.map((extent) => extent.compressibility));
  return [compressibility, ...[...others].filter((one) => one !== compressibility)];
}

interface Stretch {
  readonly firstPage: number;
  readonly endPage: number;
  readonly content: number;
}

/** Which content a page has, and where it ends. */
export class ContentMap {
  readonly #stretches: readonly Stretch[];

  constructor(guest: Contents) {
    const known = compressibilities(guest);
    this.#stretches = mapped(guest.contents ?? [], ({ firstPage, pages, compressibility }) => ({
      firstPage,
      endPage: firstPage + pages,
      content: known.indexOf(compressibility),
    }));
  }

  at(page: number): number {
    for (let i = 0; i < this.#stretches.length; i += 1) {
      const { firstPage, endPage, content } = this.#stretches[i]!;
      if (page < firstPage) return 0;
      if (page < endPage) return content;
    }
    return 0;
  }

  /** The next border behind `page`, at most `lastPage`. */
  endOf(page: number, lastPage: number): number {
    for (let i = 0; i < this.#stretches.length; i += 1) {
      const { firstPage, endPage } = this.#stretches[i]!;
      if (page < firstPage) return min(firstPage, lastPage);
      if (page < endPage) return min(endPage, lastPage);
    }
    return lastPage;
  }

  /** Pages at which a stretch begins or ends. */
  borders(): number[] {
    return this.#stretches.flatMap(({ firstPage, endPage }) => [firstPage, endPage]);
  }
}
