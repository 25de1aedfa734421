/** The symbols of Observable Plot, for places outside its frames. */
import * as Plot from '@observablehq/plot';
import { chart } from './chart.js';
import type { Look } from './sheet.js';
import { round } from './svg.js';

const shapes = new Map<string, string>();

/** As large as a dot of radius `r` in a frame. */
export function symbolAt({ symbol, color }: Look, x: number, y: number, r: number): string {
  const key = `${symbol} ${r}`;
  const shape = shapes.get(key) ?? shapeOf(symbol, r);
  shapes.set(key, shape);
  return `<g transform="translate(${round(x)},${round(y)})" fill="${color}">${shape}</g>`;
}

function shapeOf(symbol: Look['symbol'], r: number): string {
  const dot = Plot.dot([[0, 0]], { x: '0', y: '1', symbol, r, fill: 'black' });
  const [, path] = /<path d="([^"]+)"/.exec(chart({ axis: null, marks: [dot] }).svg) ?? [];
  return path === undefined ? `<circle r="${r}"/>` : `<path d="${path}"/>`;
}
