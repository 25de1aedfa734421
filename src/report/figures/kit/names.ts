/** Strategies in figures: a short name, the same colour and symbol in every figure, options in a note below. */
import { textIn } from '../../files/rows.js';
import { type StrategyName, strategyNames } from '../../terminal/kit/strategy-names.js';
import { wrapHyphens } from '../../terminal/kit/text.js';
import { textWidth } from './font.js';
import { lineHeight } from './labels.js';
import type { Results } from '../data/results.js';
import { type Look, lookOf, type Sheet } from './sheet.js';
import { text, wrapToWidth } from './svg.js';
import { largest } from '../../../stats/extremes.js';

export interface Name extends StrategyName {
  /** For names of files. */
  readonly slug: string;
  readonly look: Look;
}

export interface Names {
  of(label: string): Name;
}

/** In the order in which the strategies first come, which is that of the scenario. */
export function namesIn(results: Results): Names {
  const { runs, vcpus, timeline, syncs, vcpuTimeline, validation } = results;
  const tables = [runs, vcpus, timeline, syncs, vcpuTimeline, validation];
  const labels = new Set(tables.flatMap((table) => table.map((row) => textIn(row, 'strategy'))));
  const names = new Map(
    strategyNames([...labels]).map((name, index) => [
      name.label,
      { ...name, slug: slugOf(name.short), look: lookOf(index) },
    ]),
  );
  return {
    of(label) {
      const name = names.get(label);
      if (name === undefined) throw new Error(`no strategy ${label} among the results`);
      return name;
    },
  };
}

export function slugOf(text: string): string {
  const slug = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return slug.replaceAll(/^-|-$/g, '') || 'unnamed';
}

/** The short name in lines of about `characters`, for margins. */
export function linesOf(name: Name, characters: number): string[] {
  return wrapHyphens(name.short, characters);
}

export function widthOf(lines: readonly (readonly string[])[], font: number): number {
  return Math.max(0, largest(lines.flat().map((one) => textWidth(one, font))));
}

/** Notes and other small print from `y` (the top) on, over the whole width; `height` is what they take. */
export function smallPrint(
  notes: readonly (string | null)[],
  y: number,
  sheet: Sheet,
): { readonly svg: string; readonly height: number } {
  const size = 0.88 * sheet.font;
  const lines = notes
    .filter((note) => note !== null)
    .flatMap((note) => wrapToWidth(note, sheet.width - 8, size));
  const svg = lines.map((one, row) =>
    text(4, y + (row + 0.85) * lineHeight(size), one, { size, opacity: 0.8 }),
  );
  return {
    svg: svg.join('\n'),
    height: lines.length * lineHeight(size) + (lines.length > 0 ? 0.5 * size : 0),
  };
}
