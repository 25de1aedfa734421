/** Where frames stand: panels next to and below each other, with room for the words around them. */
import { textWidth } from './font.js';
import { lineHeight } from './labels.js';
import type { Box } from './panel.js';
import type { Look, Sheet } from './sheet.js';
import { round, text } from './svg.js';
import { symbolAt } from './symbols.js';

export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly above: number;
  readonly below: number;
}

export interface Placement {
  readonly top?: number;
  /** Room at the left that all rows leave free. */
  readonly left?: number;
  /** Default: those of the sheet. */
  readonly columns?: number;
}

/** Frames of the same size, row by row. `width` is that of each frame; `bottom` is where the last row ends, words included. */
export function frames(
  count: number,
  height: number,
  margins: Margins,
  sheet: Sheet,
  { top = 0, left = 0, columns = Math.min(sheet.columns, count) }: Placement = {},
): { readonly boxes: Box[]; readonly width: number; readonly bottom: number } {
  const gap = columns > 1 ? 1.5 * sheet.font : 0;
  const cell = (sheet.width - 2 - left - gap * (columns - 1)) / columns;
  const rowHeight = margins.above + height + margins.below;
  const width = cell - margins.left - margins.right;
  const boxes = Array.from({ length: count }, (_, index) => ({
    x: left + (index % columns) * (cell + gap) + margins.left,
    y: top + Math.floor(index / columns) * rowHeight + margins.above,
    width,
    height,
  }));
  return { boxes, width, bottom: top + Math.ceil(count / columns) * rowHeight };
}

/** Whether no frame stands below this one. */
export function isLowest(index: number, count: number, sheet: Sheet): boolean {
  return index + Math.min(sheet.columns, count) >= count;
}

export interface LegendEntry {
  readonly words: string;
  readonly color: string;
  /** Instead of a square. */
  readonly symbol?: Look['symbol'];
  /** A short stroke instead of a square. */
  readonly stroke?: boolean;
}

/** Small squares or symbols with what they stand for, in lines over the whole width from `x` on. */
export function legend(
  entries: readonly LegendEntry[],
  x: number,
  y: number,
  sheet: Sheet,
): { readonly svg: string; readonly height: number } {
  const { font, width } = sheet;
  const size = 0.75 * font;
  const parts: string[] = [];
  let at = x;
  let row = 0;
  for (const { words, color, symbol, stroke = false } of entries) {
    const needed = size + 0.4 * font + textWidth(words, font) + 1.2 * font;
    if (at > x && at + needed - 1.2 * font > width) {
      row += 1;
      at = x;
    }
    const base = y + (row + 0.82) * lineHeight(font);
    const [top, height] = stroke ? [base - 0.6 * size, 1.6] : [base - size, size];
    parts.push(
      symbol === undefined
        ? `<rect x="${round(at)}" y="${round(top)}" width="${round(size)}" height="${round(height)}" fill="${color}"/>`
        : symbolAt({ symbol, color }, at + size / 2, base - size / 2, 0.32 * font),
      text(at + size + 0.4 * font, base, words),
    );
    at += needed;
  }
  return { svg: parts.join('\n'), height: (row + 1) * lineHeight(font) + 0.4 * font };
}
