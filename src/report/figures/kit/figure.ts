/** What a figure is. Each has its file in this folder and a line in index.ts. */
import type { Names } from './names.js';
import type { Results } from '../data/results.js';
import type { Sheet } from './sheet.js';

/** A figure that was drawn. */
export interface Drawing {
  /** Of the file, without its ending. */
  readonly name: string;
  /** What is to be seen, in a sentence or two. */
  readonly caption: string;
  readonly svg: string;
}

export interface Figure {
  /** The word for `--figure`. */
  readonly name: string;
  /** One line without a full stop. */
  readonly summary: string;
  /** From which data it can be drawn, as in `needs …`. */
  readonly needs: string;
  /** Of one scenario. Empty when the data do not allow it. */
  draw(results: Results, sheet: Sheet, names: Names): Drawing[];
}
