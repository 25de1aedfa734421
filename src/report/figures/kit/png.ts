/** SVG to PNG, with no other font than ours: the picture is the same on every machine. */
import { Resvg } from '@resvg/resvg-js';
import { fontFile } from './font.js';
import type { Sheet } from './sheet.js';

/** Dots an inch in print. */
const RESOLUTION = 300;
const PIXELS_AN_INCH = 96;

export function pngOf(svg: string, sheet: Sheet): Buffer {
  const picture = new Resvg(svg, {
    fitTo: { mode: 'width', value: Math.round((sheet.width * RESOLUTION) / PIXELS_AN_INCH) },
    font: { fontFiles: [fontFile()], loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' },
  });
  return picture.render().asPng();
}
