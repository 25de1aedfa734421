/** How the n-th strategy looks, everywhere on the page. */
import { lookOf } from '../../report/figures/kit/sheet.js';
import { colour, svg } from './dom.js';

export function strokeOf(index: number): string {
  const { color } = lookOf(index);
  return color === 'currentColor' ? colour('--ink') : color;
}

/** `#0072B2` with an opacity, for areas. */
export function fillOf(index: number, opacity: number): string {
  const stroke = strokeOf(index);
  const hex = Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0');
  return /^#[0-9a-f]{6}$/i.test(stroke) ? stroke + hex : stroke;
}

/** A short line in the colour of the strategy, for keys and headings. */
export function swatch(index: number): SVGSVGElement {
  return svg(
    'svg',
    { class: 'swatch', viewBox: '0 0 14 14', width: 14, height: 14, 'aria-hidden': 'true' },
    svg('rect', { x: 1, y: 1, width: 12, height: 12, rx: 3, fill: strokeOf(index) }),
  );
}
