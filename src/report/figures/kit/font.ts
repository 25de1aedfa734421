/** The one font of all figures: DejaVu Sans ships with migsim, so that text looks and measures alike everywhere. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Wherever the font is missing, whatever shows the SVG has a sans serif. */
export const FONT_FAMILY = "'DejaVu Sans', Verdana, sans-serif";

export function fontFile(): string {
  return fileURLToPath(new URL('../../../../fonts/DejaVuSans.ttf', import.meta.url));
}

/** Advance width of a text on one line, in the unit of `size`. Characters that the font lacks count as its empty box. */
export function textWidth(text: string, size: number): number {
  metrics ??= readMetrics(readFileSync(fontFile()));
  let units = 0;
  for (const character of text) units += metrics.advance(character.codePointAt(0) ?? 0);
  return (units / metrics.unitsPerEm) * size;
}

interface Metrics {
  readonly unitsPerEm: number;
  advance(codePoint: number): number;
}

let metrics: Metrics | undefined;

/** Of a TrueType file: advances (`hmtx`) of the glyphs to which `cmap` (format 4: the basic plane) maps characters. */
function readMetrics(font: Buffer): Metrics {
  const tables = new Map<string, number>();
  for (let index = 0; index < font.readUInt16BE(4); index++) {
    const entry = 12 + 16 * index;
    tables.set(font.toString('latin1', entry, entry + 4), font.readUInt32BE(entry + 8));
  }
  const at = (table: string): number => tables.get(table) ?? 0;
  const advances = font.readUInt16BE(at('hhea') + 34);
  const glyphOf = readCharacterMap(font, at('cmap'));
  return {
    unitsPerEm: font.readUInt16BE(at('head') + 18),
    // Glyphs after the last entry are as wide as the last.
    advance: (codePoint) => font.readUInt16BE(at('hmtx') + 4 * Math.min(glyphOf(codePoint), advances - 1)),
  };
}

function readCharacterMap(font: Buffer, cmap: number): (codePoint: number) => number {
  const maps = Array.from({ length: font.readUInt16BE(cmap + 2) }, (_, index) => {
    return cmap + font.readUInt32BE(cmap + 4 + 8 * index + 4);
  });
  const map = maps.find((offset) => font.readUInt16BE(offset) === 4);
  if (map === undefined) throw new Error('the font has no character map of format 4');
  const doubledSegments = font.readUInt16BE(map + 6);
  const ends = map + 14;
  const starts = ends + doubledSegments + 2;
  const deltas = starts + doubledSegments;
  const ranges = deltas + doubledSegments;
  return (codePoint) => {
    for (let segment = 0; segment < doubledSegments; segment += 2) {
      if (codePoint > font.readUInt16BE(ends + segment)) continue;
      const start = font.readUInt16BE(starts + segment);
      if (codePoint < start) return 0;
      const delta = font.readUInt16BE(deltas + segment);
      const range = font.readUInt16BE(ranges + segment);
      if (range === 0) return (codePoint + delta) & 0xffff;
      const glyph = font.readUInt16BE(ranges + segment + range + 2 * (codePoint - start));
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  };
}
