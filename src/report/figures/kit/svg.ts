/** SVG as text: whatever is drawn twice from the same data has the same bytes. */
import { FONT_FAMILY, textWidth } from './font.js';
import { escape, round } from './marks.js';
import type { Sheet } from './sheet.js';

export { escape, line, round, text } from './marks.js';

/** A whole figure. `title` says what it is to those who cannot see it. */
export function picture(sheet: Sheet, height: number, title: string, parts: readonly string[]): string {
  const { width, mm, background, font } = sheet;
  const size =
    mm === null ? 'width="100%"' : `width="${mm}mm" height="${round((mm * Math.ceil(height)) / width)}mm"`;
  const frame = `viewBox="0 0 ${width} ${Math.ceil(height)}" ${size}`;
  const letters = `font-family="${FONT_FAMILY}" font-size="${font}" fill="currentColor"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${frame} ${letters}${background === null ? '' : ' color="black"'} role="img">`,
    `<title>${escape(title)}</title>`,
    background === null ? '' : `<rect width="100%" height="100%" fill="${background}"/>`,
    ...parts,
    '</svg>\n',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Breaks at spaces, and after hyphens, into lines no wider than `room`; a piece that is wider stays whole. */
export function wrapToWidth(words: string, room: number, size: number): string[] {
  const lines: string[] = [];
  for (const piece of words.split(/(?<=-)(?=.)|(?<= )/)) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth((last + piece).trimEnd(), size) <= room)
      lines[lines.length - 1] = last + piece;
    else lines.push(piece);
  }
  return lines.map((one) => one.trimEnd());
}
