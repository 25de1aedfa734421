/** What figures are drawn on, and in which colours. Lengths are CSS pixels: 96 to the inch. */
import { nth } from '../../../lists.js';

export interface Sheet {
  readonly width: number;
  /** Size of the text. */
  readonly font: number;
  /** Panels next to each other. */
  readonly columns: 1 | 2;
  /** Width in print; null: as wide as the place it is put in. */
  readonly mm: number | null;
  /** Behind the figure; null: nothing. */
  readonly background: string | null;
}

/** One and two columns of a paper, with text of 7 points. */
export const SHEETS: Readonly<Record<'one' | 'two', Sheet>> = {
  one: { width: 321, font: 9.2, columns: 1, mm: 85, background: 'white' },
  two: { width: 673, font: 9.2, columns: 2, mm: 178, background: 'white' },
};

/**
 * The palette of Okabe and Ito ("Color Universal Design", 2008), which people with any colour vision can distinguish,
 * without its yellow, too pale for lines on white. The last one is black, or white on a dark page.
 */
const OKABE_ITO = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', 'currentColor'] as const;
export const BLUE = OKABE_ITO[0];
export const VERMILLION = OKABE_ITO[1];
export const GREEN = OKABE_ITO[2];
export const PURPLE = OKABE_ITO[3];
export const ORANGE = OKABE_ITO[4];
export const SKY = OKABE_ITO[5];
export const INK = OKABE_ITO[6];

const SYMBOLS = ['circle', 'square', 'triangle', 'diamond', 'star', 'wye', 'cross'] as const;

export interface Look {
  readonly color: string;
  readonly symbol: (typeof SYMBOLS)[number];
}

/** Of the n-th series, from 0. From the eighth on, colours meet other symbols: 49 looks in all. */
export function lookOf(index: number): Look {
  const shift = Math.floor(index / OKABE_ITO.length);
  return {
    color: nth(OKABE_ITO, index % OKABE_ITO.length),
    symbol: nth(SYMBOLS, (index + shift) % SYMBOLS.length),
  };
}
