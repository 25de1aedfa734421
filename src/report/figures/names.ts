/** Strategies in figures: a short name, the same colour and symbol in every figure, options in a note below. */
import { wrapHyphens } from '../text.js';
import { textWidth } from './font.js';
import { lineHeight } from './labels.js';
import { type Results, textIn } from './results.js';
import { type Look, type Sheet, lookOf } from './sheet.js';
import { text, wrapToWidth } from './svg.js';

export interface Name {
  readonly label: string;
  /** Without options; a number in brackets leads to the note. */
  readonly short: string;
  /** For names of files. */
  readonly slug: string;
  readonly look: Look;
  /** `[1] cpu-throttle-initial=40`; null without options. */
  readonly note: string | null;
}

export interface Names {
  of(label: string): Name;
}

/** In the order in which the strategies first come, which is that of the scenario. */
export function namesIn(results: Results): Names {
  const tables = [results.runs, results.vcpus, results.timeline, results.syncs, results.validation];
  const labels = new Set(tables.flatMap((table) => table.map((row) => textIn(row, 'strategy'))));
  const names = new Map<string, Name>();
  let notes = 0;
  for (const label of labels) {
    const [, name = label, options] = /^([^(]+)\((.*)\)$/s.exec(label) ?? [];
    if (options !== undefined) notes += 1;
    names.set(label, {
      label,
      short: options === undefined ? name : `${name} [${notes}]`,
      slug: slugOf(options === undefined ? name : `${name}-${notes}`),
      look: lookOf(names.size),
      note: options === undefined ? null : `[${notes}] ${options.replaceAll(',', ', ')}`,
    });
  }
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
  return Math.max(0, ...lines.flat().map((one) => textWidth(one, font)));
}

/** What the numbers in brackets stand for; null when there are none. */
export function optionsOf(names: readonly Name[]): string | null {
  const notes = names.map(({ note }) => note).filter((note) => note !== null);
  return notes.length === 0 ? null : notes.join('; ');
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
